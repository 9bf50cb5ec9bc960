import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./modules.mjs";

const { SHOWN_MS, stillTyping, typingLine, withTyping } = await load("typing");

const frame = (userId, active = true) => ({ roomId: "r", userId, active });
const who = (writers) => [...(writers.get("r")?.keys() ?? [])];

test("who writes is shown until they stop or are not heard of for 6 s", () => {
  const two = withTyping(withTyping(new Map(), frame("a"), 0), frame("b"), 1_000);
  assert.deepEqual(who(two), ["a", "b"]);
  assert.deepEqual(who(withTyping(two, frame("a", false), 1_000)), ["b"]);
  assert.deepEqual(who(stillTyping(two, SHOWN_MS)), ["b"]);
  assert.equal(stillTyping(two, SHOWN_MS + 1_000).size, 0);
});

test("who stops without having written changes nothing", () => {
  const writers = withTyping(new Map(), frame("a"), 0);
  assert.equal(withTyping(writers, frame("b", false), 0), writers);
});

test("up to three are named", () => {
  assert.equal(typingLine([]), "");
  assert.equal(typingLine(["Ada"]), "Ada is writing…");
  assert.equal(typingLine(["Ada", "Ben", "Cyd"]), "Ada, Ben and Cyd are writing…");
  assert.equal(typingLine(["Ada", "Ben", "Cyd", "Dan"]), "4 people are writing…");
});
