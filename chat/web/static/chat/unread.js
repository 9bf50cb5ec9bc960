/**
 * What is unread of one chat: the server's numbers, which hold up to a pos, and what was heard above it.
 *
 * A tally is `{unread, mentions, upTo, heard}`; heard is a list of `{id, pos, isMention}`, oldest first.
 * Every function returns a new tally, or the same one where nothing changed.
 */

// The server counts no further, and the page shows "99+".
const MOST = 100;

/** Takes the server's numbers, as of the chat's pos `upTo`; what was heard later still counts. */
export function counted({ unread, mentions, upTo }, known = null) {
  return { unread, mentions, upTo, heard: (known?.heard ?? []).filter(({ pos }) => pos > upTo) };
}

/** Counts a message of somebody else that was heard live. */
export function heard(tally, { id, pos, isMention }) {
  if (pos <= tally.upTo || tally.heard.some((one) => one.id === id)) return tally;
  return { ...tally, heard: [...tally.heard, { id, pos, isMention }].slice(-MOST) };
}

/** Takes out a deleted message; null where only the server knows whether it was counted. */
export function withoutMessage(tally, id) {
  const rest = tally.heard.filter((one) => one.id !== id);
  if (rest.length < tally.heard.length) return { ...tally, heard: rest };
  return tally.unread === 0 ? tally : null;
}

/** Returns `{unread, mentions}` to show. */
export function totals(tally) {
  const named = tally.heard.filter(({ isMention }) => isMention).length;
  const unread = Math.min(MOST, tally.unread + tally.heard.length);
  return { unread, mentions: Math.min(unread, tally.mentions + named) };
}

/** Returns a number as a badge shows it. */
export function badge(count) {
  return count >= MOST ? "99+" : String(count);
}
