import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import "./modules.mjs";

const { ChatClient, fullJitter, newNonce } = await import("chat-client");

const folder = new URL("../../chat/web/static/chat-client/", import.meta.url);

/** A client over one socket that the test holds, with nobody who listens. */
async function online() {
  const sent = [];
  const socket = { send: (text) => sent.push(JSON.parse(text)), close() {} };
  const env = { open: () => socket, setTimer() {}, clearTimer() {}, now: () => 0, random: () => 0.5, isOnline: () => true };
  const client = new ChatClient({ url: "wss://test", ticket: async () => "t", env });
  client.start();
  await new Promise((resolve) => setImmediate(resolve));
  const push = (frame) => socket.onmessage({ data: JSON.stringify(frame) });
  push({ type: "READY", heartbeatMs: 30_000, limits: {}, me: { epoch: "p", pos: 2 } });
  return { client, push, sent };
}

test("the folder of the client imports nothing but itself", async () => {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".js"));
  for (const name of names) {
    const source = await readFile(new URL(name, folder), "utf8");
    const imported = [...source.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, from]) => from);
    assert.deepEqual(imported.filter((from) => !names.includes(from.replace("./", ""))), [], name);
  }
});

test("nobody has to listen, nor to choose nonces or keep an outbox", async () => {
  const { client, push, sent } = await online();
  const nonce = client.post({ roomId: "r", content: "hi" });
  assert.deepEqual(sent, [{ type: "SEND_MESSAGE", ref: nonce, roomId: "r", content: "hi", nonce }]);
  push({ type: "ACK", nonce, messageId: "1", ts: "t", pos: 5 });
  push({ type: "ME", kind: "read", epoch: "p", pos: 9, prev: 8 });
  push({ type: "TYPING", roomId: "r", userId: "u", active: true });
  assert.notEqual(newNonce(), newNonce());
});

test("a frame is told only while connected", async () => {
  const { client, sent } = await online();
  assert.equal(client.tell({ type: "READ", roomId: "r" }), true);
  assert.equal(sent.length, 1);
  client.stop();
  assert.equal(client.tell({ type: "READ", roomId: "r" }), false);
});

test("rooms are subscribed at most 200 a frame", async () => {
  const { client, sent } = await online();
  client.follow(Array.from({ length: 450 }, (_, index) => `room${index}`));
  assert.deepEqual(
    sent.map(({ rooms }) => Object.keys(rooms).length),
    [200, 200, 50],
  );
});

test("a wait stays a number after any number of tries", () => {
  assert.equal(
    fullJitter(5_000, () => 0.5),
    30_000,
  );
  assert.equal(
    fullJitter(5_000, () => 0),
    0,
  );
});
