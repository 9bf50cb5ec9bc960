/** The person's chats: reading the list, and keeping it in step with what is heard. */
import { batch } from "@preact/signals";
import { learn, nameOf } from "chat/people";
import { routeTo } from "chat/route";
import { api, live } from "chat/server";
import { areChatsLoaded, chats, me, notice, openId, phase, sortedChats } from "chat/state";
import { counted, heard, totals, withoutMessage } from "chat/unread";

// What the server lets one connection follow.
const MOST_FOLLOWED = 1_000;

// Several deletes in a row are one recount, and more chats than MOST_ALONE are one list.
const RECOUNT_MS = 500;
const MOST_ALONE = 5;

// Last messages in lists are copies, which may be as late as this; the numbers beside them are not.
const LATE_MS = 3_000;

let refreshing = null;
let listChanges = 0;
// How many ME frames told of a read, and which of them was the last of each chat: an answer of REST that was under
// way meanwhile may have older numbers.
let readsHeard = 0;
const lastReads = new Map();
const uncertain = new Set();
let recounting = null;
// Chats that the person leaves or deletes: that these go is no news.
const parting = new Set();

/** The name of a chat as its list shows it: a direct chat has those of the others. */
export function titleOf(chat) {
  if (!chat.peers?.length) return chat.name;
  const names = chat.peers.map(({ id }) => nameOf(id));
  return names.sort((a, b) => a.localeCompare(b)).join(", ");
}

/** Reads the whole list, unless that is under way. */
export function refreshChats() {
  refreshing ??= readChats().finally(() => (refreshing = null));
  return refreshing;
}

/** Reads what has changed since the highest version seen: after a hole in what concerns the person. */
export async function catchUp() {
  await refreshing;
  if (phase.value !== "signedIn") return undefined;
  const versions = [...chats.value.values()].map(({ version }) => version);
  if (versions.length === 0) return refreshChats();
  const asked = readsHeard;
  try {
    const { list, removed } = await readPages({ changed_since: Math.max(...versions) });
    if (phase.value !== "signedIn") return;
    batch(() => {
      for (const chat of list) putChat(chat, asked);
      removed.forEach(dropChat);
    });
  } catch (problem) {
    if (!problem.isRetryable) notice.value = problem.message;
  }
}

async function readChats() {
  const before = listChanges;
  const asked = readsHeard;
  let list = [];
  try {
    ({ list } = await readPages({}));
  } catch (problem) {
    if (!problem.isRetryable) notice.value = problem.message;
    return;
  }
  if (phase.value !== "signedIn") return;
  // A chat that came or went meanwhile is missing in this answer, or still in it.
  if (listChanges !== before) return readChats();
  if (!areChatsLoaded.value) setTimeout(catchUp, LATE_MS);
  learnFrom(list);
  batch(() => {
    chats.value = new Map(list.map((chat) => [chat.id, keptUp(chat, asked)]));
    areChatsLoaded.value = true;
  });
  follow();
}

async function readPages(query) {
  const list = [];
  const removed = [];
  for (let after = null, more = true; more; more = after !== null) {
    const page = await api.get("chats", { ...query, after });
    list.push(...page.chats);
    removed.push(...(page.removed ?? []));
    after = page.next;
  }
  return { list, removed };
}

function learnFrom(list) {
  learn(list.flatMap((chat) => [chat.last_message?.sender, ...chat.peers]));
}

// What was heard live may be ahead of an answer of REST that was asked for after `asked` reads.
function keptUp(chat, asked) {
  const shown = chats.value.get(chat.id);
  const isAhead = shown?.last_message_at && shown.last_message_at > (chat.last_message_at ?? "");
  const { last_message, last_message_at } = isAhead ? shown : chat;
  const isKnown = shown && (lastReads.get(chat.id) > asked || shown.tally.upTo > chat.pos);
  const tally = isKnown ? shown.tally : counted({ ...chat, upTo: chat.pos }, shown?.tally);
  const last_read_message_id = isKnown ? shown.last_read_message_id : chat.last_read_message_id;
  return { ...chat, last_message, last_message_at, last_read_message_id, ...withTally(tally) };
}

function withTally(tally) {
  return { tally, ...totals(tally) };
}

function follow() {
  live.connection.follow(sortedChats.value.slice(0, MOST_FOLLOWED).map((chat) => chat.id));
}

/** Takes up a chat as the API gives it. */
export function putChat(chat, asked = readsHeard) {
  learnFrom([chat]);
  if (!chats.value.has(chat.id)) listChanges += 1;
  chats.value = new Map(chats.value).set(chat.id, keptUp(chat, asked));
  follow();
}

/** Changes some fields of a chat that is in the list. */
export function changeChat(chatId, changes) {
  const chat = chats.value.get(chatId);
  if (chat) chats.value = new Map(chats.value).set(chatId, { ...chat, ...changes });
}

