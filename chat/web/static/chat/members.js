/** Who is in the open chat, who may come in, and who may not come back. */
import { signal } from "@preact/signals";
import { changeChat, part, putChat } from "chat/chats";
import { learn, people } from "chat/people";
import { api } from "chat/server";
import { me, openId } from "chat/state";

/** Participants of the open chat as the API gives them, by user id, in the order of joining. */
export const members = signal(new Map());

let loadedFor = null;

/** Reads who is in a chat that has been opened. */
export async function loadMembers(chatId) {
  if (loadedFor !== chatId) members.value = new Map();
  loadedFor = chatId;
  if (chatId === null) return;
  const found = [];
  for (let after = null, more = true; more; more = after !== null) {
    const page = await api.get(`chats/${chatId}/participants`, { after }).catch(() => ({ participants: [], next: null }));
    found.push(...page.participants);
    after = page.next;
  }
  if (loadedFor !== chatId) return;
  learn(found.map(({ user }) => user));
  members.value = new Map(found.map((one) => [one.user.id, newer(one, members.value.get(one.user.id))]));
}

// What was heard while the list was under way may be ahead of it.
function newer(one, known) {
  return known?.version > one.version ? known : one;
}

/** Takes a MEMBER frame; whoever goes is taken out, the person as well. */
export function takeMember({ roomId, userId, change, role, mutedUntil: until = null, count, version }) {
  changeChat(roomId, { participant_count: count });
  if (userId === me.value.id) changeChat(roomId, change === "muted" ? { muted_until: until } : { role });
  if (roomId !== loadedFor) return;
  const next = new Map(members.value);
  const known = next.get(userId);
  if (["removed", "left", "banned"].includes(change)) next.delete(userId);
  else next.set(userId, { ...(known ?? { user: { id: userId } }), role, version, muted_until: mutedAfter() });
  members.value = next;
  if (!people.value.has(userId)) meetUser(userId);

  function mutedAfter() {
    return change === "muted" ? until : change === "added" ? null : (known?.muted_until ?? null);
  }
}

async function meetUser(userId) {
  learn([await api.get(`users/${userId}`).catch(() => null)]);
}

/** Adds a colleague to the open chat. */
export function addMember(userId) {
  return api.post(path("participants"), { user_id: userId });
}

/** Gives somebody another role. */
export function changeRole(userId, role) {
  return api.patch(path(`participants/${userId}`), { role });
}

/** Lets somebody write nothing until a time (ms since 1970), or write again where that is null. */
export function muteMember(userId, until) {
  return api.patch(path(`participants/${userId}`), { muted_until: until && new Date(until).toISOString() });
}

/** Takes somebody out. */
export function removeMember(userId) {
  return api.delete(path(`participants/${userId}`));
}

/** Takes somebody out for good. */
export function banMember(userId) {
  return api.delete(path(`participants/${userId}`), { ban: true });
}

/** Reads who may not come back. */
export async function readBans() {
  return (await api.get(path("bans"))).bans;
}

/** Lets somebody come back. */
export function liftBan(userId) {
  return api.delete(path(`bans/${userId}`));
}

/** Reads the links into the open chat. */
export async function readInvites() {
  return (await api.get(path("invites"))).invites;
}

/** Makes a link that lets members in for a week. */
export function makeInvite() {
  return api.post(path("invites"), {});
}

/** Ends a link. */
export function revokeInvite(code) {
  return api.delete(path("invites"), { code });
}

/** Reads the webhooks of the open chat. */
export async function readWebhooks() {
  return (await api.get(path("webhooks"))).webhooks;
}

/** Makes a webhook with a bot of that name; answers its address, which is shown once. */
export async function makeWebhook(name) {
  const made = await api.post(path("webhooks"), { name });
  return `${location.origin}${made.path}`;
}

/** Ends a webhook. */
export function deleteWebhook(id) {
  return api.delete(path(`webhooks/${id}`));
}

/** Leaves the open chat. */
export function leaveChat() {
  const chatId = openId.value;
  return part(chatId, () => api.post(`chats/${chatId}/leave`, {}));
}

// The chat itself

/** Changes name, description, permissions or slow mode of the open chat. */
export async function changeSettings(changes) {
  putChat(await api.patch(path(), changes));
}

/** Archives the open chat. */
export function archiveChat() {
  return api.delete(path());
}

/** Lets an archived chat go on. */
export async function restoreChat() {
  putChat(await api.post(path("restore"), {}));
}

/** Deletes the open chat for good, for everybody. */
export function eraseChat() {
  const chatId = openId.value;
  return part(chatId, () => api.delete(`chats/${chatId}?hard=true`));
}

/** Keeps the open chat quiet for oneself until a time (ms since 1970), or no longer where that is null. */
export async function keepQuiet(until) {
  putChat(await api.put(path("notifications"), { muted_until: until && new Date(until).toISOString() }));
}

/** Says what of the open chat one wants to be notified of: "all", "mentions" or "nothing". */
export async function setLevel(level) {
  putChat(await api.put(path("notifications"), { level }));
}

function path(rest = null) {
  return rest === null ? `chats/${openId.value}` : `chats/${openId.value}/${rest}`;
}
