import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./modules.mjs";

const { MOST_ROWS, ends, fromPage, withFrame, withNewer, withOlder } = await load("timeline");

const message = (id) => ({ id: String(id), sender: { id: "ada" }, content: `${id}`, created_at: "t", version: 1 });
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, index) => message(first + index));
const page = (first, last, more = {}) => ({
  messages: range(first, last),
  has_before: true,
  has_after: false,
  next_before: null,
  ...more,
});
const live = (id) => ({ type: "MESSAGE", messageId: String(id), senderId: "eve", content: "live", version: 1 });

test("a live message goes to the newest end", () => {
  assert.equal(ends(withFrame(fromPage(page(1, 50)), live(51), true)).newest, "51");
});

test("a live message beyond a gap waits until one scrolls there", () => {
  const middle = fromPage(page(1, 50, { has_after: true }));
  assert.equal(withFrame(middle, live(90), true), middle);
});

test("a message older than what is loaded is left to its page", () => {
  const newest = fromPage(page(10, 50));
  assert.equal(withFrame(newest, live(5), true), newest);
});

test("a late message takes its place among the loaded ones", () => {
  const timeline = fromPage({ ...page(1, 3), messages: [message(10), message(30)] });
  assert.deepEqual([...withFrame(timeline, live(20), true).messages.keys()].sort(), ["10", "20", "30"]);
});

test("older pages push out the newest messages, and newer pages the oldest", () => {
  let timeline = fromPage(page(1000, 1299));
  timeline = withOlder(timeline, page(950, 999, { has_after: true }));
  assert.equal(timeline.messages.size, MOST_ROWS);
  assert.deepEqual(ends(timeline), { oldest: "950", newest: "1249" });
  assert.equal(timeline.hasAfter, true);
  timeline = withNewer(timeline, page(1250, 1299, { has_after: false }));
  assert.deepEqual(ends(timeline), { oldest: "1000", newest: "1299" });
  assert.deepEqual([timeline.hasBefore, timeline.hasAfter, timeline.nextBefore], [true, false, null]);
});

test("a full timeline keeps what a reader elsewhere looks at", () => {
  const full = fromPage(page(1, MOST_ROWS));
  const reading = withFrame(full, live(9999), false);
  assert.deepEqual([reading.messages.size, ends(reading).newest, reading.hasAfter], [MOST_ROWS, "300", true]);
  const following = withFrame(full, live(9999), true);
  assert.deepEqual([following.messages.size, ends(following).oldest, following.hasAfter], [MOST_ROWS, "2", false]);
});

test("a short page says where to go on, and only has_before ends the past", () => {
  const timeline = withOlder(fromPage(page(50, 60)), { ...page(1, 0), has_before: true, next_before: "17" });
  assert.deepEqual([timeline.hasBefore, timeline.nextBefore], [true, "17"]);
});

test("an empty page after the newest message is the end", () => {
  const timeline = withNewer(fromPage(page(1, 5, { has_after: true })), { ...page(1, 0), has_after: true });
  assert.equal(timeline.hasAfter, false);
});
