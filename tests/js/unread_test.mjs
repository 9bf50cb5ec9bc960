import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./modules.mjs";

const { badge, counted, heard, totals, withoutMessage } = await load("unread");

const numbers = { unread: 2, mentions: 1, upTo: 10 };
const message = (pos, isMention = false) => ({ id: `m${pos}`, pos, isMention });

test("what was heard above the server's numbers is added, and nothing twice", () => {
  const tally = [message(9), message(11), message(11), message(12, true)].reduce(heard, counted(numbers));
  assert.deepEqual(totals(tally), { unread: 4, mentions: 2 });
});

test("newer numbers of the server replace what they include", () => {
  const before = [message(11), message(14, true)].reduce(heard, counted(numbers));
  const after = counted({ unread: 0, mentions: 0, upTo: 12 }, before);
  assert.deepEqual(totals(after), { unread: 1, mentions: 1 });
});

test("a deleted message is no longer counted, where the page can tell", () => {
  const tally = heard(counted(numbers), message(11));
  assert.deepEqual(totals(withoutMessage(tally, "m11")), { unread: 2, mentions: 1 });
  assert.equal(withoutMessage(tally, "m5"), null);
  const read = counted({ unread: 0, mentions: 0, upTo: 10 });
  assert.equal(withoutMessage(read, "m5"), read);
});

test("a hundred and more are 99+", () => {
  let tally = counted({ unread: 60, mentions: 0, upTo: 0 });
  for (let pos = 1; pos <= 150; pos += 1) tally = heard(tally, message(pos));
  assert.equal(tally.heard.length, 100);
  assert.equal(badge(totals(tally).unread), "99+");
  assert.equal(badge(99), "99");
});
