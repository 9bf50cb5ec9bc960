/** The service worker, in a scope that keeps what it asks of the browser. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import vm from "node:vm";

const source = await readFile(new URL("../../chat/web/templates/chat/sw.js", import.meta.url), "utf8");
const said = { title: "Ben", body: "hello", chatId: "c1", messageId: "20" };

/** A worker whose browser shows `shown` and has `windows`; `on` has its listeners, the rest what came of them. */
function started({ shown = [], windows = [] } = {}) {
  const told = { on: {}, notes: [], opened: [] };
  const self = {
    addEventListener: (name, listener) => (told.on[name] = (event) => heard(listener, event)),
    registration: {
      getNotifications: async ({ tag }) => shown.filter((one) => one.tag === tag),
      showNotification: async (title, options) => told.notes.push({ title, ...options }),
    },
    clients: { matchAll: async () => windows, openWindow: async (url) => told.opened.push(url) },
  };
  vm.runInNewContext(source, { self, URL });
  return told;
}

async function heard(listener, event) {
  let work;
  listener({ ...event, waitUntil: (promise) => (work = promise) });
  await work;
}

const pushed = (note) => ({ data: { json: () => note } });
const shownOf = (messageId) => ({ tag: "c1", data: { chatId: "c1", messageId } });

function openWindow(url, { focused = false } = {}) {
  const told = [];
  return { url, focused, told, postMessage: (news) => told.push({ ...news }), focus: async () => told.push("focus") };
}

test("a note takes the place of the chat's last one, and is heard", async () => {
  const worker = started({ shown: [shownOf("9")] });
  await worker.on.push(pushed(said));
  const [{ title, body, tag, renotify, data }] = worker.notes;
  assert.deepEqual([title, body, tag, renotify, { ...data }], ["Ben", "hello", "c1", true, { chatId: "c1", messageId: "20" }]);
});

test("what a window has shown already makes no second sound, and nothing older takes its place", async () => {
  const same = started({ shown: [shownOf("20")] });
  await same.on.push(pushed(said));
  assert.deepEqual(same.notes.map(({ renotify }) => renotify), [false]);
  const later = started({ shown: [shownOf("100")] });
  await later.on.push(pushed(said));
  assert.deepEqual(later.notes, []);
});

test("whoever looks at the page is shown nothing but the test they asked for", async () => {
  const worker = started({ windows: [openWindow("https://chat.example/#/chat/c2", { focused: true })] });
  await worker.on.push(pushed(said));
  assert.deepEqual(worker.notes, []);
  await worker.on.push(pushed({ title: "Chat", body: "This is a test" }));
  assert.deepEqual(worker.notes.map(({ title, tag }) => [title, tag]), [["Chat", "test"]]);
});

test("a click leads to the message in a window that is open, or in a new one", async () => {
  const page = openWindow("https://chat.example/");
  const admin = openWindow("https://chat.example/admin/", { focused: true });
  const notification = { data: { chatId: "c1", messageId: "20" }, close() {} };
  const worker = started({ windows: [admin, page] });
  await worker.on.notificationclick({ notification });
  assert.deepEqual(page.told, [{ kind: "open", chatId: "c1", messageId: "20" }, "focus"]);
  assert.deepEqual([admin.told, worker.opened], [[], []]);
  const alone = started({ windows: [admin] });
  await alone.on.notificationclick({ notification });
  await alone.on.notificationclick({ notification: { data: null, close() {} } });
  assert.deepEqual(alone.opened, ["/#/chat/c1/20", "/"]);
});

test("windows are told that the browser has another address", async () => {
  const page = openWindow("https://chat.example/");
  await started({ windows: [page] }).on.pushsubscriptionchange({});
  assert.deepEqual(page.told, [{ kind: "resubscribe" }]);
});
