/**
 * Who is writing where, as a Map of chat id -> Map of user id -> until when (ms since 1970). Pure.
 *
 * Every function returns a new Map, or the same one where nothing changed.
 */

// Who is still writing says so again within 3 s; half of what one says may be lost.
export const SHOWN_MS = 6_000;

// More names than these are only counted.
const MOST_NAMES = 3;

/** Takes a TYPING frame. */
export function withTyping(writers, { roomId, userId, active }, now) {
  const others = new Map(writers.get(roomId));
  if (active) others.set(userId, now + SHOWN_MS);
  else if (!others.delete(userId)) return writers;
  return new Map(writers).set(roomId, others);
}

/** Leaves out those who were not heard of for a while. */
export function stillTyping(writers, now) {
  const kept = new Map();
  for (const [roomId, others] of writers) {
    const active = [...others].filter(([, until]) => until > now);
    if (active.length > 0) kept.set(roomId, new Map(active));
  }
  return kept;
}

/** Says who is writing, or "" where nobody is. */
export function typingLine(names) {
  if (names.length === 0) return "";
  if (names.length === 1) return `${names[0]} is writing…`;
  if (names.length > MOST_NAMES) return `${names.length} people are writing…`;
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)} are writing…`;
}
