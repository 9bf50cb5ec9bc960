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

/** Signs out in one other place. */
export function endSession(id) {
  return api.delete(`me/sessions/${id}`);
}
