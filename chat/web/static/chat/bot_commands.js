/** What the bots of the open chat can be asked to do, and what they answered to this person alone. */
import { signal } from "@preact/signals";
import { learn } from "chat/people";
import { api } from "chat/server";

// Private answers that stay in sight, of all chats: they are kept nowhere else.
const KEPT_ANSWERS = 20;

/** The commands of one chat: `{chatId, commands}`. */
const offered = signal({ chatId: null, commands: [] });

/** Private answers, the oldest first, as ME frames say them. */
export const privateAnswers = signal([]);

/** Reads what can be asked in a chat; where that fails nothing is offered. */
export async function loadCommands(chatId) {
  const { commands } = await api.get(`chats/${chatId}/commands`).catch(() => ({ commands: [] }));
  learn(commands.map(({ bot }) => bot));
  offered.value = { chatId, commands };
}

/** Returns what can be asked in a chat, as far as it was read. */
export function commandsOf(chatId) {
  return offered.value.chatId === chatId ? offered.value.commands : [];
}

/** Asks a bot of a chat; with the same key once. */
export async function invoke(chatId, { command, text, botId }, key) {
  await api.post(`chats/${chatId}/commands`, { command, text, bot_id: botId }, key);
}

/** Takes an ME frame of an answer to this person alone. */
export function heardAnswer({ state }) {
  if (privateAnswers.value.some(({ id }) => id === state.id)) return;
  privateAnswers.value = [...privateAnswers.value, state].slice(-KEPT_ANSWERS);
}

/** Lets go of an answer. */
export function dismissAnswer(id) {
  privateAnswers.value = privateAnswers.value.filter((one) => one.id !== id);
}

/** Lets go of all of a chat that one is in no longer. */
export function dismissAnswersOf(chatId) {
  privateAnswers.value = privateAnswers.value.filter(({ roomId }) => roomId !== chatId);
}

/** Forgets everything when one signs out. */
export function forgetBotCommands() {
  privateAnswers.value = [];
  offered.value = { chatId: null, commands: [] };
}
