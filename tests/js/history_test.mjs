import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { load } from "./modules.mjs";

const { History } = await load("history");
const { ordered } = await import("chat-client");

const settled = () => new Promise((resolve) => setImmediate(resolve));
const message = (id, version = 1) => ({ id, sender: { id: "ada" }, content: `${id}.${version}`, created_at: "t", version });
const live = (messageId) => ({ type: "MESSAGE", messageId, senderId: "eve", content: "live", version: 9 });

/** A history whose pages the test hands out one by one. */
function story({ cursor = { epoch: "e", pos: 5 } } = {}) {
  const asked = [];
  const history = new History({
    page: (query) => new Promise((resolve, reject) => asked.push({ query, resolve, reject })),
    cursor: () => cursor,
  });
  const answer = async (ids, more = {}) => {
    const messages = ids.map((id) => message(id));
    const rest = { has_before: false, has_after: false, next_before: null, epoch: "e", pos: 5, complete: true };
    asked.at(-1).resolve({ messages, ...rest, ...more });
    await settled();
  };
  const shown = () => ordered(history.timeline.value.messages).map(({ id }) => id);
  return { history, asked, answer, shown };
}

test("the newest page is read up to the live position", async () => {
  const { history, asked, answer, shown } = story();
  history.latest();
  assert.deepEqual(asked[0].query, { limit: 50, at_least: 5 });
  await answer(["1", "2"]);
  assert.deepEqual(shown(), ["1", "2"]);
});

test("what arrives while a page is read is not lost", async () => {
  const { history, answer, shown } = story();
  history.latest();
  history.receive(live("3"));
  await answer(["1", "2"]);
  assert.deepEqual(shown(), ["1", "2", "3"]);
});

test("an edit that arrives before the page with its message is applied to it", async () => {
  const { history, answer } = story();
  history.latest();
  await answer(["5"], { has_before: true });
  history.older();
  history.receive({ type: "MESSAGE_EDITED", messageId: "1", content: "edited", version: 2, editedAt: "t" });
  await answer(["1", "2"]);
  assert.equal(history.timeline.value.messages.get("1").content, "edited");
});

test("pages of one direction are read one at a time, from where the last ended", async () => {
  const { history, asked, answer } = story();
  history.latest();
  await answer(["50"], { has_before: true });
  history.older();
  history.older();
  assert.deepEqual([asked.length, asked[1].query.before], [2, "50"]);
  await answer([], { has_before: true, next_before: "20" });
  history.older();
  assert.equal(asked[2].query.before, "20");
  await answer(["1"]);
  history.older();
  assert.equal(asked.length, 3);
});

test("an answer that a newer read has overtaken is left out", async () => {
  const { history, asked, answer, shown } = story();
  history.latest();
  history.around("9");
  await answer(["9"]);
  asked[0].resolve({ messages: [message("1")] });
  await settled();
  assert.deepEqual(shown(), ["9"]);
});

test("a page that is not complete is shown, and read again until it is", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { history, asked, answer, shown } = story();
  history.latest();
  await answer(["2"], { complete: false });
  assert.deepEqual([shown(), history.isStale.value], [["2"], true]);
  mock.timers.tick(1_000);
  assert.equal(asked.length, 2);
  await answer(["1", "2"]);
  assert.deepEqual([shown(), history.isStale.value], [["1", "2"], false]);
  mock.timers.reset();
});

test("a page from before the live position is read again", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { history, asked, answer } = story({ cursor: null });
  history.latest();
  history.expect({ epoch: "e", pos: 7 });
  await answer(["1"], { pos: 6 });
  mock.timers.tick(1_000);
  assert.equal(asked.length, 2);
  mock.timers.reset();
});

test("a loaded page that the live position has left behind is read again at once", async () => {
  const { history, asked, answer } = story();
  history.latest();
  await answer(["1"], { pos: 6 });
  history.expect({ epoch: "e", pos: 6 });
  assert.equal(asked.length, 1);
  history.expect({ epoch: "e", pos: 7 });
  assert.equal(asked.length, 2);
});

test("a reload comes back to where the reader is", async () => {
  const { history, asked, answer } = story();
  history.latest();
  await answer(["1", "2", "3"]);
  history.following.value = false;
  history.anchor = { id: "2", top: 10 };
  history.reload();
  assert.equal(asked[1].query.around, "2");
});

test("a failed read is told, and repeated when asked", async () => {
  const { history, asked, answer, shown } = story();
  history.latest();
  await answer(["5"], { has_before: true });
  history.older();
  asked[1].reject(Object.assign(new Error("no network"), { isRetryable: true }));
  await settled();
  assert.deepEqual(history.problem.value, { kind: "older", message: "no network" });
  history.retry();
  await answer(["1"]);
  assert.deepEqual([shown(), history.problem.value], [["1", "5"], null]);
});

test("a closed history places nothing more", async () => {
  const { history, answer } = story();
  history.latest();
  history.close();
  await answer(["1"]);
  assert.equal(history.timeline.value, null);
});
