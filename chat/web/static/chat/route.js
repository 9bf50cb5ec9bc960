/** Addresses within the page, kept in the hash: `#/chat/<id>`, `#/chat/<id>/<message id>`, `#/invite/<code>`. */

/** Returns `{chatId, messageId, invite}` of a location hash, each null where it names none. */
export function parseRoute(hash) {
  const [, chatId = null, messageId = null] = hash.match(/^#\/chat\/([\w-]+)(?:\/(-?\d+))?$/) ?? [];
  const [, invite = null] = hash.match(/^#\/?invite\/([\w-]+)$/) ?? [];
  return { chatId, messageId, invite };
}

/** Returns the hash that opens a chat, at its newest messages or around one of them. */
export function routeTo(chatId, messageId = null) {
  return messageId === null ? `#/chat/${chatId}` : `#/chat/${chatId}/${messageId}`;
}

/** Returns the hash that accepts an invite. */
export function inviteRoute(code) {
  return `#/invite/${code}`;
}
