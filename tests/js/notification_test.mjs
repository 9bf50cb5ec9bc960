import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./modules.mjs";

const { isNews, keyText, wordsOf } = await load("notification");

const said = { senderId: "ben", ts: "2026-01-05T10:00:00Z", content: "hello" };
const now = Date.parse("2026-01-05T10:00:01Z");
const mind = { userId: "ada", level: "all", isNamed: false, follows: false, now };

test("the level says what of a chat is news", () => {
  assert.equal(isNews(said, mind), true);
  assert.equal(isNews(said, { ...mind, level: "mentions" }), false);
  assert.equal(isNews(said, { ...mind, level: "mentions", isNamed: true }), true);
});

test("of a thread that one does not follow only mentions are news", () => {
  const reply = { ...said, threadId: "7" };
  assert.equal(isNews(reply, mind), false);
  assert.equal(isNews(reply, { ...mind, isNamed: true }), true);
  assert.equal(isNews(reply, { ...mind, level: "mentions", follows: true }), true);
});

test("one's own words, notices and what is long past are none", () => {
  assert.equal(isNews({ ...said, senderId: "ada" }, mind), false);
  assert.equal(isNews({ ...said, messageType: "notice" }, mind), false);
  assert.equal(isNews(said, { ...mind, now: now + 600_000 }), false);
});

test("spoilers stay hidden, long texts are cut between letters, and texts may be left out", () => {
  const where = { sender: "Ben", chat: "Office", isDirect: false, hasTexts: true };
  assert.deepEqual(wordsOf({ content: "it was ||the butler||" }, where), { title: "Ben in Office", body: "it was ▒▒▒" });
  assert.equal(wordsOf({ content: "😀".repeat(300) }, where).body, `${"😀".repeat(200)}…`);
  assert.equal(wordsOf(said, { ...where, isDirect: true }).title, "Ben");
  assert.equal(wordsOf(said, { ...where, hasTexts: false }).body, "A new message");
});

test("a key is written in base64url without what fills it up", () => {
  assert.equal(keyText(Uint8Array.of(251, 255, 190, 1).buffer), "-_--AQ");
});
