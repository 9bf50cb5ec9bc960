/** What the person says later: over REST, for the panel of the composer. */
import { signal } from "@preact/signals";
import { api } from "chat/server";
import { notice, phase } from "chat/state";

/** Rises whenever something scheduled came, went or was refused, here or on another device. */
export const laterHeard = signal(0);

/** Takes an ME frame of a scheduled message. */
export function heardScheduled({ state }) {
  laterHeard.value += 1;
  if (state.state === "refused" && phase.value === "signedIn") notice.value = "A message that was to be sent now was refused.";
}

/** Reads what waits in a chat, and what was refused there, the next first. */
export async function readScheduled(chatId) {
  return (await api.get("me/scheduled")).scheduled.filter((one) => one.chat_id === chatId);
}

/** Schedules a text of a chat for a Date. */
export function schedule(chatId, { content, at, replyToId, mentions, important }) {
  const body = { content, send_at: at.toISOString(), mentions, important, ...(replyToId !== null && { reply_to_id: replyToId }) };
  return api.post(`chats/${chatId}/scheduled`, body);
}

/** Lets something not be said. */
export function cancelScheduled(id) {
  return api.delete(`me/scheduled/${id}`);
}
