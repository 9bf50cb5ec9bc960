/** The open chat: where the address leads, its history, and what the person says in it. */
import { batch } from "@preact/signals";
import { acceptInvite, putChat, showLastMessage } from "chat/chats";
import { rewrite } from "chat/drafts";
import { History } from "chat/history";
import { learn } from "chat/people";
import { parseRoute, routeTo } from "chat/route";
import { api, live } from "chat/server";
import { answering, editing, me, notice, openHistory, openId, phase } from "chat/state";
import { heardInThreads, learnThreads } from "chat/threads";
import { namedBy } from "chat/user_groups";

// Chats whose history stays in memory after one has left them.
const KEPT_HISTORIES = 20;

const histories = new Map();

/** Shows what the address names. */
export function showRoute() {
  if (phase.value !== "signedIn") return;
  const { chatId, messageId, invite } = parseRoute(location.hash);
  const history = chatId === null ? null : historyOf(chatId);
  batch(() => {
    openId.value = chatId;
    openHistory.value = history;
    editing.value = null;
  });
  if (invite !== null) enterBy(invite);
  if (history === null) return;
  if (messageId !== null) history.around(messageId);
  else if (history.timeline.value === null) history.latest();
}

async function enterBy(invite) {
  // Replaced, or going back would accept it again.
  window.history.replaceState(null, "", location.pathname);
  try {
    await acceptInvite(invite);
  } catch (problem) {
    notice.value = problem.message;
  }
}

/** Returns the history of a chat that was open lately, or undefined. */
export function historyIfKept(chatId) {
  return histories.get(chatId);
}

function historyOf(chatId) {
  const history =
    histories.get(chatId) ??
    new History({ page: (query) => readPage(chatId, query), cursor: () => live.connection.cursor(chatId) });
  // Put in again at the end, so that the first one is the one not opened for longest.
  histories.delete(chatId);
  histories.set(chatId, history);
  if (histories.size > KEPT_HISTORIES) forgetHistory(histories.keys().next().value);
  return history;
}

/** Forgets what is loaded of a chat. */
export function forgetHistory(chatId) {
  histories.get(chatId)?.close();
  histories.delete(chatId);
}

/** Forgets every chat. */
export function forgetHistories() {
  for (const history of histories.values()) history.close();
  histories.clear();
}

async function readPage(chatId, query) {
  const page = await api.get(`chats/${chatId}/messages`, query);
  if (phase.value !== "signedIn") return page;
  learn(page.messages.flatMap((message) => [message.sender, message.forwarded_from?.sender]));
  learnThreads(page.messages, page.pos);
  for (const { nonce, sender } of page.messages) {
    if (sender?.id === me.value.id) live.connection.settle(nonce);
  }
  const last = page.has_after ? undefined : page.messages.at(-1);
  if (last) showLastMessage(chatId, last);
  return page;
}

/** Sends a text to the open chat, and shows the newest messages where another part was open. */
export function send(content, { mentions = [], important = false } = {}) {
  const replyToId = answering.value.get(openId.value) ?? null;
  const history = openHistory.value;
  history.following.value = true;
  if (history.timeline.value?.hasAfter) showLatest();
  live.connection.post({ roomId: openId.value, content, replyToId, mentions, important });
  answer(null);
}

/** Says which message of the open chat is answered by what is written next; null for none. */
export function answer(messageId) {
  const next = new Map(answering.value);
  if (messageId === null) next.delete(openId.value);
  else next.set(openId.value, messageId);
  answering.value = next;
}

/** Shows a chat around one of its messages. */
export function showMessage(messageId, chatId = openId.value) {
  const address = routeTo(chatId, messageId);
  // An address that is open already would not be noticed.
  if (location.hash === address) openHistory.value.around(messageId);
  else location.hash = address;
}

/** Shows the newest messages of the open chat. */
export function showLatest() {
  const history = openHistory.value;
  // The address of a message would bring its place back on a reload.
  window.history.replaceState(null, "", routeTo(openId.value));
  history.latest();
}

/** Shows the open chat from a moment on (ISO 8601). */
export function showDay(moment) {
  window.history.replaceState(null, "", routeTo(openId.value));
  openHistory.value.from(moment);
}

/** Sends a failed message again. */
export function retrySend(nonce) {
  live.connection.retry(nonce);
}

/** Gives up a failed message. */
export function discardSend(nonce) {
  live.connection.settle(nonce);
}

