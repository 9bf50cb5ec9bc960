/**
 * A client of the chat server: `/ws/chat/` with reconnects, resume, heartbeats and an outbox.
 *
 * What it promises to whoever listens (`on`, an object of functions, any of which may be left out):
 * - `event(frame)`: a room event, each exactly once and in order, of the rooms heard; of unknown types too.
 * - `whisper(frame)`: what has no place in an order and may get lost (TYPING, PRESENCE, ROOM_ACTIVITY ...).
 * - `personal(frame)`: an ME frame, each exactly once and in order.
 * - `missed()`: ME frames of this connection were lost for good; what concerns the person must be read again.
 * - `fresh(roomId, {epoch, pos})`: live from pos on; what lies before was never told here.
 * - `summary(roomId, {mode, unread, mentions})`: how a room of the person's stands, at each start of hearing all; in mode
 *   "activity" only `whisper` tells of it, until it is given to `follow`.
 * - `reload(roomId)`: events were lost for good; what is cached of this room must be read again.
 * - `gone(roomId)`: the server does not let this person follow the room.
 * - `delivered(entry, frame)`: the server has taken a send; frame is its ACK.
 * - `outbox()`: an entry of the outbox changed.
 * - `ready(frame)`: a new connection is up; what concerns the person may have changed before it.
 * - `state({state, retryAt, reason})`: state is "online", "connecting", "waiting" or "offline"; retryAt is in ms
 *   since 1970 or null; reason is the close code of a connection that is refused for good, or null.
 * - `signedOut()`: the session has ended; only a new sign-in helps.
 *
 * How far each room was heard is kept by subscriptions.js; the person's own stream has a position too, but no replay.
 * The files of this folder import nothing but each other. tests/conformance says in scripts what servers do to them.
 */
import { fullJitter } from "./backoff.js";
import { Outbox } from "./outbox.js";
import { judge } from "./receiver.js";
import { Subscriptions } from "./subscriptions.js";

export { fullJitter } from "./backoff.js";
export { compareIds, fold, fromRest, ordered, withMessages } from "./fold.js";
export { MemoryStorage, Outbox, OUTCOME_UNKNOWN } from "./outbox.js";
export { judge } from "./receiver.js";

const HANDSHAKE_MS = 15_000;
const PROBE_MS = 5_000;

// A connection that lasted this long was a good one: the next failure starts from a short wait again.
const STEADY_MS = 10_000;

const FORBIDDEN = 4003;
const NOT_SIGNED_IN = [4001, 4011];

// Stands in for the listeners that were left out.
const TOLD = "event whisper personal missed fresh summary reload gone delivered outbox ready state signedOut".split(" ");
const SILENT = Object.fromEntries(TOLD.map((name) => [name, () => {}]));

/** What the client needs from the browser; tests pass their own. */
export const browser = {
  open: (url, protocols) => new WebSocket(url, protocols),
  setTimer: (work, ms) => setTimeout(work, ms),
  clearTimer: (timer) => clearTimeout(timer),
  now: () => Date.now(),
  random: () => Math.random(),
  // Only browsers know; elsewhere a lost connection is all there is to see.
  isOnline: () => globalThis.navigator?.onLine !== false,
};

