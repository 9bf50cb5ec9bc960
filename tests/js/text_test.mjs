import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./modules.mjs";

const { pieces } = await load("text");
const { parseRoute, routeTo } = await load("route");

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

test("a route is read as it was written", () => {
  for (const route of [
    { chatId: "7c9e6679-7425-40de-944b-e07fc1f90ae7", messageId: null },
    { chatId: "r1", messageId: "-42" },
  ]) {
    assert.deepEqual(parseRoute(routeTo(route.chatId, route.messageId)), route);
  }
  assert.deepEqual(parseRoute("#/chat/../x"), { chatId: null, messageId: null });
  assert.deepEqual(parseRoute(""), { chatId: null, messageId: null });
});
