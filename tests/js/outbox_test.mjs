import assert from "node:assert/strict";
import { test } from "node:test";
import "./modules.mjs";

const { MemoryStorage, Outbox } = await import("chat-client");

test("a full storage does not stop a message", () => {
  const storage = new MemoryStorage();
  storage.setItem = () => {
    throw new Error("QuotaExceededError");
  };
  const outbox = new Outbox({ storage, owner: "ada" });
  outbox.add({ nonce: "a", roomId: "r", content: "hi", now: 0 });
  assert.deepEqual(
    outbox.take(0).map(({ nonce }) => nonce),
    ["a"],
  );
});
