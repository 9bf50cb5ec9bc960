import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./modules.mjs";

const { deviceOf } = await load("user_agent");

test("browsers and systems are named", () => {
  const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36";
  assert.equal(deviceOf(chrome), "Chrome on Linux");
  assert.equal(deviceOf(`${chrome} Edg/130.0`), "Edge on Linux");
  assert.equal(deviceOf("Mozilla/5.0 (Linux; Android 14) Gecko/132.0 Firefox/132.0"), "Firefox on Android");
});

test("what nobody knows is quoted", () => {
  assert.equal(deviceOf("curl/8.5"), "curl/8.5");
  assert.equal(deviceOf(""), "Unknown device");
});
