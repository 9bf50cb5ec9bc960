/**
 * The part of a chat's history that is loaded: an unbroken stretch of messages, at most MOST_ROWS long.
 *
 * A timeline is `{messages, hasBefore, hasAfter, nextBefore}`: the map of fold.js, whether the chat goes on
 * beyond either end, and where reading backwards continues (an id, or null: from the oldest message).
 */
import { compareIds, fold, fromRest, ordered, withMessages } from "chat-client";

/** The most messages kept, and so rendered, at once. */
export const MOST_ROWS = 300;

/** Starts a timeline from one page of the REST API. */
export function fromPage(page) {
  return {
    messages: withMessages(new Map(), page.messages.map(fromRest)),
    hasBefore: page.has_before,
    hasAfter: page.has_after,
    nextBefore: page.next_before ?? null,
  };
}

/** Adds the page before the oldest message; the newest ones give way. */
export function withOlder(timeline, page) {
  return withoutNewest({
    ...timeline,
    messages: withMessages(timeline.messages, page.messages.map(fromRest)),
    hasBefore: page.has_before,
    nextBefore: page.next_before ?? null,
  });
}

/** Adds the page after the newest message; the oldest ones give way. */
export function withNewer(timeline, page) {
  return withoutOldest({
    ...timeline,
    messages: withMessages(timeline.messages, page.messages.map(fromRest)),
    // An empty page has no id to go on from, so asking again would ask the same for ever.
    hasAfter: page.has_after && page.messages.length > 0,
  });
}

/**
 * Applies a live frame.
 *
 * `following` says that the reader is at the newest end. A reader elsewhere keeps what is on the screen:
 * once the timeline is full, new messages are left for when they scroll there.
 */
export function withFrame(timeline, frame, following) {
  if (frame.type === "MESSAGE" && !timeline.messages.has(frame.messageId)) {
    const { oldest, newest } = ends(timeline);
    const isAfter = newest !== null && compareIds(frame.messageId, newest) > 0;
    const isBefore = oldest !== null && compareIds(frame.messageId, oldest) < 0;
    if ((isAfter && timeline.hasAfter) || (isBefore && timeline.hasBefore)) return timeline;
    if (isAfter && !following && timeline.messages.size >= MOST_ROWS) return { ...timeline, hasAfter: true };
  }
  const messages = fold(timeline.messages, frame);
  if (messages === timeline.messages) return timeline;
  const next = { ...timeline, messages };
  return following ? withoutOldest(next) : next;
}

/** Returns the ids of both ends, each null in an empty timeline. */
export function ends(timeline) {
  const rows = ordered(timeline.messages);
  return { oldest: rows.at(0)?.id ?? null, newest: rows.at(-1)?.id ?? null };
}

function withoutOldest(timeline) {
  if (timeline.messages.size <= MOST_ROWS) return timeline;
  const kept = ordered(timeline.messages).slice(-MOST_ROWS);
  return { ...timeline, messages: byId(kept), hasBefore: true, nextBefore: null };
}

function withoutNewest(timeline) {
  if (timeline.messages.size <= MOST_ROWS) return timeline;
  const kept = ordered(timeline.messages).slice(0, MOST_ROWS);
  return { ...timeline, messages: byId(kept), hasAfter: true };
}

function byId(rows) {
  return new Map(rows.map((message) => [message.id, message]));
}