/** Returns a nonce that no other message has; `crypto.randomUUID` is missing over plain http. */
export function newNonce() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class ChatClient {
  #url;
  #ticket;
  #outbox;
  #on;
  #env;
  #rooms;
  #own = null;
  #socket = null;
  #ready = false;
  #stopped = true;
  #attempt = 0;
  #readyAt = 0;
  #heardAt = 0;
  #reconnectAt = null;
  #mustRenew = false;
  #lastRef = 0;
  #timers = {};

  /**
   * `ticket({renew})` returns a promise of a WebSocket ticket, bought with a new access token if `renew`. It fails
   * with an error of `status` 401 where the session has ended; after any other it is asked again.
   */
  constructor({ url, ticket, outbox = new Outbox(), on = {}, env = browser }) {
    this.#url = url;
    this.#ticket = ticket;
    this.#outbox = outbox;
    this.#on = { ...SILENT, ...on };
    this.#env = env;
    this.#rooms = new Subscriptions({
      on: this.#on,
      ask: (frame) => this.#ask(frame),
      later: (ms, work) => this.#after("subscribe", ms ?? fullJitter(2, env.random), work),
    });
  }

  /** Connects, and reconnects whenever the connection is lost, until `stop`. */
  start() {
    this.#stopped = false;
    this.#connect();
  }

  /** Closes the connection for good. */
  stop() {
    this.#stopped = true;
    this.#abandon();
    for (const name of Object.keys(this.#timers)) this.#cancel(name);
  }

  /** Sets the rooms to be live in: new ones are subscribed, missing ones forgotten. */
  follow(roomIds) {
    this.#rooms.follow(roomIds);
  }

  /** Hears every room of the person's by its mode: small ones in full, large ones as activity but for those followed. */
  followAll() {
    this.#rooms.followAll();
  }

  /** Returns the cursor `{epoch, pos}` of a room, or null where it is not live yet. */
  cursor(roomId) {
    return this.#rooms.cursor(roomId);
  }

  /** Sends a message, now or as soon as it can, and again until the server answers; returns its nonce. */
  post({ roomId, content, replyToId = null, threadId = null, mentions = [], important = false, nonce = newNonce() }) {
    this.#outbox.add({ nonce, roomId, content, replyToId, threadId, mentions, important, now: this.#env.now() });
    this.#flush();
    return nonce;
  }

  /** Sends a frame that is not worth repeating; false where there is no connection to take it. */
  tell(frame) {
    return this.#ask(frame) !== null;
  }

  /** Sends a failed message again; under `freshNonce` where the server may have forgotten the first one. */
  retry(nonce, freshNonce = newNonce()) {
    this.#outbox.retry(nonce, freshNonce);
    this.#flush();
  }

  /** Gives up a message that was not sent, or ends one that is known to have arrived. */
  settle(nonce) {
    if (this.#outbox.settle(nonce)) this.#flush();
  }

  /** Looks after the connection at once: ends a wait, and finds out within 5 s whether a socket still lives. */
  nudge() {
    if (this.#timers.reconnect) this.#connect();
    if (!this.#ready) return;
    const askedAt = this.#env.now();
    this.#ask({ type: "HEARTBEAT" });
    this.#after("probe", PROBE_MS, () => this.#heardAt < askedAt && this.#lost());
  }

  async #connect() {
    this.#cancel("reconnect");
    this.#abandon();
    this.#say("connecting");
    // Stands for the socket while its ticket is fetched, so that a newer attempt is noticed.
    const attempt = (this.#socket = { close() {} });
    try {
      const ticket = await this.#ticket({ renew: this.#mustRenew });
      if (this.#socket === attempt) this.#open(ticket);
    } catch (problem) {
      if (this.#socket !== attempt) return;
      if (problem.status !== 401) return this.#lost();
      if (this.#mustRenew) return this.#signOut();
      // The access token may have run out while the machine slept; only a renewal says that the session has ended.
      this.#mustRenew = true;
      return this.#connect();
    }
    return undefined;
  }

  #open(ticket) {
    this.#mustRenew = false;
    const socket = (this.#socket = this.#env.open(this.#url, ["chat.v1", `ticket.${ticket}`]));
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = ({ code }) => this.#lost(code);
    this.#after("handshake", HANDSHAKE_MS, () => this.#lost());
  }

  #receive(frame) {
    this.#heardAt = this.#env.now();
    switch (frame.type) {
      case "READY":
        return this.#welcome(frame);
      case "SUBSCRIBED":
        return this.#rooms.subscribed(frame);
      case "SUBSCRIBED_ALL":
        return this.#rooms.subscribedAll(frame);
      case "RESYNC":
        return this.#rooms.resync(frame);
      case "ACK":
        return this.#acknowledged(frame);
      case "ERROR":
        return this.#refused(frame);
      case "AUTH_EXPIRING":
        return this.#renew();
      case "RECONNECT":
        return this.#moveLater(frame);
      case "ME":
        return this.#personal(frame);
      case "OK":
      case "HEARTBEAT_ACK":
        return undefined;
      default:
        return frame.pos === undefined ? this.#on.whisper(frame) : this.#rooms.live(frame);
    }
  }

  #welcome(frame) {
    this.#cancel("handshake");
    this.#ready = true;
    this.#readyAt = this.#env.now();
    this.#beat(frame.heartbeatMs);
    this.#say("online");
    this.#rooms.resume();
    this.#own = frame.me;
    this.#on.ready(frame);
    this.#flush();
  }

  #beat(everyMs) {
    this.#after("heartbeat", everyMs, () => {
      if (this.#env.now() - this.#heardAt >= 2 * everyMs) return this.#lost();
      this.#ask({ type: "HEARTBEAT" });
      return this.#beat(everyMs);
    });
  }

  // Its stream cannot be asked for what lies in a hole, so the frame itself is taken all the same.
  #personal(frame) {
    const outcome = judge(this.#own, frame);
    if (outcome === "drop") return;
    this.#own = { epoch: frame.epoch, pos: frame.pos };
    this.#on.personal(frame);
    if (outcome !== "apply") this.#on.missed();
  }

  #acknowledged(frame) {
    const entry = this.#outbox.settle(frame.nonce);
    if (!entry) return;
    this.#on.delivered(entry, frame);
    this.#flush();
  }

  #refused(frame) {
    const nonce = frame.nonce ?? frame.ref;
    if (this.#outbox.find(nonce)) {
      this.#outbox.refuse(nonce, frame, this.#env.now());
      this.#flush();
    } else {
      this.#rooms.refused(frame);
    }
  }

  async #renew() {
    const socket = this.#socket;
    try {
      const ticket = await this.#ticket({ renew: true });
      if (this.#socket === socket) this.#send({ type: "AUTH", ref: this.#ref(), ticket });
    } catch (problem) {
      // Any other problem ends in close code 4011, and with it in a reconnect that tries again.
      if (problem.status === 401 && this.#socket === socket) this.#signOut();
    }
  }

  #moveLater({ afterMs, jitterMs }) {
    const wait = afterMs + this.#env.random() * jitterMs;
    this.#reconnectAt = this.#env.now() + wait;
    this.#after("move", wait, () => this.#lost());
  }

  // Sends what the outbox has to say, and comes back when it has more to say by itself.
  #flush() {
    const now = this.#env.now();
    if (this.#ready) {
      for (const frame of this.#outbox.take(now)) this.#send(frame);
      const wakeAt = this.#outbox.wakeAt(now);
      if (wakeAt === null) this.#cancel("outbox");
      else this.#after("outbox", wakeAt - now, () => this.#flush());
    }
    this.#on.outbox();
  }

  #lost(code) {
    const now = this.#env.now();
    if (this.#ready && now - this.#readyAt >= STEADY_MS) this.#attempt = 0;
    if (NOT_SIGNED_IN.includes(code)) this.#mustRenew = true;
    this.#abandon();
    if (this.#stopped) return;
    if (code === FORBIDDEN) {
      this.#say("offline", { reason: code });
      return;
    }
    const asked = this.#reconnectAt === null ? null : Math.max(0, this.#reconnectAt - now);
    this.#reconnectAt = null;
    const wait = asked ?? fullJitter(this.#attempt++, this.#env.random);
    this.#after("reconnect", wait, () => this.#connect());
    this.#say(this.#env.isOnline() ? "waiting" : "offline", { retryAt: now + wait });
  }

  #signOut() {
    this.stop();
    this.#on.signedOut();
  }

  // The close event of a dead network can take a minute, so an abandoned socket is no longer listened to.
  #abandon() {
    const socket = this.#socket;
    this.#socket = null;
    this.#ready = false;
    for (const name of ["handshake", "heartbeat", "probe", "outbox", "subscribe", "move"]) this.#cancel(name);
    this.#outbox.lost();
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  // Sends a frame with a ref and returns it; null where there is no connection.
  #ask(frame) {
    if (!this.#ready) return null;
    const ref = this.#ref();
    this.#send({ ...frame, ref });
    return ref;
  }

  #send(frame) {
    this.#socket.send(JSON.stringify(frame));
  }

  #ref() {
    this.#lastRef += 1;
    return `r${this.#lastRef}`;
  }

  #say(state, { retryAt = null, reason = null } = {}) {
    this.#on.state({ state, retryAt, reason });
  }

  #after(name, ms, work) {
    this.#cancel(name);
    this.#timers[name] = this.#env.setTimer(() => {
      delete this.#timers[name];
      work();
    }, ms);
  }

  #cancel(name) {
    if (!(name in this.#timers)) return;
    this.#env.clearTimer(this.#timers[name]);
    delete this.#timers[name];
  }
}
