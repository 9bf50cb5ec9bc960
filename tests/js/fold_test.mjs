import assert from "node:assert/strict";
import { test } from "node:test";
import "./modules.mjs";

const { compareIds, fold, fromRest, ordered, withMessages } = await import("chat-client");

const sent = (messageId, content = "hello", version = 10) => ({
  type: "MESSAGE",
  messageId,
  senderId: "ada",
  content,
  ts: "2026-01-01T00:00:00.000Z",
  version,
  nonce: `nonce ${messageId}`,
});
const edited = (messageId, content, version) => ({
  type: "MESSAGE_EDITED",
  messageId,
  content,
  version,
  editedAt: "2026-01-01T00:01:00.000Z",
});
const deleted = (messageId, version) => ({ type: "MESSAGE_DELETED", messageId, version });
const after = (...frames) => frames.reduce(fold, new Map());
const texts = (messages) => ordered(messages).map(({ content }) => content);

test("ids are ordered as numbers of 64 bits, negative ones too", () => {
  const ids = ["9223372036854775807", "-9223372036854775808", "10", "9", "-10", "9007199254740993", "9007199254740992"];
  assert.deepEqual(ids.sort(compareIds), [
    "-9223372036854775808",
    "-10",
    "9",
    "10",
    "9007199254740992",
    "9007199254740993",
    "9223372036854775807",
  ]);
  assert.equal(compareIds("-1", "-1"), 0);
});

test("messages are shown by id, not by arrival", () => {
  assert.deepEqual(texts(after(sent("20", "b"), sent("-5", "a"), sent("100", "c"))), ["a", "b", "c"]);
});

test("a frame applied twice changes nothing, not even the map", () => {
  const once = after(sent("1"));
  assert.equal(fold(once, sent("1")), once);
});

test("the highest version wins in any order", () => {
  const [first, second] = [edited("1", "second", 20), edited("1", "third", 30)];
  for (const frames of [
    [first, second],
    [second, first],
    [second, sent("1"), first],
  ]) {
    assert.deepEqual(texts(after(sent("1"), ...frames)), ["third"]);
  }
});

test("a delete is final, also against a higher version", () => {
  const messages = after(sent("1"), deleted("1", 20), edited("1", "back?", 30), sent("1", "again", 40));
  assert.equal(messages.get("1").isDeleted, true);
  assert.equal(messages.get("1").content, "");
});

test("a delete that is older than an edit is final all the same", () => {
  const message = after(sent("1"), edited("1", "late", 30), deleted("1", 20)).get("1");
  assert.deepEqual([message.isDeleted, message.content, message.editedAt], [true, "", null]);
});

test("an edit of a message that is not loaded is left out", () => {
  const messages = after(sent("1"));
  assert.equal(fold(messages, edited("2", "?", 20)), messages);
});

test("an unknown kind of frame changes nothing", () => {
  const messages = after(sent("1"));
  assert.equal(fold(messages, { type: "CONFETTI", messageId: "1", version: 99 }), messages);
});

test("a page and the frames after it make the same messages in either order", () => {
  const page = [
    fromRest({ id: "1", sender: { id: "ada" }, content: "old", created_at: "t", version: 10 }),
    fromRest({ id: "2", sender: { id: "eve" }, content: "", created_at: "t", version: 12, is_deleted: true }),
  ];
  const frames = [edited("1", "new", 20), sent("3", "live", 30)];
  const pageFirst = frames.reduce(fold, withMessages(new Map(), page));
  const framesFirst = frames.reduce(fold, withMessages(frames.reduce(fold, new Map()), page));
  assert.deepEqual(texts(pageFirst), ["new", "", "live"]);
  assert.deepEqual(texts(framesFirst), texts(pageFirst));
});
