/** How far the person reads: what is in sight is read, on every device; from where it is new. */
import { computed, effect, signal, untracked } from "@preact/signals";
import { countRead } from "chat/chats";
import { ends } from "chat/timeline";
import { api, live } from "chat/server";
import { chats, notice, openChat, openHistory, openId } from "chat/state";

// A new conversation is put in place first; what is seen for less than this was not read.
const GLANCE_MS = 300;

// At most one READ in this time.
const PACE_MS = 1_000;

/** The id after which others' messages are new in the open chat, or null. */
export const newAfter = signal(null);

/** Whether the person looks at this window. */
export const isLooking = signal(isLookingNow());

// Chats that were marked unread: what is in sight there is not read until the chat is opened anew.
const held = signal(new Set());

/** The chat whose newest message the person has before them, or null. */
export const readingId = computed(() => {
  const history = openHistory.value;
  const timeline = history?.timeline.value;
  const isAtEnd = timeline && !timeline.hasAfter && history.following.value && !history.isStale.value;
  const isRead = openChat.value && isAtEnd && isLooking.value && !held.value.has(openId.value);
  return isRead ? openId.value : null;
});

/** How many messages are unread in all chats but those that are read now or kept quiet. */
export const unreadInAll = computed(() => {
  return [...chats.value.values()].reduce((sum, chat) => sum + noticed(chat), 0);
});

const shownId = computed(() => openChat.value?.id ?? null);

let readAt = 0;
let timer = null;

/** Says whether a person wants no notifications of a chat now. */
export function isQuiet({ notification_level: level, ...chat }) {
  return level === "nothing" || isMuted(chat);
}

/** Says whether a person has muted a chat until later. */
export function isMuted({ notifications_muted_until: until }) {
  return until !== null && Date.parse(until) > Date.now();
}

/** How many unread messages of a chat the person wants to notice. */
export function noticed(chat) {
  if (isQuiet(chat) || chat.id === readingId.value) return 0;
  return chat.notification_level === "mentions" ? chat.mentions : chat.unread;
}

/** Watches what the person looks at, from now on. */
export function watchReading() {
  for (const name of ["focus", "blur"]) addEventListener(name, look);
  document.addEventListener("visibilitychange", look);
  effect(() => opened(shownId.value));
  effect(() => {
    if (readingId.value !== null && openChat.value.unread > 0) readSoon();
  });
}

function look() {
  isLooking.value = isLookingNow();
}

function isLookingNow() {
  return globalThis.document?.visibilityState === "visible" && document.hasFocus();
}

function opened(chatId) {
  untracked(() => {
    newAfter.value = null;
    if (chatId === null) return;
    release(chatId);
    const { unread, last_read_message_id: last } = chats.value.get(chatId);
    if (unread === 0) return;
    if (last !== null) newAfter.value = last;
    else askWhatIsNew(chatId);
  });
}

// Who was added later has read nothing, yet what was said before counts as read.
async function askWhatIsNew(chatId) {
  const { messages } = await api.get(`chats/${chatId}/unread/why`).catch(() => ({ messages: [] }));
  if (chatId === openId.value && messages.length > 0) newAfter.value = before(messages[0].id);
}

function before(messageId) {
  return String(BigInt(messageId) - 1n);
}

function release(chatId) {
  if (!held.value.has(chatId)) return;
  const rest = new Set(held.value);
  rest.delete(chatId);
  held.value = rest;
}

function readSoon() {
  if (timer !== null) return;
  timer = setTimeout(read, Math.max(GLANCE_MS, readAt + PACE_MS - Date.now()));
}

function read() {
  timer = null;
  const chatId = readingId.value;
  if (chatId === null || openChat.value.unread === 0) return;
  const { newest } = ends(openHistory.value.timeline.value);
  const cursor = live.connection.cursor(chatId);
  readAt = Date.now();
  if (newest === null) return;
  const isTold = cursor && live.connection.tell({ type: "READ", roomId: chatId, messageId: newest, pos: cursor.pos });
  // Until the connection is there and live in this chat, it is tried again.
  if (!isTold) readSoon();
}

/** Notes the first unread message that comes while the person does not look. */
export function cameUnseen({ roomId, messageId }) {
  if (roomId === openId.value && readingId.value !== roomId) newAfter.value = before(messageId);
}

/** Takes an ME frame: how far the person has read, here or elsewhere. */
export function heardRead(frame) {
  if (frame.back) {
    held.value = new Set(held.value).add(frame.roomId);
    if (frame.roomId === openId.value) newAfter.value = frame.messageId;
  }
  countRead(frame);
}

/** Takes note that the person writes in the open chat: whoever answers has read. */
export function answered() {
  newAfter.value = null;
  release(openId.value);
}

/** Makes a message of the open chat and all after it unread. */
export async function markUnread(messageId) {
  try {
    await api.put(`chats/${openId.value}/read`, { message_id: messageId, unread: true });
  } catch (problem) {
    notice.value = problem.message;
  }
}

/** Forgets the person. */
export function stopReading() {
  clearTimeout(timer);
  timer = newAfter.value = null;
  held.value = new Set();
}
