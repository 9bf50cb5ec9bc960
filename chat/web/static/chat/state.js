/**
 * What the page shows, as signals, and what a person can do, as functions.
 *
 * Components read the signals and call the functions; only this module knows the API and the connection.
 */
import { batch, computed, signal } from "@preact/signals";
import { Api } from "chat/api";
import { fullJitter } from "chat/backoff";
import { Connection } from "chat/connection";
import { History } from "chat/history";
import { Outbox } from "chat/outbox";
import { learn, people } from "chat/people";
import { parseRoute, routeTo } from "chat/route";
import { loadSeen, markSeen, noteChats } from "chat/seen";

// Names the signed-in person (a user id): says that there is a cookie to try, and tells other tabs of a change.
const SESSION_KEY = "chat.session";

// Chats whose history stays in memory after one has left them.
const KEPT_HISTORIES = 20;

// What the server lets one connection follow.
const MOST_FOLLOWED = 1_000;

/** "starting", "signedOut" or "signedIn". */
export const phase = signal("starting");

/** The signed-in user, or null. */
export const me = signal(null);

/** Chats by id, as the API gives them. */
export const chats = signal(new Map());

/** The id of the open chat, or null. */
export const openId = signal(null);

/** The History of the open chat, or null. */
export const openHistory = signal(null);

/** `{state, retryAt, reason}` of the connection. */
export const link = signal({ state: "connecting", retryAt: null, reason: null });

/** The longest text the server takes, in code points. */
export const longestText = signal(8_000);

/** Entries of the outbox, oldest first. */
export const unsent = signal([]);

/** One sentence for the person to notice, or null. */
export const notice = signal(null);

/** Chats, the latest message first. */
export const sortedChats = computed(() => {
  const time = (chat) => Date.parse(chat.last_message_at ?? chat.created_at ?? 0) || 0;
  return [...chats.value.values()].sort((a, b) => time(b) - time(a));
});

/** The open chat, or null where it is not (or no longer) one of the person's chats. */
export const openChat = computed(() => chats.value.get(openId.value) ?? null);

/** Texts typed but not sent, by chat id. */
export const drafts = new Map();

/** The last message of somebody else in the open chat (`{senderId, content}`), to be read aloud; or null. */
export const arrival = signal(null);

/** False until the list of chats was read once. */
export const areChatsLoaded = signal(false);

/** The id of the message that is being edited, or null. */
export const editing = signal(null);

const histories = new Map();
const api = new Api({ signedOut: () => leave("Your session has ended. Please sign in again.") });
let connection = null;
let outbox = null;
let hasConnected = false;
let refreshing = null;
let listChanges = 0;

// Session

/** Shows the chats where the browser holds a session, and the sign-in form otherwise. */
export async function start() {
  addEventListener("hashchange", showRoute);
  addEventListener("focus", wake);
  addEventListener("online", wake);
  addEventListener("storage", heardFromOtherTab);
  document.addEventListener("visibilitychange", wake);
  if (localStorage.getItem(SESSION_KEY) === null) leave();
  else await resume(0);
}

async function resume(attempt) {
  try {
    await enter();
  } catch (problem) {
    if (problem.status === 401) return;
    if (!problem.isRetryable) throw problem;
    notice.value = `${problem.message} Trying again.`;
    setTimeout(() => resume(attempt + 1), fullJitter(attempt, Math.random));
  }
}

/** Signs in; throws a Problem where the server refuses. */
export async function signIn(username, password) {
  await api.signIn(username, password);
  await enter();
}

/** Signs out here and in the person's other tabs, and forgets what was not sent. */
export async function signOut() {
  try {
    await api.signOut();
  } catch (problem) {
    if (problem.status !== 401) notice.value = `You are still signed in. ${problem.message}`;
    return;
  }
  outbox.clear();
  window.history.replaceState(null, "", location.pathname);
  leave();
}

async function enter() {
  const user = await api.get("me");
  localStorage.setItem(SESSION_KEY, user.id);
  outbox = new Outbox({ storage: localStorage, owner: user.id });
  connection = new Connection({ url: socketUrl(), ticket: (how) => api.ticket(how), outbox, on: listeners });
  batch(() => {
    me.value = user;
    unsent.value = outbox.entries;
    notice.value = null;
    phase.value = "signedIn";
  });
  loadSeen(user.id);
  learn([user]);
  hasConnected = false;
  connection.start();
  refreshChats();
  showRoute();
}

