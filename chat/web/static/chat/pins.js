/** The pinned messages of the open chat. */
import { Marks } from "chat/marks";
import { learn } from "chat/people";
import { api } from "chat/server";
import { openId } from "chat/state";

const pins = new Marks();

/** Reads which messages are pinned in the open chat: when it is opened, and where frames may have been missed. */
export function loadPins(chatId) {
  return pins.load(chatId, async () => (await readPins()).map(({ message }) => message.id));
}

/** Returns the pinned messages of the open chat as the API gives them, the latest pin first. */
export async function readPins() {
  const { pins: found } = await api.get(`chats/${openId.value}/pins`);
  learn(found.flatMap(({ message, pinned_by: by }) => [message.sender, by]));
  return found;
}

/** Says whether a message of the open chat is pinned. */
export function isPinned(messageId) {
  return pins.has(messageId);
}

/** Returns how many messages of the open chat are pinned. */
export function pinCount() {
  return pins.count();
}

/** Takes a PIN frame. */
export function heardPin({ roomId, messageId, pinned }) {
  pins.hear(roomId, messageId, pinned);
}

/** Takes a MESSAGE_DELETED frame: what is deleted is pinned no longer. */
export function unpinDeleted({ roomId, messageId }) {
  if (isPinned(messageId)) heardPin({ roomId, messageId, pinned: false });
}
