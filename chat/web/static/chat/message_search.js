/** Finding what was said: pages of what the server finds, newest first. */
import { learn } from "chat/people";
import { api } from "chat/server";

const PAGE = 20;

/**
 * Finds messages by a line of words and filters, in one chat or (null) in all.
 *
 * Returns `{messages, next, missing}`: `next` is the cursor of the page that follows, or null; `missing` is how many
 * chats were not looked through to their end.
 */
export async function findMessages(query, { chatId = null, cursor = null } = {}) {
  const found = await api.get("search/messages", { q: query, chat: chatId, cursor, limit: PAGE });
  learn(found.messages.map(({ sender }) => sender));
  return { messages: found.messages, next: found.next, missing: found.chats_not_indexed.length };
}
