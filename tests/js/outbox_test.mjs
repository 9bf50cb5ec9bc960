import assert from "node:assert/strict";
import { test } from "node:test";
import "./modules.mjs";

const { Outbox, OUTCOME_UNKNOWN } = await import("chat-client");

const HOUR_MS = 3_600_000;
const LATER = { code: "log_unavailable", message: "later", retryable: true, retryAfterMs: 500 };
const NEVER = { code: "read_only", message: "no", retryable: false };

class MemoryStorage extends Map {
  get length() {
    return this.size;
  }
  key = (index) => [...this.keys()][index];
  getItem = (key) => this.get(key) ?? null;
  setItem = (key, value) => this.set(key, value);
  removeItem = (key) => this.delete(key);
}

function outbox(storage = new MemoryStorage()) {
  return new Outbox({ storage, owner: "ada", random: () => 0.5 });
}
function write(box, ...nonces) {
  for (const nonce of nonces) box.add({ nonce, roomId: "room", content: `text of ${nonce}`, now: 0 });
}
const nonces = (frames) => frames.map(({ nonce }) => nonce);

test("first tries of a chat go out together, in order", () => {
  const box = outbox();
  write(box, "a", "b", "c");
  const frames = box.take(1_000);
  assert.deepEqual(nonces(frames), ["a", "b", "c"]);
  assert.deepEqual(frames[0], { type: "SEND_MESSAGE", ref: "a", roomId: "room", content: "text of a", nonce: "a" });
  assert.deepEqual(box.take(1_001), []);
});

test("at most 16 sends wait for an answer", () => {
  const box = outbox();
  write(box, ...Array.from({ length: 20 }, (_, index) => `n${index}`));
  assert.equal(box.take(0).length, 16);
  box.settle("n0");
  assert.deepEqual(nonces(box.take(0)), ["n16"]);
});

test("after a lost connection each send is retried with its nonce, one by one", () => {
  const box = outbox();
  write(box, "a", "b");
  box.take(1_000);
  box.lost();
  write(box, "c");
  const [retry, ...others] = box.take(3_500);
  assert.deepEqual([retry.nonce, retry.retry, retry.firstTriedMs, others.length], ["a", true, 2_500, 0]);
  box.settle("a");
  assert.deepEqual(nonces(box.take(3_600)), ["b"]);
  box.settle("b");
  const [first] = box.take(3_700);
  assert.deepEqual([first.nonce, first.retry], ["c", undefined]);
});

test("a retry that waits holds back only its own chat", () => {
  const box = outbox();
  write(box, "a");
  box.take(0);
  box.refuse("a", LATER, 0);
  write(box, "b");
  box.add({ nonce: "elsewhere", roomId: "other", content: "x", now: 0 });
  assert.deepEqual(nonces(box.take(100)), ["elsewhere"]);
  assert.equal(box.wakeAt(100), 500);
  assert.deepEqual(nonces(box.take(500)), ["a"]);
});

test("a retry does not overtake an earlier send that is under way", () => {
  const box = outbox();
  write(box, "a", "b");
  box.take(0);
  box.refuse("b", LATER, 0);
  assert.deepEqual(box.take(600), []);
  box.settle("a");
  assert.deepEqual(nonces(box.take(600)), ["b"]);
});

test("a refusal fails the message, and later ones go on", () => {
  const box = outbox();
  write(box, "a", "b");
  box.take(0);
  box.refuse("a", NEVER, 0);
  assert.deepEqual(box.find("a").reason, { code: "read_only", message: "no" });
  box.settle("b");
  write(box, "c");
  assert.deepEqual(nonces(box.take(0)), ["c"]);
});

test("a failed message is sent again with the same nonce", () => {
  const box = outbox();
  write(box, "a");
  box.take(0);
  box.refuse("a", NEVER, 0);
  box.retry("a", "fresh");
  const [frame] = box.take(2_000);
  assert.deepEqual([frame.nonce, frame.retry, frame.firstTriedMs], ["a", true, 2_000]);
});

test("a mute of hours is a refusal, not a wait", () => {
  const box = outbox();
  write(box, "a");
  box.take(0);
  box.refuse("a", { ...LATER, code: "muted", retryAfterMs: 2 * HOUR_MS }, 0);
  assert.equal(box.find("a").status, "failed");
});

test("without retryAfterMs the wait grows with each refusal", () => {
  const box = outbox();
  write(box, "a");
  for (const wait of [500, 1_000, 2_000]) {
    box.take(0);
    box.find("a").notBefore = 0;
    box.refuse("a", { ...LATER, retryAfterMs: undefined }, 0);
    assert.equal(box.wakeAt(0), wait);
  }
});

test("silence for 30 s counts as no answer", () => {
  const box = outbox();
  write(box, "a");
  box.take(0);
  assert.equal(box.wakeAt(0), 30_000);
  const [frame] = box.take(30_000);
  assert.deepEqual([frame.nonce, frame.retry], ["a", true]);
});

test("what was not answered survives a reload, as a retry", () => {
  const storage = new MemoryStorage();
  const before = outbox(storage);
  write(before, "a", "b");
  before.take(1_000);
  before.settle("a");
  write(before, "c");
  const box = outbox(storage);
  assert.deepEqual(nonces(box.entries), ["b", "c"]);
  const [frame] = box.take(5_000);
  assert.deepEqual([frame.nonce, frame.retry, frame.firstTriedMs], ["b", true, 4_000]);
});

test("another person's unsent messages are not taken up", () => {
  const storage = new MemoryStorage();
  write(outbox(storage), "a");
  assert.deepEqual(new Outbox({ storage, owner: "eve" }).entries, []);
});

test("a message that may have been sent a day ago is not sent again by itself", () => {
  const box = outbox();
  write(box, "a");
  box.take(0);
  box.lost();
  assert.deepEqual(box.take(24 * HOUR_MS), []);
  assert.equal(box.find("a").reason, OUTCOME_UNKNOWN);
  box.retry("a", "fresh");
  const [frame] = box.take(24 * HOUR_MS);
  assert.deepEqual([frame.nonce, frame.retry], ["fresh", undefined]);
});

test("a full storage does not stop a message", () => {
  const storage = new MemoryStorage();
  storage.setItem = () => {
    throw new Error("QuotaExceededError");
  };
  const box = outbox(storage);
  write(box, "a");
  assert.deepEqual(nonces(box.take(0)), ["a"]);
});
