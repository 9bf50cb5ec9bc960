/** What a role allows in a chat: the mirror of the server's table, so that nothing is offered in vain. Pure. */

/** Roles, the lowest first. */
export const ROLES = ["guest", "member", "moderator", "admin", "owner"];

const LOWEST = {
  post: "guest",
  reply: "member",
  react: "guest",
  invite: "member",
  pin: "moderator",
  mention_all: "moderator",
  mark_important: "member",
  delete_any: "moderator",
  close_any_poll: "moderator",
  mute: "moderator",
  manage_people: "admin",
  rename: "admin",
  own: "owner",
};

// What a chat may decide for itself.
const OVERRIDABLE = ["post", "invite", "pin", "mention_all"];

// What chats of those alone whom they were made for have no use for.
const DIRECT = ["direct", "group_direct"];
const NOT_DIRECT = ["invite", "mute", "manage_people", "rename", "own"];

/** Says whether the person's role in a chat allows an action; an archived chat allows its owner to restore it. */
export function may({ role, chat_type: kind, permissions, is_archived: isArchived }, action) {
  if (DIRECT.includes(kind) && NOT_DIRECT.includes(action)) return false;
  if (isArchived && action !== "own") return false;
  const lowest = (OVERRIDABLE.includes(action) && permissions?.[action]) || LOWEST[action];
  return rank(role) >= rank(lowest);
}

/** Says whether people may go out of a chat: not out of a direct one, nor of their whole company. */
export function mayLeave({ chat_type: kind }) {
  return ![...DIRECT, "company"].includes(kind);
}

/** Returns who may do an action at least. */
export function lowestFor({ permissions }, action) {
  return permissions?.[action] ?? LOWEST[action];
}

/** Says whether one role may change somebody of another: a lower one, or among owners. */
export function isAbove(mine, theirs) {
  return rank(mine) > rank(theirs) || mine === "owner";
}

/** Returns the roles that one may give, the lowest first. */
export function rolesToGive(mine) {
  return ROLES.filter((role) => isAbove(mine, role));
}

/** Says why the person may not write now: "archived", "muted", "read_only", or null where they may. */
export function silence(chat, now) {
  if (chat.is_archived) return "archived";
  if (chat.muted_until && Date.parse(chat.muted_until) > now) return "muted";
  return may(chat, "post") ? null : "read_only";
}

/** Says whether the person may react to messages now: where others alone may write, too. */
export function mayReact(chat, now) {
  const isMuted = chat.muted_until && Date.parse(chat.muted_until) > now;
  return may(chat, "react") && !isMuted;
}

function rank(role) {
  return ROLES.indexOf(role);
}
