import assert from "node:assert/strict";
import { test } from "node:test";
import "./modules.mjs";

const { ChatClient, fullJitter } = await import("chat-client");

/** A connection over sockets, timers and a clock of the test's own. */
class World {
  now = 0;
  sockets = [];
  timers = new Map();
  heard = [];
  tickets = [];
  ticketProblem = null;

  constructor(outbox = quietOutbox) {
    const names = ["event", "whisper", "personal", "missed", "fresh", "reload", "gone"];
    names.push("delivered", "outbox", "ready", "state", "signedOut");
    const tell = (name) => [name, (...what) => this.heard.push([name, ...what])];
    this.connection = new ChatClient({
      url: "ws://test",
      ticket: async (how) => {
        this.tickets.push(how);
        if (this.ticketProblem) throw this.ticketProblem;
        return "t1";
      },
      outbox,
      on: Object.fromEntries(names.map(tell)),
      env: {
        open: (...how) => this.#open(how),
        setTimer: (work, ms) => {
          const timer = Symbol();
          this.timers.set(timer, { work, at: this.now + ms });
          return timer;
        },
        clearTimer: (timer) => this.timers.delete(timer),
        now: () => this.now,
        random: () => 0.5,
        isOnline: () => true,
      },
    });
  }

  #open(how) {
    const socket = { how, sent: [], isClosed: false };
    socket.send = (text) => socket.sent.push(JSON.parse(text));
    socket.close = () => (socket.isClosed = true);
    this.sockets.push(socket);
    return socket;
  }

  get socket() {
    return this.sockets.at(-1);
  }

  told(name) {
    return this.heard.filter(([what]) => what === name).map(([, ...what]) => what);
  }

  states() {
    return this.told("state").map(([{ state }]) => state);
  }

  sent(type) {
    return this.socket.sent.filter((frame) => frame.type === type);
  }

  push(frame) {
    this.socket.onmessage({ data: JSON.stringify(frame) });
  }

  async online(...rooms) {
    this.connection.follow(rooms);
    this.connection.start();
    await settled();
    this.ready();
    return this;
  }

  ready() {
    this.push({ type: "READY", heartbeatMs: 30_000, limits: {}, me: { epoch: "e", pos: 2 } });
  }

  /** Answers the last SUBSCRIBE of a room. */
  subscribed(roomId, pos, { events = [], more } = {}) {
    const { ref } = this.sent("SUBSCRIBE").findLast(({ rooms }) => roomId in rooms);
    this.push({ type: "SUBSCRIBED", ref, roomId, epoch: "e", pos, recovered: false, events, more });
  }

  /** Lets time pass, running timers as they become due. */
  async pass(ms) {
    const end = this.now + ms;
    for (;;) {
      const due = [...this.timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      this.timers.delete(due[0]);
      this.now = due[1].at;
      due[1].work();
      await settled();
    }
    this.now = end;
  }
}

const quietOutbox = { take: () => [], wakeAt: () => null, lost() {}, find() {}, settle() {} };
const settled = () => new Promise((resolve) => setImmediate(resolve));
const event = (pos, prev, more = {}) => ({ type: "MESSAGE", roomId: "r", epoch: "e", pos, prev, ...more });
const positions = (world) => world.told("event").map(([frame]) => frame.pos);

const personal = (pos, prev, more = {}) => ({ type: "ME", roomId: "r", epoch: "e", pos, prev, ...more });

test("the ticket goes into the subprotocol, never the address", async () => {
  const world = await new World().online();
  assert.deepEqual(world.socket.how, ["ws://test", ["chat.v1", "ticket.t1"]]);
  assert.deepEqual(world.states(), ["connecting", "online"]);
});

test("live events are told once and in order", async () => {
  const world = await new World().online("r");
  world.subscribed("r", 4);
  for (const frame of [event(5, 4), event(5, 4), event(4, 3), event(7, 5)]) world.push(frame);
  assert.deepEqual(positions(world), [5, 7]);
  assert.deepEqual(world.told("fresh"), [["r", { epoch: "e", pos: 4 }]]);
});

test("an event of an unknown type moves the cursor too", async () => {
  const world = await new World().online("r");
  world.subscribed("r", 4);
  world.push(event(5, 4, { type: "CONFETTI" }));
  world.push(event(6, 5));
  assert.deepEqual(positions(world), [5, 6]);
});

test("an ACK moves no cursor", async () => {
  const world = await new World().online("r");
  world.subscribed("r", 4);
  world.push({ type: "ACK", roomId: "r", epoch: "e", pos: 9, nonce: "n" });
  world.push(event(5, 4));
  assert.deepEqual(positions(world), [5]);
});

