/** The pinned messages of the open chat. */
import { signal } from "@preact/signals";
import { learn } from "chat/people";
import { api } from "chat/server";
import { openId } from "chat/state";

// Whether each is pinned, by message id; of the chat `pinnedIn`.
const pins = signal(new Map());
let pinnedIn = null;
// What was heard while they are read.
let heard = new Map();

/** Reads which messages are pinned in the open chat: when it is opened, and where frames may have been missed. */
export async function loadPins(chatId) {
  if (pinnedIn !== chatId) pins.value = new Map();
  pinnedIn = chatId;
  const meanwhile = (heard = new Map());
  if (chatId === null) return;
  const found = await readPins().catch(() => null);
  if (heard !== meanwhile || found === null) return;
  pins.value = new Map([...found.map(({ message }) => [message.id, true]), ...meanwhile]);
}

/** Returns the pinned messages of the open chat as the API gives them, the latest pin first. */
export async function readPins() {
  const { pins: found } = await api.get(`chats/${openId.value}/pins`);
  learn(found.flatMap(({ message, pinned_by: by }) => [message.sender, by]));
  return found;
}

/** Says whether a message of the open chat is pinned. */
export function isPinned(messageId) {
  return pins.value.get(messageId) === true;
}

/** Returns how many messages of the open chat are pinned. */
export function pinCount() {
  return [...pins.value.values()].filter(Boolean).length;
}

/** Takes a PIN frame. */
export function heardPin({ roomId, messageId, pinned }) {
  if (roomId !== pinnedIn) return;
  heard.set(messageId, pinned);
  pins.value = new Map(pins.value).set(messageId, pinned);
}

/** Takes a MESSAGE_DELETED frame: what is deleted is pinned no longer. */
export function unpinDeleted({ roomId, messageId }) {
  if (isPinned(messageId)) heardPin({ roomId, messageId, pinned: false });
}