/** Takes a chat out of the list. */
export function dropChat(chatId) {
  const isAsked = parting.delete(chatId);
  if (!chats.value.has(chatId)) return;
  const rest = new Map(chats.value);
  rest.delete(chatId);
  chats.value = rest;
  listChanges += 1;
  follow();
  if (chatId !== openId.value) return;
  if (!isAsked) notice.value = "You are no longer in this chat.";
  location.hash = "";
}

/** Runs what takes the person out of a chat, and takes it out of the list. */
export async function part(chatId, work) {
  parting.add(chatId);
  try {
    await work();
  } catch (problem) {
    parting.delete(chatId);
    throw problem;
  }
  dropChat(chatId);
  parting.delete(chatId);
}

/** Reads one chat again, or for the first time. */
export async function readChat(chatId) {
  const asked = readsHeard;
  const chat = await api.get(`chats/${chatId}`).catch(() => null);
  if (phase.value === "signedIn" && chat) putChat(chat, asked);
}

/** Takes note that a chat is heard from a pos on: what lies before it and after the last numbers was not. */
export function liveFrom(chatId, { pos }) {
  if (chats.value.get(chatId)?.tally.upTo < pos) recountSoon(chatId);
}

/** Reads the numbers of a chat again: what the page has may be wrong. */
export function recountSoon(chatId) {
  uncertain.add(chatId);
  recounting ??= setTimeout(recount, RECOUNT_MS);
}

async function recount() {
  const chatIds = [...uncertain];
  uncertain.clear();
  recounting = null;
  if (phase.value !== "signedIn") return;
  if (chatIds.length > MOST_ALONE) {
    // One that is under way was asked for too early.
    await refreshing;
    refreshChats();
  } else {
    for (const chatId of chatIds) {
      readChat(chatId);
      readLastMessage(chatId);
    }
  }
}

// The copy of it in the chat is a moment late.
async function readLastMessage(chatId) {
  const query = { limit: 1, at_least: live.connection.cursor(chatId)?.pos };
  const page = await api.get(`chats/${chatId}/messages`, query).catch(() => null);
  const last = page?.messages.at(-1);
  if (phase.value !== "signedIn" || !last) return;
  learn([last.sender]);
  showLastMessage(chatId, last);
}

/** Shows a message as the last one of its chat, unless a later one is. */
export function showLastMessage(chatId, message) {
  if (message.created_at < (chats.value.get(chatId)?.last_message_at ?? "")) return;
  changeChat(chatId, { last_message: message, last_message_at: message.created_at });
}

// Unread

/** Says whether a MESSAGE frame mentions the person. */
export function isNamed({ mentions = [] }) {
  return mentions.includes(me.value.id) || mentions.includes("all");
}

/** Counts a message that was heard; returns whether it is the first unread one. */
export function countMessage(frame) {
  const { roomId, messageId, senderId, pos, messageType, threadId } = frame;
  const chat = chats.value.get(roomId);
  if (!chat || senderId === me.value.id || messageType === "notice" || threadId) return false;
  changeChat(roomId, withTally(heard(chat.tally, { id: messageId, pos, isMention: isNamed(frame) })));
  return chat.unread === 0;
}

/** Counts a deleted message no longer. */
export function uncountMessage({ roomId, messageId }) {
  const chat = chats.value.get(roomId);
  if (!chat) return;
  const tally = withoutMessage(chat.tally, messageId);
  if (tally === null) recountSoon(roomId);
  else changeChat(roomId, withTally(tally));
}

/** Takes the numbers of an ME frame: how far the person has read, on whichever device. */
export function countRead({ roomId, messageId, unread, mentions, upTo }) {
  const chat = chats.value.get(roomId);
  if (!chat) return;
  lastReads.set(roomId, (readsHeard += 1));
  const tally = counted({ unread, mentions, upTo }, chat.tally);
  changeChat(roomId, { last_read_message_id: messageId, ...withTally(tally) });
}

// Making chats

/** Creates a chat of the named users and opens it; throws a Problem where the server refuses. */
export async function createChat({ kind, name, userIds }) {
  open(await api.post("chats", { chat_type: kind, name, participants: userIds }));
}

/** Opens one's chat with somebody or a few, which is made where there is none. */
export async function openDirect(userIds) {
  open(await api.post("chats/direct", { user_ids: userIds }));
}

/** Goes into a chat by an invite and opens it; throws a Problem where it has ended. */
export async function acceptInvite(code) {
  open(await api.post(`invites/${code}`, {}));
}

/** Returns the public chats that one may join, by name, a page of them: `{ chats, next }`. */
export function findPublicChats(words, after = null) {
  return api.get("chats/public", { q: words, after });
}

/** Goes into a public chat and opens it; throws a Problem where one may not. */
export async function joinChat(chatId) {
  open(await api.post(`chats/${chatId}/join`, {}));
}

function open(chat) {
  putChat(chat);
  location.hash = routeTo(chat.id);
}
