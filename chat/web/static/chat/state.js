/** What the page shows, as signals; components read them, and modules named for nouns write them. */
import { computed, signal } from "@preact/signals";

/** "starting", "signedOut" or "signedIn". */
export const phase = signal("starting");

/** The signed-in user, or null. */
export const me = signal(null);

/** Chats by id, as the API gives them, with a `tally` of unread.js. */
export const chats = signal(new Map());

/** False until the list of chats was read once. */
export const areChatsLoaded = signal(false);

/** Chats: favourites first, and of each kind the latest message first. */
export const sortedChats = computed(() => {
  const time = (chat) => Date.parse(chat.last_message_at ?? chat.created_at ?? 0) || 0;
  return [...chats.value.values()].sort((a, b) => b.is_favourite - a.is_favourite || time(b) - time(a));
});

/** The id of the open chat, or null. */
export const openId = signal(null);

/** The open chat, or null where it is not (or no longer) one of the person's chats. */
export const openChat = computed(() => chats.value.get(openId.value) ?? null);

/** The History of the open chat, or null. */
export const openHistory = signal(null);

/** `{state, retryAt, reason}` of the connection. */
export const link = signal({ state: "connecting", retryAt: null, reason: null });

/** The longest text the server takes, in code points. */
export const longestText = signal(8_000);

/** What the server can, by name. */
export const features = signal([]);

/** Entries of the outbox, oldest first. */
export const unsent = signal([]);

/** One sentence for the person to notice, or null. */
export const notice = signal(null);

/** The last message of somebody else in the open chat (`{senderId, content}`), to be read aloud; or null. */
export const arrival = signal(null);

/** The id of the message that is being edited, or null. */
export const editing = signal(null);

/** The id of the message that what is being written answers, by chat id. */
export const answering = signal(new Map());

/** What is typed but not sent, by chat id: `{text, chosen}`, where chosen are the `{id, name}` of mentions. */
export const drafts = new Map();
