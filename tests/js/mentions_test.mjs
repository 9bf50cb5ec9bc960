import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./modules.mjs";

const { candidates, mentionAt, mentioned, mentionPieces, withMention } = await load("mentions");

const ada = { id: "1", name: "Ada Almond", username: "demo1" };
const ben = { id: "2", name: "Бен Берёза", username: "ben" };

test("an @ before the caret starts a mention, but not within a word", () => {
  assert.deepEqual(mentionAt("hi @ad", 6), { start: 3, query: "ad" });
  assert.deepEqual(mentionAt("@", 1), { start: 0, query: "" });
  assert.deepEqual(mentionAt("(@Бе", 4), { start: 1, query: "Бе" });
  for (const text of ["mail@ad", "@ada is", "hi"]) assert.equal(mentionAt(text, text.length), null);
});

test("people are found by the start of any of their names", () => {
  for (const query of ["al", "ADA", "demo", "ad"]) assert.deepEqual(candidates(query, [ada, ben]), [ada]);
  assert.deepEqual(candidates("бер", [ada, ben]), [ben]);
  assert.deepEqual(candidates("lmond", [ada, ben]), []);
});

test("the name takes the place of what was typed", () => {
  const { text, caret } = withMention("hi @ad, you", mentionAt("hi @ad, you", 6), "Ada Almond");
  assert.deepEqual([text, caret], ["hi @Ada Almond , you", 15]);
});

test("only who still stands in the text is mentioned, and once", () => {
  assert.deepEqual(mentioned("@Ada Almond and @Ada Almond", [ada, ada, ben]), ["1"]);
});

test("names in a text are marked, the longest first, and all text stays", () => {
  const text = "a@b @Ada Almond @Ada @x";
  const found = mentionPieces(text, ["Ada", "Ada Almond"]);
  assert.deepEqual(found.filter(({ isMention }) => isMention).map((piece) => piece.text), ["@Ada Almond", "@Ada"]);
  assert.equal(found.map((piece) => piece.text).join(""), text);
  assert.deepEqual(mentionPieces("@Ada", []), [{ text: "@Ada" }]);
});
