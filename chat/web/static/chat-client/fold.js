/**
 * Messages of one chat as a Map of id -> message, and the changes frames make to it.
 *
 * A message here is `{id, senderId, content, html, replyToId, threadId, forwardedFrom, mentions, reactions, important,
 * expiresAt, acknowledged, poll, previews, origin, createdAt, editedAt, isDeleted, version, nonce}`, whether it came by REST or
 * by WebSocket. `html` is null where the text has no marks, `origin` where it was said here, else `{kind, author, ts}`.
 * `acknowledged` are `{count, userIds}` of those who took note of an important message: all, or some.
 * `poll` is null or `{options: [{text, count, userIds}], multiple, anonymous, closesAt, isClosed, voters, mine, version}`: `mine`
 * are the numbers of what one chose in an anonymous poll, as REST has said it.
 * `previews` are `{url, title, description, site}` of what its links lead to, the last two null where a page says none; they are
 * of this text alone.
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
    important: message.important ?? false,
    expiresAt: message.expires_at ?? null,
    acknowledged: {
      count: message.acknowledgements?.count ?? 0,
      userIds: message.acknowledgements?.user_ids ?? [],
    },
    poll: message.poll ? pollFromRest(message.poll) : null,
    previews: message.previews ?? [],
    origin: message.origin ?? null,
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

function pollFromRest({ options, closes_at: closesAt, is_closed: isClosed, ...poll }) {
  return {
    ...poll,
    options: options.map(({ text, count, user_ids: userIds }) => ({ text, count, userIds })),
    closesAt,
    isClosed,
    mine: options.flatMap(({ me }, number) => (me ? [number] : [])),
  };
}

function newPoll({ options, multiple = false, anonymous = false, closesAt = null }) {
  const empty = options.map((text) => ({ text, count: 0, userIds: [] }));
  return { options: empty, multiple, anonymous, closesAt, isClosed: false, voters: 0, mine: [], version: 0 };
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
    important: frame.important ?? false,
    expiresAt: frame.expiresAt ?? null,
    acknowledged: { count: 0, userIds: [] },
    poll: frame.poll ? newPoll(frame.poll) : null,
    previews: [],
    origin: frame.origin ?? null,
    createdAt: frame.ts,
    editedAt: null,
    isDeleted: false,
    version: frame.version,
    nonce: frame.nonce ?? null,
  };
}

// What is left of a deleted message.
const GONE = {
  content: "",
  html: null,
  forwardedFrom: null,
  mentions: [],
  reactions: [],
  important: false,
  expiresAt: null,
  acknowledged: { count: 0, userIds: [] },
  poll: null,
  previews: [],
  editedAt: null,
  isDeleted: true,
};

// What each kind of frame makes of the message known so far; undefined leaves an unknown message unknown.
const CHANGES = {
  MESSAGE: (_known, frame) => fromFrame(frame),
  MESSAGE_EDITED: (known, { content, html = null, mentions = [], editedAt, version }) =>
    known && { ...known, content, html, mentions, previews: [], editedAt, version },
  MESSAGE_DELETED: (known, { version }) =>
    known && { ...known, ...GONE, version },
};

/** Applies one frame to the map; kinds that change no message leave it as it is. */
export function fold(messages, frame) {
  if (frame.type === "REACTION") return withReaction(messages, frame);
  if (frame.type === "ACKNOWLEDGED") return withAcknowledgement(messages, frame);
  if (frame.type === "POLL") return withPoll(messages, frame);
  if (frame.type === "PREVIEWS") return withPreviews(messages, frame);
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

// How a poll stands, by the highest version; `mine` is of no frame, but of an answer to one's own vote.
function withPoll(messages, { messageId, version, counts, voters, closed, userId, choices = [], mine }) {
  const known = messages.get(messageId);
  if (!known?.poll || (version <= known.poll.version && !mine)) return messages;
  if (version < known.poll.version) {
    // Others have voted since: their frame came before this answer.
    return new Map(messages).set(known.id, { ...known, poll: { ...known.poll, mine } });
  }
  const options = known.poll.options.map(({ text, userIds }, number) => {
    const others = userId ? userIds.filter((one) => one !== userId) : userIds;
    return { text, count: counts[number], userIds: choices.includes(number) ? [...others, userId] : others };
  });
  const poll = { ...known.poll, options, voters, isClosed: closed, version, mine: mine ?? known.poll.mine };
  return new Map(messages).set(known.id, { ...known, poll });
}

// They come as a whole; what was made of another text is not shown.
function withPreviews(messages, { messageId, textVersion, previews }) {
  const known = messages.get(messageId);
  if (!known || known.isDeleted || known.version !== textVersion) return messages;
  const shown = previews.map((preview) => ({ description: null, site: null, ...preview }));
  return new Map(messages).set(known.id, { ...known, previews: shown });
}

// Nobody takes an acknowledgement back: the highest number and all the names stand.
function withAcknowledgement(messages, { messageId, userId, count }) {
  const known = messages.get(messageId);
  if (!known || known.isDeleted) return messages;
  const { acknowledged } = known;
  const userIds = acknowledged.userIds.includes(userId) ? acknowledged.userIds : [...acknowledged.userIds, userId];
  const most = Math.max(acknowledged.count, count, userIds.length);
  if (most === acknowledged.count && userIds === acknowledged.userIds) return messages;
  return new Map(messages).set(known.id, { ...known, acknowledged: { count: most, userIds } });
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
