/**
 * Who is there, as a Map of user id -> PRESENCE frame. Pure.
 */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** One connection watches no more people than these. */
export const MOST_WATCHED = 200;

const WORDS = { ONLINE: "Online", AWAY: "Away", DND: "Do not disturb" };

/** Takes a PRESENCE frame, unless it is older than what is known; a new Map where something changed. */
export function withPresence(known, frame) {
  const before = known.get(frame.userId);
  return before && before.version > frame.version ? known : new Map(known).set(frame.userId, frame);
}

/** Whom to watch: those in view first, each once. */
export function watchList(...groups) {
  return [...new Set(groups.flat())].filter(Boolean).slice(0, MOST_WATCHED);
}

/** Says how somebody is there, or when they were seen last; "" where nothing is known. */
export function presenceLine(shown, now) {
  if (!shown) return "";
  const word = WORDS[shown.status];
  if (word) return shown.text ? `${word} · ${shown.text}` : word;
  return shown.lastSeen ? `Last seen ${ago(now - Date.parse(shown.lastSeen))}` : "";
}

function ago(ms) {
  if (ms < MINUTE_MS) return "just now";
  if (ms < HOUR_MS) return count(Math.floor(ms / MINUTE_MS), "minute");
  if (ms < DAY_MS) return count(Math.floor(ms / HOUR_MS), "hour");
  return count(Math.floor(ms / DAY_MS), "day");
}

function count(number, unit) {
  return `${number} ${unit}${number === 1 ? "" : "s"} ago`;
}
