/** When this browser last showed each chat, so that the list can mark what is new. */
import { signal } from "@preact/signals";

// The time of each chat's last message (ISO 8601) as of the last look at it, by chat id.
const seen = signal({});
let key = null;

/** Takes up what this browser knows of a person. */
export function loadSeen(userId) {
  key = `chat.seen.${userId}`;
  seen.value = JSON.parse(localStorage.getItem(key) ?? "{}");
}

/** Says whether a chat has a message of somebody other than `userId` since the last look at it. */
export function hasNews(chat, userId) {
  const isOwn = chat.last_message?.sender?.id === userId;
  return !isOwn && (chat.last_message_at ?? "") > (seen.value[chat.id] ?? "");
}

/** Notes that a chat is in sight. */
export function markSeen({ id, last_message_at: at }) {
  keep({ ...seen.value, [id]: at ?? "" });
}

/** Takes note of the list of chats; in a browser that knows nothing yet, all of them count as seen. */
export function noteChats(chats) {
  const isFirstLook = Object.keys(seen.value).length === 0;
  const at = (chat) => seen.value[chat.id] ?? (isFirstLook ? chat.last_message_at : null) ?? "";
  keep(Object.fromEntries(chats.map((chat) => [chat.id, at(chat)])));
}

function keep(next) {
  seen.value = next;
  localStorage.setItem(key, JSON.stringify(next));
}