function leave(reason = null) {
  connection?.stop();
  for (const history of histories.values()) history.close();
  histories.clear();
  drafts.clear();
  localStorage.removeItem(SESSION_KEY);
  batch(() => {
    me.value = openId.value = openHistory.value = null;
    chats.value = new Map();
    people.value = new Map();
    unsent.value = [];
    areChatsLoaded.value = false;
    arrival.value = null;
    notice.value = phase.value === "signedIn" ? reason : null;
    phase.value = "signedOut";
  });
  connection = outbox = null;
}

function heardFromOtherTab({ key, newValue }) {
  // Another person has signed in over the shared cookie, or this one has signed out.
  if (key === SESSION_KEY && newValue !== (me.value?.id ?? null)) location.reload();
  const nonce = outbox?.nonceOf(key) ?? null;
  if (nonce !== null && newValue === null) connection.settle(nonce);
}

function wake() {
  if (phase.value !== "signedIn" || document.visibilityState === "hidden") return;
  connection.nudge();
  refreshChats();
  if (openChat.value) markSeen(openChat.value);
}

function socketUrl() {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/ws/chat/`;
}

// What the connection tells

const listeners = {
  event(frame) {
    histories.get(frame.roomId)?.receive(frame);
    CHANGES[frame.type]?.(frame);
  },
  fresh(roomId, position) {
    histories.get(roomId)?.expect(position);
  },
  reload(roomId) {
    if (roomId === openId.value) openHistory.value.reload();
    else forgetHistory(roomId);
  },
  gone(roomId) {
    dropChat(roomId);
  },
  delivered({ roomId, content, nonce }, { messageId, ts }) {
    // Version 0 loses against the message itself, which is on its way.
    const frame = { type: "MESSAGE", messageId, senderId: me.value.id, content, ts, nonce, version: 0 };
    histories.get(roomId)?.receive(frame);
  },
  outbox() {
    unsent.value = [...outbox.entries];
  },
  ready({ limits }) {
    longestText.value = limits.content;
    if (hasConnected) refreshChats();
    hasConnected = true;
  },
  state(now) {
    link.value = now;
  },
  signedOut() {
    leave("Your session has ended. Please sign in again.");
  },
};

const CHANGES = {
  MESSAGE({ roomId, messageId, senderId, content, ts, nonce }) {
    if (senderId === me.value.id) connection.settle(nonce);
    else if (roomId === openId.value) arrival.value = { senderId, content };
    const sender = people.value.get(senderId) ?? { id: senderId };
    showLastMessage(roomId, { content, sender, created_at: ts });
    if (!people.value.has(senderId)) meet(roomId, messageId);
  },
  MEMBER({ roomId, userId, change, count }) {
    const isOver = ["removed", "left", "banned"].includes(change);
    if (isOver && userId === me.value.id) dropChat(roomId);
    else if (count !== undefined) changeChat(roomId, { participant_count: count });
  },
  ROOM({ roomId, change, chat }) {
    if (change === "deleted") dropChat(roomId);
    else if (chat?.name) changeChat(roomId, { name: chat.name });
  },
};

// Chats

function refreshChats() {
  refreshing ??= readChats().finally(() => (refreshing = null));
  return refreshing;
}

async function readChats() {
  const list = [];
  const before = listChanges;
  try {
    for (let after = null, more = true; more; more = after !== null) {
      const page = await api.get("chats", { after });
      list.push(...page.chats);
      after = page.next;
    }
  } catch (problem) {
    if (!problem.isRetryable) notice.value = problem.message;
    return;
  }
  if (phase.value !== "signedIn") return;
  // A chat that came or went meanwhile is missing in this answer, or still in it.
  if (listChanges !== before) return readChats();
  learn(list.map((chat) => chat.last_message?.sender));
  batch(() => {
    chats.value = new Map(list.map((chat) => [chat.id, withLiveMessage(chat, chats.value.get(chat.id))]));
    areChatsLoaded.value = true;
    noteChats(list);
  });
  follow();
}

// The server copies the last message into the list after a moment; a live one may be ahead of it.
function withLiveMessage(chat, shown) {
  if (!shown?.last_message_at || shown.last_message_at <= (chat.last_message_at ?? "")) return chat;
  return { ...chat, last_message: shown.last_message, last_message_at: shown.last_message_at };
}

function showLastMessage(chatId, message) {
  if (message.created_at < (chats.value.get(chatId)?.last_message_at ?? "")) return;
  changeChat(chatId, { last_message: message, last_message_at: message.created_at });
}

function follow() {
  connection.follow(sortedChats.value.slice(0, MOST_FOLLOWED).map((chat) => chat.id));
  if (openChat.value) markSeen(openChat.value);
}

function changeChat(chatId, changes) {
  const chat = chats.value.get(chatId);
  if (!chat) return;
  const next = { ...chat, ...changes };
  chats.value = new Map(chats.value).set(chatId, next);
  if (chatId === openId.value && document.visibilityState === "visible") markSeen(next);
}

function dropChat(chatId) {
  const rest = new Map(chats.value);
  rest.delete(chatId);
  chats.value = rest;
  listChanges += 1;
  forgetHistory(chatId);
  follow();
  if (chatId !== openId.value) return;
  notice.value = "You are no longer in this chat.";
  location.hash = "";
}

/** Creates a group of the named users and opens it; throws a Problem where the server refuses. */
export async function createChat(name, userIds) {
  const chat = await api.post("chats", { chat_type: "group", name, participants: userIds });
  chats.value = new Map(chats.value).set(chat.id, chat);
  listChanges += 1;
  follow();
  location.hash = routeTo(chat.id);
}

/** Finds users by a part of their name. */
export async function findPeople(query) {
  const { users } = await api.get("users", { q: query });
  learn(users);
  return users.filter((user) => user.id !== me.value.id);
}

/** Changes the text of one's own message; what others see follows by the connection. */
export async function editMessage(message, content) {
  editing.value = null;
  if (content === message.content) return;
  await change(message.id, (path) => api.patch(path, { content }));
}

/** Deletes a message for everybody. */
export async function deleteMessage(messageId) {
  await change(messageId, (path) => api.delete(path));
}

async function change(messageId, ask) {
  try {
    await ask(`chats/${openId.value}/messages/${messageId}`);
  } catch (problem) {
    notice.value = problem.message;
  }
}

// The open chat

function showRoute() {
  if (phase.value !== "signedIn") return;
  const { chatId, messageId } = parseRoute(location.hash);
  const history = chatId === null ? null : historyOf(chatId);
  batch(() => {
    openId.value = chatId;
    openHistory.value = history;
  });
  if (history === null) return;
  if (messageId !== null) history.around(messageId);
  else if (history.timeline.value === null) history.latest();
  if (openChat.value) markSeen(openChat.value);
  meetParticipants(chatId);
}

function historyOf(chatId) {
  const history =
    histories.get(chatId) ??
    new History({ page: (query) => readPage(chatId, query), cursor: () => connection.cursor(chatId) });
  // Put in again at the end, so that the first one is the one not opened for longest.
  histories.delete(chatId);
  histories.set(chatId, history);
  if (histories.size > KEPT_HISTORIES) forgetHistory(histories.keys().next().value);
  return history;
}

function forgetHistory(chatId) {
  histories.get(chatId)?.close();
  histories.delete(chatId);
}

async function readPage(chatId, query) {
  const page = await api.get(`chats/${chatId}/messages`, query);
  if (phase.value !== "signedIn") return page;
  learn(page.messages.map((message) => message.sender));
  for (const { nonce, sender } of page.messages) {
    if (sender?.id === me.value.id) connection.settle(nonce);
  }
  const last = page.has_after ? undefined : page.messages.at(-1);
  if (last) showLastMessage(chatId, last);
  return page;
}

/** Sends a text to the open chat, and shows the newest messages where another part was open. */
export function send(content) {
  const history = openHistory.value;
  history.following.value = true;
  if (history.timeline.value?.hasAfter) showLatest();
  connection.post({ nonce: newNonce(), roomId: openId.value, content });
}

/** Shows the newest messages of the open chat. */
export function showLatest() {
  const history = openHistory.value;
  // The address of a message would bring its place back on a reload.
  window.history.replaceState(null, "", routeTo(openId.value));
  history.latest();
}

/** Sends a failed message again. */
export function retrySend(nonce) {
  connection.retry(nonce, newNonce());
}

/** Gives up a failed message. */
export function discardSend(nonce) {
  connection.settle(nonce);
}

/** Tries to connect at once. */
export function connectNow() {
  connection.nudge();
}

// `crypto.randomUUID` is missing over plain http.
function newNonce() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// People

async function meetParticipants(chatId) {
  const { participants } = await api.get(`chats/${chatId}/participants`).catch(() => ({ participants: [] }));
  learn(participants.map(({ user }) => user));
}

// A sender who came, or left again, since the participants were read is named in the message itself.
async function meet(chatId, messageId) {
  const page = await api.get(`chats/${chatId}/messages`, { around: messageId, limit: 1 }).catch(() => null);
  learn(page?.messages.map((message) => message.sender) ?? []);
}
