/**
 * Who is there, as a Map of user id -> PRESENCE frame. Pure.
 */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** One connection watches no more people than these. */
export const MOST_WATCHED = 200;

/** What a person may choose to show, with a word of help where it needs one. */
export const CHOICES = [
  { status: "ONLINE", word: "Online" },
  { status: "AWAY", word: "Away" },
  { status: "DND", word: "Do not disturb" },
  { status: "INVISIBLE", word: "Invisible", help: "to others as if you had left" },
];

/** How long a choice may last: minutes, "day" for the rest of today, or "" for good. */
export const STRETCHES = [
  { stretch: "", word: "Until you change it" },
  { stretch: "30", word: "For 30 minutes" },
  { stretch: "60", word: "For an hour" },
  { stretch: "240", word: "For four hours" },
  { stretch: "day", word: "Today" },
];

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

/** Says what a person shows by choice, as long as it lasts; "" where they chose nothing. */
export function choiceLine(choice, now) {
  if (!choice || !holds(choice, now) || (choice.status === "ONLINE" && !choice.text)) return "";
  const { word } = CHOICES.find(({ status }) => status === choice.status);
  return choice.text ? `${word} · ${choice.text}` : word;
}

/** Says whether a choice still lasts. */
export function holds({ until }, now) {
  return until === null || Date.parse(until) > now;
}

/** The moment (ISO 8601) at which a stretch that begins now ends; null where it does not. */
export function endOf(stretch, now) {
  if (stretch === "") return null;
  const end = stretch === "day" ? new Date(now).setHours(24, 0, 0, 0) : now + Number(stretch) * MINUTE_MS;
  return new Date(end).toISOString();
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
