/**
 * The service worker: shows what Web Push brings, and leads a click to the chat.
 *
 * It answers no request and keeps nothing: the page is not there without its server.
 */
const ICON = "{{ icon }}";

// A test has no chat.
const TEST = "test";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("push", (event) => event.waitUntil(show(event.data.json())));
self.addEventListener("notificationclick", (event) => event.waitUntil(lead(event.notification)));
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(tellWindows({ kind: "resubscribe" })));

async function show(note) {
  const [before] = await self.registration.getNotifications({ tag: note.chatId ?? TEST });
  const isLookedAt = (await windows()).some(({ focused }) => focused);
  const options = optionsOf(note, { before: before?.data?.messageId ?? null, isLookedAt });
  if (options !== null) await self.registration.showNotification(note.title, options);
}

/**
 * Returns how a note is shown, or null where it is not: a window is looked at, or something later is shown of the chat.
 *
 * `before` is the id of the message that is shown of it. A window may have shown the same one: then no second sound.
 */
function optionsOf({ body, chatId = null, messageId = null }, { before, isLookedAt }) {
  if (chatId === null) return { body, icon: ICON, tag: TEST, renotify: true };
  if (isLookedAt || (before !== null && BigInt(before) > BigInt(messageId))) return null;
  return { body, icon: ICON, tag: chatId, renotify: before !== messageId, data: { chatId, messageId } };
}

async function lead(notification) {
  notification.close();
  const { chatId = null, messageId = null } = notification.data ?? {};
  const [open] = await windows();
  if (open === undefined) return self.clients.openWindow(addressOf(chatId, messageId));
  if (chatId !== null) open.postMessage({ kind: "open", chatId, messageId });
  return open.focus();
}

/** Returns the address of a message in the page, as `chat/route` knows it; of the page itself without a chat. */
function addressOf(chatId, messageId) {
  return chatId === null ? "/" : `/#/chat/${chatId}/${messageId}`;
}

async function tellWindows(news) {
  for (const one of await windows()) one.postMessage(news);
}

// The windows of the page, the one looked at last first; the admin and the documents of the API are other pages.
async function windows() {
  const all = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  return all.filter(({ url }) => new URL(url).pathname === "/");
}
