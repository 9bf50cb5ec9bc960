/**
 * What waits for the acknowledgement of one person: pages of the server, and what was heard meanwhile. Pure.
 *
 * It is `{messages, next, heard}`: messages by id, each with its `chatId`; where to read on, null at the end; and the
 * `{frame, at}` heard lately. Every function returns a new one, or the same where nothing changed.
 */
import { compareIds, fold, fromRest } from "chat-client";

// The server lists what was said a moment late.
const LATE_MS = 5_000;

// More than these are not kept: the oldest of them are read again when they are asked for.
const MOST = 1_000;

/** Nothing waits. */
export const NOTHING = { messages: new Map(), next: null, heard: [] };

/** Takes a room event that `userId` heard at `now` (ms). */
export function heard(waiting, frame, { userId, now }) {
  const messages = changed(waiting.messages, frame, userId);
  if (messages === waiting.messages && !ends(frame, userId)) return waiting;
  const lately = waiting.heard.filter(({ at }) => at > now - LATE_MS);
  return bounded({ ...waiting, messages, heard: [...lately, { frame, at: now }].slice(-MOST) });
}

/** Takes a page that was asked for at `asked` (ms); a first one stands in place of all before. */
export function read(waiting, page, { userId, asked, isFirst }) {
  const before = isFirst ? [] : waiting.messages;
  const told = page.messages.map((message) => [message.id, { ...fromRest(message), chatId: message.chat_id }]);
  const later = waiting.heard.filter(({ at }) => at > asked - LATE_MS);
  const messages = later.reduce((known, { frame }) => changed(known, frame, userId), new Map([...before, ...told]));
  return bounded({ ...waiting, messages, next: page.next });
}

/** Lists the messages, the newest first. */
export function newestFirst({ messages }) {
  return [...messages.values()].sort((a, b) => compareIds(b.id, a.id));
}

function changed(messages, frame, userId) {
  const { type, messageId, roomId } = frame;
  if (ends(frame, userId)) return without(messages, messageId);
  const isAsked = type === "MESSAGE" && frame.important && frame.senderId !== userId;
  if (!isAsked && !(type === "MESSAGE_EDITED" && messages.has(messageId))) return messages;
  const next = fold(messages, frame);
  return next === messages ? messages : new Map(next).set(messageId, { ...next.get(messageId), chatId: roomId });
}

function ends({ type, userId: by }, userId) {
  return type === "MESSAGE_DELETED" || (type === "ACKNOWLEDGED" && by === userId);
}

function without(messages, messageId) {
  if (!messages.has(messageId)) return messages;
  const rest = new Map(messages);
  rest.delete(messageId);
  return rest;
}

function bounded(waiting) {
  if (waiting.messages.size <= MOST) return waiting;
  const kept = newestFirst(waiting).slice(0, MOST);
  return { ...waiting, messages: new Map(kept.map((one) => [one.id, one])), next: kept.at(-1).id };
}
