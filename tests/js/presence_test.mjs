import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./modules.mjs";

const { MOST_WATCHED, STRETCHES, choiceLine, endOf, holds, presenceLine, watchList, withPresence } = await load("presence");

const frame = (version, status = "ONLINE", more = {}) => ({ userId: "ada", status, version, lastSeen: null, ...more });

test("the highest version holds", () => {
  const first = withPresence(new Map(), frame(2));
  assert.equal(withPresence(first, frame(1, "OFFLINE")), first);
  assert.equal(withPresence(first, frame(3, "DND")).get("ada").status, "DND");
});

test("those in view are watched, each once and no more than the server takes", () => {
  assert.deepEqual(watchList(["me"], ["ada", "me"], [undefined, "ben", "ada"]), ["me", "ada", "ben"]);
  const many = Array.from({ length: 300 }, (_, number) => `u${number}`);
  assert.equal(watchList(["me"], many).length, MOST_WATCHED);
});

test("presence is said in words", () => {
  const now = Date.parse("2026-03-02T12:00:00Z");
  const seen = (lastSeen) => presenceLine(frame(1, "OFFLINE", { lastSeen }), now);
  assert.equal(presenceLine(undefined, now), "");
  assert.equal(presenceLine(frame(1), now), "Online");
  assert.equal(presenceLine(frame(1, "DND", { text: "in a meeting" }), now), "Do not disturb · in a meeting");
  assert.equal(seen(null), "");
  assert.equal(seen("2026-03-02T11:59:30Z"), "Last seen just now");
  assert.equal(seen("2026-03-02T11:58:59Z"), "Last seen 1 minute ago");
  assert.equal(seen("2026-03-02T09:00:00Z"), "Last seen 3 hours ago");
  assert.equal(seen("2026-02-28T09:00:00Z"), "Last seen 2 days ago");
});

test("a choice is said while it lasts, and nothing where there is none", () => {
  const now = Date.parse("2026-03-02T12:00:00Z");
  const chosen = (status, text = "", until = null) => ({ status, text, until });
  assert.equal(choiceLine(null, now), "");
  assert.equal(choiceLine(chosen("ONLINE"), now), "");
  assert.equal(choiceLine(chosen("ONLINE", "on a train"), now), "Online · on a train");
  assert.equal(choiceLine(chosen("INVISIBLE"), now), "Invisible");
  assert.equal(choiceLine(chosen("DND", "busy", "2026-03-02T12:00:01Z"), now), "Do not disturb · busy");
  assert.equal(choiceLine(chosen("DND", "busy", "2026-03-02T12:00:00Z"), now), "");
  assert.equal(holds(chosen("DND"), now), true);
});

test("a stretch ends in a moment to come, or never", () => {
  const now = Date.parse("2026-03-02T12:00:00Z");
  assert.equal(endOf("", now), null);
  assert.equal(endOf("30", now), "2026-03-02T12:30:00.000Z");
  assert.equal(endOf("240", now), "2026-03-02T16:00:00.000Z");
  const midnight = new Date(endOf("day", now));
  assert.deepEqual([midnight.getHours(), midnight.getMinutes()], [0, 0]);
  for (const { stretch } of STRETCHES.slice(1)) {
    const ahead = Date.parse(endOf(stretch, now)) - now;
    assert.ok(ahead > 0 && ahead <= 86_400_000);
  }
});
