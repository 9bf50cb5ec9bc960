/** The users this page has met: their names are looked up here, never kept in messages. */
import { signal } from "@preact/signals";

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
