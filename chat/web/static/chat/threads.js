/** Threads: what is under the messages of chats, the one that is open, and which of them the person follows. */
import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { fold, fromRest } from "chat-client";
import { History } from "chat/history";
import { learn } from "chat/people";
import { isLooking } from "chat/reading";
import { routeTo } from "chat/route";
import { api, live } from "chat/server";
import { me, notice, openHistory, openId, phase } from "chat/state";
import { ends } from "chat/timeline";

// Threads that are remembered; one that was forgotten is known again with its page.
const MOST = 1_000;

// A reply that is seen for less than this was not read.
const GLANCE_MS = 300;

// What is followed is asked for at most once in this time.
const PACE_MS = 1_000;

/** What is under messages, by their ids: `{replies, unread, following, upTo}`, as of the chat's pos `upTo`. */
const threads = signal(new Map());

/** The open thread: `{chatId, rootId, history, root}`, root the message above once it is read; or null. */
export const openThread = signal(null);

/** How many of the threads that the person follows have something unread, as far as the last ones tell. */
export const unreadThreads = signal(0);

/** How often something changed in what the person follows: a list that is shown reads itself again. */
export const threadChanges = signal(0);

// The thread to open once its chat is.
let wanted = null;
let reading = null;
let counting = null;

/** Whether the person has the newest replies of the open thread before them. */
const isReading = computed(() => {
  const history = openThread.value?.history;
  const timeline = history?.timeline.value;
  return Boolean(timeline && !timeline.hasAfter && history.following.value && isLooking.value);
});

/** Watches what is open and read, from now on. */
export function watchThreads() {
  effect(() => {
    const chatId = openId.value;
    untracked(() => {
      closeThread();
      if (wanted?.chatId === chatId) showThread(wanted.rootId);
    });
  });
  effect(() => {
    // A link may lead to what is said in a thread, which the chat's own list does not show.
    const target = openHistory.value?.target.value ?? null;
    const message = target === null ? null : openHistory.value.timeline.value?.messages.get(target);
    if (message?.threadId) untracked(() => lead(message));
  });
  effect(() => {
    if (isReading.value && threadUnder(openThread.value.rootId)?.unread > 0) readSoon();
  });
}

/** Returns what is under a message: `{replies, unread, following}`; null where nothing is known to be. */
export function threadUnder(messageId) {
  return threads.value.get(messageId) ?? null;
}

/** Takes what a page of messages says of the threads under them, as of the chat's pos. */
export function learnThreads(messages, upTo) {
  const told = messages.filter(({ thread }) => thread);
  if (told.length === 0) return;
  put(told.map(({ id, thread: { replies, unread, following } }) => [id, { replies, unread, following, upTo }]));
}

/** Opens the thread under a message of the open chat. */
export function showThread(rootId) {
  wanted = null;
  if (openThread.value?.rootId === rootId) return;
  closeThread();
  const chatId = openId.value;
  const history = new History({
    page: (query) => readPage(chatId, rootId, query),
    cursor: () => live.connection.cursor(chatId),
  });
  openThread.value = { chatId, rootId, history, root: null };
  history.latest();
}

/** Opens a thread of any chat of the person's. */
export function goToThread(chatId, rootId) {
  if (openId.value === chatId) return showThread(rootId);
  wanted = { chatId, rootId };
  location.hash = routeTo(chatId);
}

/** Closes the open thread. */
export function closeThread() {
  openThread.value?.history.close();
  openThread.value = null;
}

/** Says something in the open thread. */
export function reply(content, { mentions = [], important = false } = {}) {
  const { chatId, rootId, history } = openThread.value;
  history.following.value = true;
  if (history.timeline.value?.hasAfter) history.latest();
  live.connection.post({ roomId: chatId, content, threadId: rootId, mentions, important });
}

/** Follows the open thread, or no longer. */
export async function followThread(isFollowing) {
  const { chatId, rootId } = openThread.value;
  const path = `chats/${chatId}/messages/${rootId}/thread/follow`;
  try {
    const { replies, unread, following } = await (isFollowing ? api.put(path, {}) : api.delete(path));
    put([[rootId, { ...threadUnder(rootId), replies, unread, following, upTo: threadUnder(rootId)?.upTo ?? 0 }]]);
  } catch (problem) {
    notice.value = problem.message;
  }
}

/** Returns a page of the threads that the person follows, the latest reply first: `{threads, next}`. */
export async function readThreads(before = null) {
  const page = await api.get("me/threads", { before });
  learn(page.threads.map(({ sender }) => sender));
  if (before === null) unreadThreads.value = page.threads.filter(({ thread }) => thread?.unread > 0).length;
  return page;
}

