/** The person's own account: name, password, and where they are signed in. */
import { learn } from "chat/people";
import { api } from "chat/server";
import { me } from "chat/state";

/** Takes another name for others to see. */
export async function changeName(name) {
  me.value = await api.patch("me", { name });
  learn([me.value]);
}

/** Says whether others see how far one has read. */
export async function showReads(shows) {
  me.value = await api.patch("me", { shows_reads: shows });
}

/** Changes the password; every other session ends. */
export function changePassword(old, fresh) {
  return api.post("me/password", { old, new: fresh });
}

/** Reads where the person is signed in, the latest used first. */
export async function readSessions() {
  return (await api.get("me/sessions")).sessions;
}

/** Reads the API tokens of the person or of a bot, the newest first; `at` is their address. */
export async function readTokens(at) {
  return (await api.get(at)).tokens;
}

/** Makes an API token for so many days; answers its text, which is shown once. */
export async function makeToken(at, { name, scopes, days }) {
  return (await api.post(at, { name, scopes, expires_in_days: days })).token;
}

/** Revokes an API token. */
export function revokeToken(at, id) {
  return api.delete(`${at}/${id}`);
}

/** Reads how often the person is mailed what they missed: `{frequency, is_available, has_address}`. */
export function readMailDigest() {
  return api.get("me/mail-digest");
}

/** Says how often: "never", "hourly" or "daily"; answers the same. */
export function chooseMailDigest(frequency) {
  return api.put("me/mail-digest", { frequency });
}

/** Has a test mailed. */
export function tryMailDigest() {
  return api.post("me/mail-digest/test", {});
}

/** Signs out in one other place. */
export function endSession(id) {
  return api.delete(`me/sessions/${id}`);
}
