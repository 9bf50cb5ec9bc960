/** The user groups of one's companies, by id: they are mentioned by name. */
import { signal } from "@preact/signals";
import { ALL, GROUP, HERE } from "chat/mentions";
import { nameOf } from "chat/people";
import { api } from "chat/server";

export const userGroups = signal(new Map());

/** Reads them; where that fails nobody is offered one. */
export async function loadUserGroups() {
  const { groups } = await api.get("user-groups").catch(() => ({ groups: [] }));
  userGroups.value = new Map(groups.map((group) => [group.id, group]));
}

/** Forgets them when one signs out. */
export function forgetUserGroups() {
  userGroups.value = new Map();
}

/** Returns the name that a mention has in a text; of a group that is gone none. */
export function namedBy(mention) {
  if (mention === ALL || mention === HERE) return mention;
  return mention.startsWith(GROUP) ? (userGroups.value.get(mention.slice(GROUP.length))?.name ?? "") : nameOf(mention);
}

/** Returns them as those who may be meant. */
export function groupsToMention() {
  const counted = (count) => (count === 1 ? "1 person" : `${count} people`);
  return [...userGroups.value.values()].map(({ id, name, members }) => ({
    id: GROUP + id,
    name,
    username: name,
    hint: counted(members.length),
  }));
}
