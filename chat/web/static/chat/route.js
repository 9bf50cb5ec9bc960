/** Addresses within the page: `#/chat/<id>` and `#/chat/<id>/<message id>`, kept in the hash. */

/** Returns `{chatId, messageId}` of a location hash, each null where it names none. */
export function parseRoute(hash) {
  const [, chatId = null, messageId = null] = hash.match(/^#\/chat\/([\w-]+)(?:\/(-?\d+))?$/) ?? [];
  return { chatId, messageId };
}

/** Returns the hash that opens a chat, at its newest messages or around one of them. */
export function routeTo(chatId, messageId = null) {
  return messageId === null ? `#/chat/${chatId}` : `#/chat/${chatId}/${messageId}`;
}
