/** How far others have read the open chat. */
import { computed, signal } from "@preact/signals";
import { compareIds } from "chat-client";
import { api } from "chat/server";
import { me, openHistory, openId } from "chat/state";

// The id of the message up to which each has read, by user id; of the chat `readIn`.
const positions = signal(new Map());
let readIn = null;

/** The person's newest message in the open chat, and who has read it: `{id, userIds}`, or null. */
export const seenBy = computed(() => {
  const messages = openHistory.value?.timeline.value?.messages.values() ?? [];
  const own = [...messages].filter(({ senderId, isDeleted, threadId }) => senderId === me.value?.id && !isDeleted && !threadId);
  const id = own.map((message) => message.id).reduce((a, b) => (a !== null && compareIds(a, b) > 0 ? a : b), null);
  if (id === null) return null;
  const readers = [...positions.value].filter(([, position]) => compareIds(position, id) >= 0);
  return { id, userIds: readers.map(([userId]) => userId).filter((userId) => userId !== me.value.id) };
});

/** Reads how far others have read a chat that has been opened. */
export async function loadPositions(chatId) {
  readIn = chatId;
  positions.value = new Map();
  if (chatId === null) return;
  const { positions: found } = await api.get(`chats/${chatId}/read-positions`).catch(() => ({ positions: [] }));
  if (readIn !== chatId) return;
  // What was heard meanwhile is newer.
  positions.value = new Map([...found.map((one) => [one.user_id, one.message_id]), ...positions.value]);
}

/** Takes a READ_POSITION frame. */
export function heardPosition({ roomId, userId, messageId }) {
  if (roomId === openId.value && roomId === readIn) positions.value = new Map(positions.value).set(userId, messageId);
}
