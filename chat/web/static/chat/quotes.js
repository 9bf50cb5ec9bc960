/** The messages that those of the open chat answer, as far as they are not loaded with its history. */
import { signal } from "@preact/signals";
import { fold, fromRest } from "chat-client";
import { learn } from "chat/people";
import { api } from "chat/server";
import { openHistory, openId } from "chat/state";

// More than these are read again when they come into sight.
const MOST = 300;

// Messages by id, null where there is none (any more); of the chat `readIn`.
const quoted = signal(new Map());
let readIn = null;
const underWay = new Set();

/** Returns a message of the open chat: null where there is none, undefined where it is to be read first. */
export function quotedMessage(messageId) {
  const loaded = openHistory.value?.timeline.value?.messages.get(messageId);
  // Looked up in any case: whoever shows it is drawn again when it has been read.
  const read = quoted.value.get(messageId);
  return loaded ?? (readIn === openId.value ? read : undefined);
}

/** Reads a message of the open chat. */
export async function readQuoted(messageId) {
  const chatId = openId.value;
  if (readIn !== chatId) {
    readIn = chatId;
    underWay.clear();
    quoted.value = new Map();
  }
  if (underWay.has(messageId)) return;
  underWay.add(messageId);
  const found = await api.get(`chats/${chatId}/messages/${messageId}`).catch(({ status }) => (status === 404 ? null : undefined));
  if (readIn !== chatId) return;
  underWay.delete(messageId);
  if (found === undefined) return;
  learn([found?.sender]);
  const kept = [...quoted.value].slice(1 - MOST);
  quoted.value = new Map([...kept, [messageId, found && fromRest(found)]]);
}

/** Takes a room event. */
export function heardQuoted(frame) {
  if (frame.roomId === readIn && quoted.value.get(frame.messageId)) quoted.value = fold(quoted.value, frame);
}
