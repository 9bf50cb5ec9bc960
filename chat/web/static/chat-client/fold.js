/**
 * Messages of one chat as a Map of id -> message, and the changes frames make to it.
 *
 * A message here is `{id, senderId, content, mentions, createdAt, editedAt, isDeleted, version, nonce}`, whether it
 * came by REST or by WebSocket. Every function returns a new Map, or the same one where nothing changed.
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
    mentions: message.mentions ?? [],
    createdAt: message.created_at,
    editedAt: message.edited_at ?? null,
    isDeleted: message.is_deleted ?? false,
    version: message.version,
    nonce: message.nonce ?? null,
  };
}

function fromFrame(frame) {
  return {
    id: frame.messageId,
    senderId: frame.senderId,
    content: frame.content,
    mentions: frame.mentions ?? [],
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
  MESSAGE_EDITED: (known, { content, mentions = [], editedAt, version }) =>
    known && { ...known, content, mentions, editedAt, version },
  MESSAGE_DELETED: (known, { version }) =>
    known && { ...known, content: "", mentions: [], editedAt: null, isDeleted: true, version },
};

/** Applies one frame to the map; kinds that change no message leave it as it is. */
export function fold(messages, frame) {
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

function beats(incoming, known) {
  if (!known) return true;
  if (known.isDeleted) return false;
  return incoming.isDeleted || incoming.version > known.version;
}

/** Lists the messages in shown order, oldest first. */
export function ordered(messages) {
  return [...messages.values()].sort((a, b) => compareIds(a.id, b.id));
}