test("a hole is filled from the cursor before anything later is told", async () => {
  const world = await new World().online("r");
  world.subscribed("r", 4);
  world.push(event(7, 6));
  world.push(event(8, 7));
  assert.deepEqual(world.sent("SUBSCRIBE").at(-1).rooms, { r: { epoch: "e", pos: 4 } });
  world.subscribed("r", 8, { events: [event(5, 4), event(6, 5), event(7, 6), event(8, 7)] });
  world.push(event(9, 8));
  assert.deepEqual(positions(world), [5, 6, 7, 8, 9]);
  assert.equal(world.told("fresh").length, 1);
});

test("a long replay is asked for in parts", async () => {
  const world = await new World().online("r");
  world.subscribed("r", 4);
  world.socket.onclose({ code: 4008 });
  await world.pass(1_000);
  world.ready();
  assert.deepEqual(world.sent("SUBSCRIBE").at(-1).rooms, { r: { epoch: "e", pos: 4 } });
  world.subscribed("r", 6, { events: [event(5, 4), event(6, 5)], more: true });
  assert.deepEqual(world.sent("SUBSCRIBE").at(-1).rooms, { r: { epoch: "e", pos: 6 } });
  world.subscribed("r", 7, { events: [event(7, 6)] });
  assert.deepEqual(positions(world), [5, 6, 7]);
});

test("a frame of another epoch asks the server from the cursor, which answers RESYNC", async () => {
  const world = await new World().online("r");
  world.subscribed("r", 4);
  world.push({ ...event(1, 0), epoch: "new" });
  assert.deepEqual(world.sent("SUBSCRIBE").at(-1).rooms, { r: { epoch: "e", pos: 4 } });
  assert.deepEqual(positions(world), []);
});

test("RESYNC makes the room live from its pos and asks for a reload", async () => {
  const world = await new World().online("r");
  world.subscribed("r", 4);
  world.push({ type: "RESYNC", roomId: "r", epoch: "new", pos: 90 });
  world.push({ ...event(91, 90), epoch: "new" });
  assert.deepEqual(world.told("reload"), [["r"]]);
  assert.deepEqual(positions(world), [91]);
});

test("RESYNC answers a SUBSCRIBE as well", async () => {
  const world = await new World().online("r");
  world.push({ type: "RESYNC", roomId: "r", epoch: "e", pos: 4, ref: world.sent("SUBSCRIBE")[0].ref });
  world.push(event(5, 4));
  assert.deepEqual(positions(world), [5]);
});

test("rooms are subscribed at most 200 a frame", async () => {
  const world = await new World().online(...Array.from({ length: 450 }, (_, index) => `room${index}`));
  assert.deepEqual(
    world.sent("SUBSCRIBE").map(({ rooms }) => Object.keys(rooms).length),
    [200, 200, 50],
  );
});

test("a room that is not ours is given up, and the others stay", async () => {
  const world = await new World().online("r", "theirs");
  const { ref } = world.sent("SUBSCRIBE")[0];
  world.push({ type: "ERROR", ref, roomId: "theirs", code: "not_found", message: "", retryable: false });
  world.subscribed("r", 4);
  world.push(event(5, 4));
  assert.deepEqual(world.told("gone"), [["theirs"]]);
  assert.deepEqual(positions(world), [5]);
});

test("a SUBSCRIBE that may succeed later is sent again", async () => {
  const world = await new World().online("r");
  const { ref } = world.sent("SUBSCRIBE")[0];
  world.push({ type: "ERROR", ref, roomId: "r", code: "rate_limited", retryable: true, retryAfterMs: 700 });
  await world.pass(700);
  assert.equal(world.sent("SUBSCRIBE").length, 2);
});

test("waits are spread over 0 to 1, 2, 4 .. 60 s", () => {
  assert.deepEqual(
    [0, 1, 2, 5, 6, 40, 5_000].map((attempt) => fullJitter(attempt, () => 0.5)),
    [500, 1_000, 2_000, 16_000, 30_000, 30_000, 30_000],
  );
  assert.equal(fullJitter(9, () => 0), 0);
});

test("each failed try doubles the wait, and a steady connection ends the series", async () => {
  const world = await new World().online();
  const waits = () => world.told("state").flatMap(([{ state, retryAt }]) => (state === "waiting" ? [retryAt] : []));
  world.socket.onclose({ code: 1006 });
  assert.equal(waits().at(-1) - world.now, 500);
  await world.pass(500);
  world.socket.onclose({ code: 1006 });
  assert.equal(waits().at(-1) - world.now, 1_000);
  await world.pass(1_000);
  world.ready();
  await world.pass(10_000);
  world.socket.onclose({ code: 4012 });
  assert.equal(waits().at(-1) - world.now, 500);
});

