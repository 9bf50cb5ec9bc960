/** Notifications of the browser, while nobody looks at the page. */
import { effect, signal } from "@preact/signals";
import { isNamed, titleOf } from "chat/chats";
import { isNews, wordsOf } from "chat/notification";
import { showMessage } from "chat/open_chat";
import { meet, nameOf, people } from "chat/people";
import { presences } from "chat/presences";
import { isLooking, isQuiet } from "chat/reading";
import { chats, me, phase } from "chat/state";
import { threadUnder } from "chat/threads";
import { worker } from "chat/worker";

// Locks of the browser: one window at a time is the one that notifies, and any number is looked at.
const NOTIFIER = "chat.notifier";
const LOOKED_AT = "chat.looked-at";

/** "default", "granted" or "denied", or "unsupported" where the browser has no notifications, or not for this address. */
export const permission = signal(permissionNow());

const NOTHING = { isOn: false, hasTexts: true, isPushed: false };

/** What the person wants in this browser: `{isOn, hasTexts, isPushed}`; pushed is what comes while no window is open. */
export const wanted = signal(NOTHING);

// What is shown without a worker, the newest of each chat, by chat id.
const shown = new Map();

// How many messages of each chat were unread when that changed last.
let unreadBefore = new Map();

let isNotifier = false;

/** Watches which window notifies, and what was read meanwhile, from now on. */
export function watchNotifications() {
  effect(() => {
    const userId = me.value?.id ?? null;
    wanted.value = userId === null ? NOTHING : keptBy(userId);
  });
  effect(() => {
    const known = new Map([...chats.value].map(([id, { unread }]) => [id, unread]));
    const before = unreadBefore;
    unreadBefore = known;
    if (phase.value === "signedOut") {
      // What the worker has shown outlives its window: it is asked once it is there.
      closeAll(worker.value);
      return;
    }
    for (const [id, unread] of before) {
      if (!known.has(id)) closeOf(id, () => true);
      else if (unread > 0 && known.get(id) === 0) closeOf(id, ({ data }) => !data.isOfThread);
    }
  });
  if (permission.value === "unsupported") return;
  // Held until the window is closed; then another one has it.
  navigator.locks.request(NOTIFIER, () => {
    isNotifier = true;
    return new Promise(() => {});
  });
  effect(() => {
    if (!isLooking.value) return undefined;
    let release;
    const isOver = new Promise((resolve) => {
      release = resolve;
    });
    navigator.locks.request(LOOKED_AT, { mode: "shared" }, () => isOver);
    return release;
  });
}

/** Asks the browser for its permission, which only a click may do; returns it. */
export async function askPermission() {
  permission.value = await Notification.requestPermission();
  return permission.value;
}

/** Shows notifications from now on. */
export async function turnOn() {
  if ((await askPermission()) === "granted") want({ isOn: true });
}

/** Shows none any more. */
export function turnOff() {
  want({ isOn: false });
  closeAll(worker.value);
}

/** Says whether notifications show what messages say. */
export function showTexts(hasTexts) {
  want({ hasTexts });
}

/** Notifies of a MESSAGE frame, once in all windows, if its person wants that and looks at none of them. */
export async function notifyOf(frame) {
  if (!isNotifier || !wanted.value.isOn || !isWelcome(frame)) return;
  const { roomId, messageId, senderId, threadId } = frame;
  if (!people.value.has(senderId)) await meet(roomId, messageId);
  if (await isLookedAt()) return;
  const chat = chats.value.get(roomId);
  if (!chat) return;
  const isDirect = chat.chat_type === "direct";
  const { hasTexts } = wanted.value;
  const { title, body } = wordsOf(frame, { sender: nameOf(senderId), chat: titleOf(chat), isDirect, hasTexts });
  const data = { chatId: roomId, messageId, isOfThread: Boolean(threadId) };
  // The next one of the chat takes its place, and is heard like the first.
  await show(title, { body, tag: roomId, renotify: true, icon: iconUrl(), data });
}

/** Shows the message that a notification of the worker was about. */
export function openNotified({ chatId, messageId }) {
  showMessage(messageId, chatId);
}

async function show(title, options) {
  const { tag, data } = options;
  if (worker.value === null) {
    const notification = new Notification(title, options);
    notification.onclick = () => {
      window.focus();
      notification.close();
      openNotified(data);
    };
    shown.set(tag, notification);
    return;
  }
  // What was pushed may have come first.
  const [before] = await worker.value.getNotifications({ tag });
  if (before?.data.messageId !== data.messageId) await worker.value.showNotification(title, options);
}

function isWelcome(frame) {
  const chat = chats.value.get(frame.roomId);
  if (!chat || isQuiet(chat) || presences.value.get(me.value.id)?.status === "DND") return false;
  const follows = Boolean(frame.threadId && threadUnder(frame.threadId)?.following);
  const level = chat.notification_level;
  return isNews(frame, { userId: me.value.id, level, isNamed: isNamed(frame), follows, now: Date.now() });
}

async function isLookedAt() {
  const { held } = await navigator.locks.query();
  return held.some(({ name }) => name === LOOKED_AT);
}

function permissionNow() {
  const isThere = globalThis.Notification && globalThis.navigator?.locks;
  return isThere ? Notification.permission : "unsupported";
}

// Another person of this browser has said nothing yet.
function keyOf(userId) {
  return `chat.notifications.${userId}`;
}

function keptBy(userId) {
  return { ...NOTHING, ...JSON.parse(localStorage.getItem(keyOf(userId)) ?? "{}") };
}

/** Keeps what the person wants in this browser. */
export function want(change) {
  wanted.value = { ...wanted.value, ...change };
  localStorage.setItem(keyOf(me.value.id), JSON.stringify(wanted.value));
}

/** Takes note that another window of the person has changed what they want. */
export function heardWanted(key) {
  if (me.value !== null && key === keyOf(me.value.id)) wanted.value = keptBy(me.value.id);
}

async function closeOf(chatId, isOver) {
  const ofWorker = (await worker.peek()?.getNotifications({ tag: chatId })) ?? [];
  for (const one of [shown.get(chatId), ...ofWorker]) if (one && isOver(one)) one.close();
}

async function closeAll(registration) {
  const ofWorker = (await registration?.getNotifications()) ?? [];
  for (const one of [...shown.values(), ...ofWorker]) one.close();
  shown.clear();
}

function iconUrl() {
  return document.querySelector("link[rel=icon]").href;
}
