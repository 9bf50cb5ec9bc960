/**
 * The rooms that one connection is live in, and how far each was heard.
 *
 * Each room has a cursor `{epoch, pos}` that moves as receiver.js judges its frames; every reconnect resumes
 * from it. `on` is told as chat-client.js promises.
 */
import { judge } from "./receiver.js";

// A cursor takes up to about 200 bytes of a frame of at most 64 KiB.
const ROOMS_PER_FRAME = 200;

// Stands in a room's `awaiting`, in place of a ref, until its SUBSCRIBE is sent again.
const LATER = "later";

export class Subscriptions {
  #on;
  #ask;
  #later;
  #rooms = new Map();

  // The ref of the SUBSCRIBE "all" that has no answer yet; null once it has one, undefined where nobody wants all.
  #all;

  /**
   * `ask(frame)` sends a frame and returns its ref, or null where there is no connection; `later(ms, work)` runs
   * work after a while (ms may be undefined: some while), unless the connection is lost before.
   */
  constructor({ on, ask, later }) {
    this.#on = on;
    this.#ask = ask;
    this.#later = later;
  }

  /** Sets the rooms to be live in: new ones are subscribed, missing ones forgotten, or heard by their mode under "all". */
  follow(roomIds) {
    const wanted = new Set(roomIds);
    for (const [roomId, room] of this.#rooms) {
      if (wanted.has(roomId) || !room.isNamed) continue;
      if (this.#all === undefined) this.#rooms.delete(roomId);
      else room.isNamed = false;
      this.#ask({ type: "UNSUBSCRIBE", rooms: [roomId] });
    }
    const added = [...wanted].filter((roomId) => !this.#rooms.get(roomId)?.isNamed);
    for (const roomId of added) this.#room(roomId).isNamed = true;
    this.#subscribe(added);
  }

  /** Hears every room of the person's by its mode, and those that become theirs. */
  followAll() {
    this.#askAll();
  }

  /** Returns the cursor of a room, or null where it is not live yet. */
  cursor(roomId) {
    return this.#rooms.get(roomId)?.cursor ?? null;
  }

  /** Subscribes every room from where it is: a new connection is up. */
  resume() {
    const rooms = [...this.#rooms];
    // What was being filled is asked for again by the answer to "all".
    for (const [, room] of rooms) room.awaiting = null;
    this.#subscribe(rooms.filter(([, room]) => room.isNamed).map(([roomId]) => roomId));
    if (this.#all !== undefined) this.#askAll();
  }

  /** Takes the answer to SUBSCRIBE "all": what was missed of rooms heard in full is asked for by name. */
  subscribedAll({ ref, rooms }) {
    if (this.#all !== ref) return;
    this.#all = null;
    const missed = [];
    for (const [roomId, { epoch, pos, mode, unread, mentions }] of Object.entries(rooms)) {
      const room = this.#room(roomId);
      const { cursor } = room;
      this.#on.summary(roomId, { mode, unread, mentions });
      if (room.isNamed || (cursor && mode === "activity")) continue;
      if (cursor && !(cursor.epoch === epoch && cursor.pos >= pos)) missed.push(roomId);
      else if (!cursor) {
        room.cursor = { epoch, pos };
        if (mode === "full") this.#on.fresh(roomId, room.cursor);
      }
    }
    this.#subscribe(missed);
  }

  /** Takes the answer to a SUBSCRIBE from a cursor: everything since, in parts. */
  subscribed({ ref, roomId, epoch, pos, events, more }) {
    if (ref === undefined) this.#joined(roomId, { epoch, pos });
    const room = this.#rooms.get(roomId);
    if (!room || ref === undefined || room.awaiting !== ref) return;
    const isNew = room.cursor === null;
    room.awaiting = null;
    room.cursor ??= { epoch, pos };
    const fits = events.every((frame) => this.#apply(room, frame));
    // One of them may have told that the person was removed.
    if (!this.#rooms.has(roomId)) return;
    room.cursor = { epoch, pos: fits ? Math.max(pos, room.cursor.pos) : pos };
    if (!fits) this.#on.reload(roomId);
    else if (isNew) this.#on.fresh(roomId, room.cursor);
    if (more) this.#subscribe([roomId]);
    else this.#fallBack(roomId);
  }

  /** Takes RESYNC: live from its pos, and what lies before is lost. */
  resync({ ref, roomId, epoch, pos }) {
    const room = this.#all === undefined ? this.#rooms.get(roomId) : this.#room(roomId);
    if (!room) return;
    const isAnswer = room.awaiting !== null && room.awaiting === ref;
    if (isAnswer) room.awaiting = null;
    room.cursor = { epoch, pos };
    this.#on.reload(roomId);
    if (isAnswer) this.#fallBack(roomId);
  }

  /**
   * Takes a live frame; whatever comes before the answer to SUBSCRIBE is in that answer too.
   *
   * After a hole, or a frame of another epoch, the server says from the cursor what is missing: events, or RESYNC.
   */
  live(frame) {
    const room = this.#rooms.get(frame.roomId);
    if (!room || room.awaiting !== null || this.#apply(room, frame)) return;
    this.#subscribe([frame.roomId]);
  }

  /** Takes the ERROR that answers a SUBSCRIBE: of one of its rooms, or of all that have no answer yet. */
  refused({ ref, roomId, retryable, retryAfterMs }) {
    if (!ref) return;
    if (ref === this.#all) {
      this.#all = LATER;
      this.#later(retryAfterMs, () => this.#again());
      return;
    }
    const refused = this.#waitingFor(ref).filter((id) => roomId === undefined || id === roomId);
    if (refused.length === 0) return;
    // Only of one room can it be said that it is not theirs; what a whole frame met may pass.
    if (retryable || roomId === undefined) {
      for (const id of refused) this.#rooms.get(id).awaiting = LATER;
      this.#later(retryAfterMs, () => this.#again());
    } else {
      this.#rooms.delete(roomId);
      this.#on.gone(roomId);
    }
  }

  #room(roomId) {
    if (!this.#rooms.has(roomId)) this.#rooms.set(roomId, { cursor: null, awaiting: null, isNamed: false });
    return this.#rooms.get(roomId);
  }

  // The server has joined the person to a room that became theirs.
  #joined(roomId, cursor) {
    if (this.#all === undefined || this.#room(roomId).isNamed) return;
    Object.assign(this.#room(roomId), { cursor, awaiting: null });
    this.#on.fresh(roomId, cursor);
  }

  // What was asked for by name to fill it is heard by its mode again.
  #fallBack(roomId) {
    if (this.#rooms.get(roomId).isNamed) return;
    this.#ask({ type: "UNSUBSCRIBE", rooms: [roomId] });
  }

  #askAll() {
    this.#all = this.#ask({ type: "SUBSCRIBE", rooms: "all" });
  }

  #again() {
    this.#subscribe(this.#waitingFor(LATER));
    if (this.#all === LATER) this.#askAll();
  }

  #waitingFor(answer) {
    return [...this.#rooms.keys()].filter((id) => this.#rooms.get(id).awaiting === answer);
  }

  #subscribe(roomIds) {
    for (let start = 0; start < roomIds.length; start += ROOMS_PER_FRAME) {
      const some = roomIds.slice(start, start + ROOMS_PER_FRAME);
      const rooms = Object.fromEntries(some.map((roomId) => [roomId, this.cursor(roomId)]));
      const ref = this.#ask({ type: "SUBSCRIBE", rooms });
      for (const roomId of some) this.#rooms.get(roomId).awaiting = ref;
    }
  }

  // Says whether the frame fits the cursor of its room: applied, or known already.
  #apply(room, frame) {
    const outcome = judge(room.cursor, frame);
    if (outcome === "apply") {
      room.cursor = { epoch: frame.epoch, pos: frame.pos };
      this.#on.event(frame);
    }
    return outcome === "apply" || outcome === "drop";
  }
}