test("after 4003 it never connects again", async () => {
  const world = await new World().online();
  world.socket.onclose({ code: 4003 });
  world.connection.nudge();
  await world.pass(3_600_000);
  assert.equal(world.sockets.length, 1);
  assert.deepEqual(world.told("state").at(-1), [{ state: "offline", retryAt: null, reason: 4003 }]);
});

test("after 4001 it connects with a renewed session, or tells that one is signed out", async () => {
  const world = await new World().online();
  world.socket.onclose({ code: 4001 });
  await world.pass(500);
  assert.deepEqual(world.tickets.at(-1), { renew: true });
  world.ticketProblem = { status: 401 };
  world.socket.onclose({ code: 4001 });
  await world.pass(1_000);
  assert.equal(world.told("signedOut").length, 1);
});

test("before the token ends it renews in place", async () => {
  const world = await new World().online();
  world.push({ type: "AUTH_EXPIRING", expiresInMs: 120_000 });
  await settled();
  assert.deepEqual(world.tickets.at(-1), { renew: true });
  assert.equal(world.sent("AUTH")[0].ticket, "t1");
});

test("RECONNECT moves the connection when it is told to, and not before", async () => {
  const world = await new World().online();
  world.push({ type: "RECONNECT", afterMs: 2_000, jitterMs: 4_000 });
  await world.pass(3_999);
  assert.equal(world.sockets.length, 1);
  await world.pass(1);
  assert.equal(world.sockets.length, 2);
  assert.equal(world.sockets[0].isClosed, true);
});

test("a server that closes before the time it named is left alone until then", async () => {
  const world = await new World().online();
  world.push({ type: "RECONNECT", afterMs: 2_000, jitterMs: 4_000 });
  world.socket.onclose({ code: 4012 });
  await world.pass(3_999);
  assert.equal(world.sockets.length, 1);
  await world.pass(1);
  assert.equal(world.sockets.length, 2);
});

test("a socket that answers no heartbeat is given up", async () => {
  const world = await new World().online();
  await world.pass(30_000);
  assert.equal(world.sent("HEARTBEAT").length, 1);
  world.push({ type: "HEARTBEAT_ACK" });
  await world.pass(60_500);
  assert.equal(world.sockets[0].isClosed, true);
  assert.equal(world.sockets.length, 2);
});

test("a nudge finds a dead socket within 5 s, and ends a wait at once", async () => {
  const world = await new World().online();
  await world.pass(1_000);
  world.connection.nudge();
  await world.pass(5_000);
  assert.deepEqual(world.states(), ["connecting", "online", "waiting"]);
  world.connection.nudge();
  await settled();
  assert.equal(world.sockets.length, 2);
});

test("a handshake that hangs is given up", async () => {
  const world = new World();
  world.connection.start();
  await settled();
  await world.pass(15_000);
  assert.equal(world.states().at(-1), "waiting");
});

test("an answered send is told once", async () => {
  const entry = { nonce: "n", roomId: "r", content: "hi" };
  let entries = [entry];
  const world = await new World({
    ...quietOutbox,
    take: () => [{ type: "SEND_MESSAGE", nonce: "n" }],
    settle: () => entries.pop(),
  }).online("r");
  const ack = { type: "ACK", nonce: "n", messageId: "1", ts: "t", pos: 5 };
  world.push(ack);
  world.push(ack);
  assert.deepEqual(world.told("delivered"), [[entry, ack]]);
});

test("what concerns the person is told once, and a hole in it is told too", async () => {
  const world = await new World().online("r");
  for (const frame of [personal(3, 2), personal(3, 2), personal(4, 3)]) world.push(frame);
  assert.equal(world.told("missed").length, 0);
  world.push(personal(9, 7));
  world.push(personal(1, 0, { epoch: "f" }));
  const told = world.told("personal").map(([{ epoch, pos }]) => epoch + pos);
  assert.deepEqual([told, world.told("missed").length], [["e3", "e4", "e9", "f1"], 2]);
  assert.equal(world.told("event").length, 0);
});

test("what has no place in a room's order is passed on, and a frame is told only while connected", async () => {
  const world = await new World().online("r");
  world.push({ type: "TYPING", roomId: "r", userId: "u", active: true });
  assert.equal(world.told("whisper").length, 1);
  assert.equal(world.connection.tell({ type: "READ", roomId: "r" }), true);
  assert.equal(world.sent("READ").length, 1);
  world.connection.stop();
  assert.equal(world.connection.tell({ type: "READ", roomId: "r" }), false);
});

test("stop leaves no timer behind", async () => {
  const world = await new World().online("r");
  world.connection.stop();
  assert.deepEqual([world.timers.size, world.socket.isClosed], [0, true]);
});
