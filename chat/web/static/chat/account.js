/** The person's own account: name, password, and where they are signed in. */
import { learn } from "chat/people";
import { api } from "chat/server";
import { me } from "chat/state";

/** Takes another name for others to see. */
export async function changeName(name) {
  me.value = await api.patch("me", { name });
  learn([me.value]);
}

/** Changes the password; every other session ends. */
export function changePassword(old, fresh) {
  return api.post("me/password", { old, new: fresh });
}

/** Reads where the person is signed in, the latest used first. */
export async function readSessions() {
  return (await api.get("me/sessions")).sessions;
}

/** Reads the person's API tokens, the newest first. */
export async function readTokens() {
  return (await api.get("me/tokens")).tokens;
}

/** Makes an API token for so many days; answers its text, which is shown once. */
export async function makeToken(name, scopes, days) {
  return (await api.post("me/tokens", { name, scopes, expires_in_days: days })).token;
}

/** Revokes an API token. */
export function revokeToken(id) {
  return api.delete(`me/tokens/${id}`);
}

/** Signs out in one other place. */
export function endSession(id) {
  return api.delete(`me/sessions/${id}`);
}