/** Counts anew, within a second, in how many of the latest threads something is unread. */
export function recountThreads() {
  counting ??= setTimeout(async () => {
    counting = null;
    if (phase.value !== "signedIn") return;
    threadChanges.value += 1;
    await readThreads().catch(() => null);
  }, PACE_MS);
}

/** Takes a room event. */
export function heardInThreads(frame) {
  if (frame.type === "MESSAGE" && frame.threadId) count(frame);
  const thread = openThread.value;
  if (thread === null || thread.chatId !== frame.roomId) return;
  const wasThere = frame.type === "MESSAGE_DELETED" && isShown(thread.history, frame.messageId);
  if (frame.type !== "MESSAGE" || frame.threadId === thread.rootId) thread.history.receive(frame);
  if (wasThere) thread.history.reload();
  if (thread.root === null) return;
  const changed = fold(new Map([[thread.rootId, thread.root]]), frame).get(thread.rootId);
  if (changed !== thread.root) openThread.value = { ...thread, root: changed };
}

function isShown({ timeline }, messageId) {
  const message = timeline.value?.messages.get(messageId);
  return Boolean(message && !message.isDeleted);
}

/** Takes an ME frame of a thread: whether one follows it and what is unread, on whichever device that was said. */
export function heardThread({ state: { threadId, following, unread, upTo } }) {
  const known = threadUnder(threadId);
  if (known !== null) {
    // What was heard above `upTo` the frame does not count.
    const left = following && known.upTo > upTo ? known.unread : unread;
    put([[threadId, { ...known, following, unread: left }]]);
  }
  recountThreads();
}

/** Reads the open thread again: after a hole in its chat, or where it is live only from a position on. */
export function renewThread(chatId, position = null) {
  recountThreads();
  if (openThread.value?.chatId !== chatId) return;
  if (position === null) openThread.value.history.reload();
  else openThread.value.history.expect(position);
}

/** Forgets everything: another person may sign in. */
export function forgetThreads() {
  clearTimeout(reading);
  clearTimeout(counting);
  wanted = reading = counting = null;
  closeThread();
  batch(() => {
    threads.value = new Map();
    unreadThreads.value = 0;
  });
}

// Takes a reply that was heard live; without `pos` it is one's own, before its frame has come.
function count({ threadId, threadStarterId, senderId, mentions = [], pos }) {
  if (pos === undefined) return;
  const known = threadUnder(threadId);
  if (known !== null && pos <= known.upTo) return;
  const { replies, unread, following } = known ?? { replies: 0, unread: 0, following: false };
  const isOwn = senderId === me.value.id;
  const isMine = threadStarterId === me.value.id || mentions.includes(me.value.id);
  // Where nothing is known it may be one that the person has said not to follow; its page says so.
  const follows = isOwn || following || (known === null && isMine);
  const left = isOwn ? 0 : unread + (follows ? 1 : 0);
  put([[threadId, { replies: replies + 1, unread: left, following: follows, upTo: pos }]]);
  if (follows || isMine) recountThreads();
}

function put(entries) {
  const newest = entries.filter(([id, { upTo }]) => upTo >= (threads.value.get(id)?.upTo ?? 0));
  threads.value = new Map([...threads.value, ...newest].slice(-MOST));
}

function lead(message) {
  openHistory.value.target.value = message.threadId;
  showThread(message.threadId);
  openThread.value.history.target.value = message.id;
}

async function readPage(chatId, rootId, query) {
  const page = await api.get(`chats/${chatId}/messages/${rootId}/thread`, query);
  if (phase.value !== "signedIn") return page;
  const said = [page.root, ...page.messages];
  learn(said.map((message) => message.sender));
  for (const { nonce, sender } of page.messages) {
    if (sender?.id === me.value.id) live.connection.settle(nonce);
  }
  learnThreads([page.root], page.pos);
  if (openThread.value?.rootId === rootId) openThread.value = { ...openThread.value, root: fromRest(page.root) };
  return page;
}

function readSoon() {
  reading ??= setTimeout(read, GLANCE_MS);
}

function read() {
  reading = null;
  if (!isReading.value) return;
  const { chatId, rootId, history } = openThread.value;
  const { newest } = ends(history.timeline.value);
  const cursor = live.connection.cursor(chatId);
  if (newest === null || !(threadUnder(rootId)?.unread > 0)) return;
  const place = { roomId: chatId, threadId: rootId, messageId: newest };
  const isTold = cursor && live.connection.tell({ type: "READ", ...place, pos: cursor.pos });
  // Until the connection is there and live in this chat, it is tried again.
  if (!isTold) readSoon();
}
