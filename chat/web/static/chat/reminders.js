/** What the person wants to be reminded of: over REST, and how many are due. */
import { signal } from "@preact/signals";
import { learn } from "chat/people";
import { api } from "chat/server";
import { notice } from "chat/state";

/** How often a reminder was heard of: a list that is shown reads itself again. */
export const reminderChanges = signal(0);

/** How many are due. */
export const dueReminders = signal(0);

/** Reads all with their messages, those that are due first. */
export async function readReminders() {
  const { reminders } = await api.get("me/reminders");
  learn(reminders.map(({ message }) => message.sender));
  dueReminders.value = reminders.filter((one) => one.is_due).length;
  return reminders;
}

/** Counts those that are due: after signing in, and after a hole in what concerns the person. */
export function recountReminders() {
  reminderChanges.value += 1;
  return readReminders().catch(() => []);
}

/** Asks to be reminded of a message at a Date. */
export function remind(chatId, messageId, { at, note }) {
  return api.post(`chats/${chatId}/messages/${messageId}/reminders`, { remind_at: at.toISOString(), note });
}

/** Puts a reminder off to a Date. */
export function putOff(id, at) {
  return api.patch(`me/reminders/${id}`, { remind_at: at.toISOString() });
}

/** Drops a reminder. */
export function dropReminder(id) {
  return api.delete(`me/reminders/${id}`);
}

/** Takes an ME frame of a reminder. */
export function heardReminder({ state }) {
  if (state.state === "due") notice.value = state.note ? `Reminder: ${state.note}` : "You wanted to be reminded of a message.";
  recountReminders();
}

/** Forgets everything: another person may sign in. */
export function forgetReminders() {
  dueReminders.value = 0;
}
