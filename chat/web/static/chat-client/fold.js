/**
 * Messages of one chat as a Map of id -> message, and the changes frames make to it.
 *
 * A message here is `{id, senderId, content, html, replyToId, threadId, forwardedFrom, mentions, reactions, createdAt,
 * editedAt, isDeleted, version, nonce}`, whether it came by REST or by WebSocket. `html` is null where the text has no marks.
 * `forwardedFrom` is null or `{senderId, sentAt, chatId, messageId}`: the last two are null where the person is not in that
 * chat, and in frames. `reactions` are `{emoji, count, userIds}` in the order of the emojis;
 * `userIds` are all who gave it, or some where they are many, oneself always among them. Every function returns a
 * new Map, or the same one where nothing changed.
 */

/** Orders two ids (decimal strings of signed 64-bit numbers): below, equal to or above 0. */
export function compareIds(a, b) {
  const left = BigInt(a);
  const right = BigInt(b);
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** Turns a message of the REST API into a message of the map. */
export function fromRest(message) {
  return {
    id: message.id,
    senderId: message.sender?.id ?? null,
    content: message.content,
    html: message.html ?? null,
    replyToId: message.reply_to ?? null,
    forwardedFrom: takenFromRest(message.forwarded_from),
    threadId: message.thread_id ?? null,
    mentions: message.mentions ?? [],
    reactions: (message.reactions ?? []).map(({ emoji, count, user_ids: userIds }) => ({ emoji, count, userIds })),
    createdAt: message.created_at,
    editedAt: message.edited_at ?? null,
    isDeleted: message.is_deleted ?? false,
    version: message.version,
    nonce: message.nonce ?? null,
  };
}

function takenFromRest(taken) {
  if (!taken) return null;
  const { chat_id: chatId, message_id: messageId, sender, sent_at: sentAt } = taken;
  return { chatId, messageId, senderId: sender?.id ?? null, sentAt };
}

function fromFrame(frame) {
  return {
    id: frame.messageId,
    senderId: frame.senderId,
    content: frame.content,
    html: frame.html ?? null,
    replyToId: frame.replyToId ?? null,
    forwardedFrom: frame.forwardedFrom ? { chatId: null, messageId: null, ...frame.forwardedFrom } : null,
    threadId: frame.threadId ?? null,
    mentions: frame.mentions ?? [],
    reactions: [],
    createdAt: frame.ts,
    editedAt: null,
    isDeleted: false,
    version: frame.version,
    nonce: frame.nonce ?? null,
  };
}

// What each kind of frame makes of the message known so far; undefined leaves an unknown message unknown.
const CHANGES = {
  MESSAGE: (_known, frame) => fromFrame(frame),
  MESSAGE_EDITED: (known, { content, html = null, mentions = [], editedAt, version }) =>
    known && { ...known, content, html, mentions, editedAt, version },
  MESSAGE_DELETED: (known, { version }) =>
    known && { ...known, content: "", html: null, forwardedFrom: null, mentions: [], reactions: [], editedAt: null, isDeleted: true, version },
};

/** Applies one frame to the map; kinds that change no message leave it as it is. */
export function fold(messages, frame) {
  if (frame.type === "REACTION") return withReaction(messages, frame);
  const change = CHANGES[frame.type];
  const next = change?.(messages.get(frame.messageId), frame);
  return next ? withMessages(messages, [next]) : messages;
}

/** Puts messages into the map: the highest version wins, and a delete is final. */
export function withMessages(messages, incoming) {
  const winners = incoming.filter((message) => beats(message, messages.get(message.id)));
  if (winners.length === 0) return messages;
  const next = new Map(messages);
  for (const message of winners) next.set(message.id, message);
  return next;
}

// What happens to a message's reactions leaves its version alone: it is no other text.
function withReaction(messages, frame) {
  const known = messages.get(frame.messageId);
  if (!known || known.isDeleted) return messages;
  const others = known.reactions.filter(({ emoji }) => emoji !== frame.emoji);
  const before = known.reactions.find(({ emoji }) => emoji === frame.emoji) ?? { count: 0, userIds: [] };
  const after = reacted(before, frame);
  if (after.count === before.count && after.userIds.length === before.userIds.length) return messages;
  const reactions = after.count === 0 ? others : [...others, { emoji: frame.emoji, ...after }];
  reactions.sort((a, b) => (a.emoji < b.emoji ? -1 : 1));
  return new Map(messages).set(known.id, { ...known, reactions });
}

// Where everybody who gave an emoji is known they are a set, and the set is counted. Where they are too many, the
// count that comes with a stranger's change stands.
function reacted({ count, userIds }, { userId, active, count: told }) {
  const rest = userIds.filter((one) => one !== userId);
  const next = active ? [...rest, userId] : rest;
  if (count === userIds.length) return { count: next.length, userIds: next };
  const isKnown = rest.length < userIds.length;
  return { count: isKnown ? count - (active ? 0 : 1) : Math.max(told, next.length), userIds: next };
}

function beats(incoming, known) {
  if (!known) return true;
  if (known.isDeleted) return false;
  return incoming.isDeleted || incoming.version > known.version;
}

/** Lists the messages in shown order, oldest first. */
export function ordered(messages) {
  return [...messages.values()].sort((a, b) => compareIds(a.id, b.id));
}
