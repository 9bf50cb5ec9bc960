/** The users this page has met: their names are looked up here, never kept in messages. */
import { signal } from "@preact/signals";
import { api } from "chat/server";
import { me } from "chat/state";

/** Users by id. */
export const people = signal(new Map());

/** Takes up users as the API gives them; what is missing, or has no name any more, is left out. */
export function learn(users) {
  const named = users.filter((user) => user?.name || user?.username);
  if (named.length === 0) return;
  const next = new Map(people.value);
  for (const user of named) next.set(user.id, user);
  people.value = next;
}

/** Returns the shown name of a user. */
export function nameOf(userId) {
  const user = people.value.get(userId);
  return user?.name || user?.username || "Somebody";
}

/** Says whether a user is a program. */
export function isBot(userId) {
  return people.value.get(userId)?.is_bot === true;
}

/** Finds users by a part of their name. */
export async function findPeople(query) {
  const { users } = await api.get("users", { q: query });
  learn(users);
  return users.filter((user) => user.id !== me.value.id);
}

/** Learns who sent a message, and whose words it forwards: who came or left since the participants were read is named in it. */
export async function meet(chatId, messageId) {
  const page = await api.get(`chats/${chatId}/messages`, { around: messageId, limit: 1 }).catch(() => null);
  learn(page?.messages.flatMap((message) => [message.sender, message.forwarded_from?.sender]) ?? []);
}
