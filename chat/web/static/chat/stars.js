/** What the person has starred: which messages of the open chat, and the list of all. */
import { signal } from "@preact/signals";
import { Marks } from "chat/marks";
import { learn } from "chat/people";
import { api } from "chat/server";
import { notice, openId } from "chat/state";

const stars = new Marks();

/** How often a star was heard of: a list that is shown reads itself again. */
export const starChanges = signal(0);

/** Reads which messages are starred in the open chat: when it is opened, and where frames may have been missed. */
export function loadStars(chatId) {
  return stars.load(chatId, async () => (await api.get(`chats/${chatId}/stars`)).message_ids);
}

/** Returns a page of what is starred in all chats, the latest star first: `{stars, next}`. */
export async function readStars(before = null) {
  const page = await api.get("me/stars", { before });
  learn(page.stars.map(({ message }) => message.sender));
  return page;
}

/** Says whether a message of the open chat is starred. */
export function isStarred(messageId) {
  return stars.has(messageId);
}

/** Stars a message, or takes the star away. */
export async function starMessage(chatId, messageId, isStarred) {
  const path = `chats/${chatId}/messages/${messageId}/star`;
  try {
    await (isStarred ? api.put(path, {}) : api.delete(path));
  } catch (problem) {
    notice.value = problem.message;
    return;
  }
  heardStar({ state: { roomId: chatId, messageId, starred: isStarred } });
}

/** Takes an ME frame of a star. */
export function heardStar({ state: { roomId, messageId, starred } }) {
  starChanges.value += 1;
  stars.hear(roomId, messageId, starred);
}

/** Takes a MESSAGE_DELETED frame: what is deleted is starred no longer. */
export function unstarDeleted({ roomId, messageId }) {
  if (isStarred(messageId)) heardStar({ state: { roomId, messageId, starred: false } });
}

/** Reads the stars of the open chat again: after a hole in what concerns the person. */
export function reloadStars() {
  starChanges.value += 1;
  return loadStars(openId.value);
}

/** Forgets everything: another person may sign in. */
export function forgetStars() {
  stars.forget();
}
