import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./modules.mjs";

const { localValue, moments } = await load("dates");

test("one may be reminded soon, tomorrow and on Monday, never in the past", () => {
  for (let day = 1; day <= 14; day += 1) {
    const now = new Date(2026, 10, day, 23, 59);
    const [soon, hour, tomorrow, monday] = moments(now).map(({ at }) => at);
    assert.equal(soon - now, 20 * 60_000);
    assert.equal(hour - now, 60 * 60_000);
    assert.deepEqual([tomorrow.getDate(), tomorrow.getHours()], [day + 1, 9]);
    assert.deepEqual([monday.getDay(), monday.getHours(), monday > now], [1, 9, true]);
    assert.ok(monday - now < 8 * 86_400_000);
  }
});

test("a field of a date and time has the reader's own zone", () => {
  assert.equal(localValue(new Date(2026, 0, 5, 9, 3, 59)), "2026-01-05T09:03");
});
