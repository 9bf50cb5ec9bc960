import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./modules.mjs";

const { inviteRoute, parseRoute, routeTo } = await load("route");
const nothing = { chatId: null, messageId: null, invite: null };

test("an address leads where it was made for", () => {
  assert.deepEqual(parseRoute(routeTo("c-1")), { ...nothing, chatId: "c-1" });
  assert.deepEqual(parseRoute(routeTo("c-1", "-5")), { ...nothing, chatId: "c-1", messageId: "-5" });
  for (const hash of [inviteRoute("a_B-9"), "#invite/a_B-9"]) {
    assert.deepEqual(parseRoute(hash), { ...nothing, invite: "a_B-9" });
  }
});

test("any other address leads nowhere", () => {
  for (const hash of ["", "#", "#/chat/", "#/chat/a/b/c", "#/invite/", "#/invite/a/b"]) {
    assert.deepEqual(parseRoute(hash), nothing);
  }
});
