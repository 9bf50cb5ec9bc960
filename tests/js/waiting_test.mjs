import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./modules.mjs";

const { NOTHING, heard, newestFirst, read } = await load("waiting");

const said = (messageId, fields = {}) => ({
  type: "MESSAGE",
  roomId: "room",
  messageId,
  senderId: "ada",
  content: `text ${messageId}`,
  important: true,
  ts: "2026-01-01T00:00:00Z",
  version: 1,
  ...fields,
});
const taken = (messageId, userId = "ben") => ({ type: "ACKNOWLEDGED", roomId: "room", messageId, userId, count: 1 });
const row = (id) => ({ id, chat_id: "room", sender: { id: "ada" }, content: `text ${id}`, important: true, version: 1 });
const page = (ids, next = null) => ({ messages: ids.map(row), next });

function after(frames, { start = NOTHING, now = 1_000 } = {}) {
  return frames.reduce((waiting, frame) => heard(waiting, frame, { userId: "ben", now }), start);
}

const ids = (waiting) => newestFirst(waiting).map(({ id }) => id);
const asRead = (waiting, told, asked = 1_000) => read(waiting, told, { userId: "ben", asked, isFirst: true });

test("what others ask for waits until one has acknowledged it or it is deleted", () => {
  const asked = after([said("9"), said("10"), said("11", { senderId: "ben" }), said("12", { important: false })]);
  assert.deepEqual(ids(asked), ["10", "9"]);
  assert.equal(asked.messages.get("9").chatId, "room");
  assert.deepEqual(ids(after([taken("9", "cyd")], { start: asked })), ["10", "9"]);
  assert.deepEqual(ids(after([taken("9")], { start: asked })), ["10"]);
  assert.deepEqual(ids(after([{ type: "MESSAGE_DELETED", roomId: "room", messageId: "10", version: 2 }], { start: asked })), ["9"]);
});

test("an edit changes what waits, and nothing else comes by one", () => {
  const edit = { type: "MESSAGE_EDITED", roomId: "room", messageId: "9", content: "anew", version: 2 };
  const { messages } = after([said("9"), edit]);
  assert.deepEqual([messages.get("9").content, messages.get("9").chatId], ["anew", "room"]);
  assert.equal(after([edit]), NOTHING);
});

test("a page stands in place of all before, but for what was heard a moment ago", () => {
  const known = after([said("7")], { now: -9_000 });
  const late = after([said("10"), taken("8")], { start: known });
  assert.deepEqual(ids(asRead(late, page(["9", "8"]))), ["10", "9"]);
  assert.deepEqual(ids(asRead(late, page(["9"]), 9_000)), ["9"]);
});

test("older pages are put to those that are there", () => {
  const first = asRead(NOTHING, page(["9", "8"], "8"));
  assert.equal(first.next, "8");
  const all = read(first, page(["7"]), { userId: "ben", asked: 2_000, isFirst: false });
  assert.deepEqual(ids(all), ["9", "8", "7"]);
  assert.equal(all.next, null);
});

test("of very many the newest are kept, and the others can be read again", () => {
  const many = after(Array.from({ length: 1_001 }, (_, number) => said(String(number + 1))));
  assert.equal(many.messages.size, 1_000);
  assert.equal(many.next, "2");
});
