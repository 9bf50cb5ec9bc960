import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./modules.mjs";

const { pieces } = await load("text");

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
