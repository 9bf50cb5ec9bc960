import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./modules.mjs";

const { marked, pieces, withoutSpoilers } = await load("text");

const links = (text) => pieces(text).flatMap(({ href }) => href ?? []);

test("web addresses become links, and all text stays", () => {
  const text = "See https://example.org/a?b=1#c, (https://example.org/x_(y)) and HTTP://EXAMPLE.org.";
  assert.deepEqual(links(text), [
    "https://example.org/a?b=1#c",
    "https://example.org/x_(y)",
    "http://example.org/",
  ]);
  assert.equal(
    pieces(text)
      .map((piece) => piece.text)
      .join(""),
    text,
  );
});

test("nothing but http and https is a link", () => {
  assert.deepEqual(links("javascript:alert(1) data:text/html,x ftp://a.b file:///etc xhttps://a.b http://"), []);
});

test("marks go around a selection, and away again", () => {
  const bold = marked("say it now", 4, 6, "**");
  assert.deepEqual(bold, { text: "say **it** now", start: 6, end: 8 });
  assert.deepEqual(marked(bold.text, bold.start, bold.end, "**"), { text: "say it now", start: 4, end: 6 });
  assert.deepEqual(marked("", 0, 0, "_"), { text: "__", start: 1, end: 1 });
});

test("first words show nothing of a spoiler", () => {
  assert.equal(withoutSpoilers("it was ||the cat|| and ||a | b||."), "it was ▒▒▒ and ▒▒▒.");
  assert.equal(withoutSpoilers("a || b || c, ||x"), "a || b || c, ||x");
});