/** Puts a message that was refused back where it was written, before what stands there by now. */
export function takeBack({ nonce, roomId, threadId, replyToId, content, mentions }) {
  live.connection.settle(nonce);
  rewrite(threadId ?? roomId, content, mentions.map((id) => ({ id, name: namedBy(id) })));
  if (replyToId) answer(replyToId);
}

/** Changes the text of one's own message; what others see follows by the connection. */
export async function editMessage(message, content) {
  editing.value = null;
  if (content === message.content) return;
  await change(message.id, (path) => api.patch(path, { content }));
}

/** Reads who has taken note of a message, and who has not where the person is told: `{acknowledgements, next, waiting}`. */
export async function readAcknowledgements(messageId, after = null) {
  const found = await api.get(`chats/${openId.value}/messages/${messageId}/acknowledgements`, { after });
  learn([...found.acknowledgements.map(({ user }) => user), ...(found.waiting?.users ?? [])]);
  return found;
}

/** Asks a question in the open chat, or in one of its threads. */
export async function askPoll(content, poll, { threadId = null, nonce }) {
  const body = { content, poll, nonce, ...(threadId !== null && { thread_id: threadId }) };
  await api.post(`chats/${openId.value}/messages`, body);
}

/** Chooses options of a poll by their numbers, in place of those before; none takes the vote back. */
export async function vote(messageId, choices) {
  await noticed(async () => heardVote(await api.put(`chats/${openId.value}/polls/${messageId}/vote`, { choices })));
}

/** Lets nobody vote in a poll any more. */
export async function closePoll(messageId) {
  await noticed(() => api.post(`chats/${openId.value}/polls/${messageId}/close`, {}));
}

/** Reads who chose an option of a poll that is not anonymous, up to a hundred. */
export async function readVoters(messageId, option) {
  const { users } = await api.get(`chats/${openId.value}/polls/${messageId}/voters`, { option });
  learn(users);
  return users;
}

// No frame says what one chose in an anonymous poll.
function heardVote({ id: messageId, chat_id: roomId, poll }) {
  const { voters, version, is_closed: closed, options } = poll;
  const mine = options.flatMap(({ me }, number) => (me ? [number] : []));
  const named = poll.anonymous ? {} : { userId: me.value.id, choices: mine };
  const counts = options.map(({ count }) => count);
  const frame = { type: "POLL", roomId, messageId, version, counts, voters, closed, mine, ...named };
  historyIfKept(roomId)?.receive(frame);
  heardInThreads(frame);
}

/** Takes away what is shown of a message's links, for everybody. */
export async function removePreviews(messageId) {
  await noticed(() => api.delete(`chats/${openId.value}/messages/${messageId}/previews`));
}

/** Deletes a message for everybody. */
export async function deleteMessage(messageId) {
  await change(messageId, (path) => api.delete(path));
}

/** Reads what a message said before, oldest first. */
export async function readEdits(messageId) {
  return (await api.get(`chats/${openId.value}/messages/${messageId}/edits`)).edits;
}

/** Pins a message in the open chat, or takes its pin away. */
export async function pinMessage(messageId, isPinned) {
  const path = `chats/${openId.value}/pins/${messageId}`;
  await noticed(() => (isPinned ? api.put(path, {}) : api.delete(path)));
}

/** Forwards a message of the open chat to some chats; returns the `{chat_id, message, error}` of each. */
export async function forwardMessage(messageId, chatIds, nonce) {
  const path = `chats/${openId.value}/messages/${messageId}/forward`;
  return (await api.post(path, { to: chatIds, nonce })).results;
}

/** Reports a message of the open chat to staff; nobody in the chat hears of it. */
export async function reportMessage(messageId, reason, text) {
  await api.post(`chats/${openId.value}/messages/${messageId}/flag`, { reason, text });
}

/** Makes the open chat one of the person's favourites, or no longer. */
export async function setFavourite(isFavourite) {
  const path = `chats/${openId.value}/favourite`;
  await noticed(async () => putChat(await (isFavourite ? api.put(path, {}) : api.delete(path))));
}

/** Gives a message an emoji, or takes one's own back. */
export async function react(messageId, emoji, isGiven) {
  const at = `/reactions/${encodeURIComponent(emoji)}`;
  await change(messageId, (path) => (isGiven ? api.put(path + at, {}) : api.delete(path + at)));
}

function change(messageId, ask) {
  return noticed(() => ask(`chats/${openId.value}/messages/${messageId}`));
}

async function noticed(ask) {
  try {
    await ask();
  } catch (problem) {
    notice.value = problem.message;
  }
}
