/** Times for people, in their own language and time zone; a moment is an ISO 8601 text or ms since 1970. */
const DAY_MS = 86_400_000;

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const WEEKDAY = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const SHORT_DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const DATE = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const DATE_WITH_YEAR = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });
const SOON = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** The time of day, as shown beside a message. */
export function timeOf(moment) {
  return TIME.format(new Date(moment));
}

/** A moment to come, with its day where that is another. */
export function endTime(moment, now) {
  return dayKey(moment) === dayKey(now) ? timeOf(moment) : SOON.format(new Date(moment));
}

/** Date and time in full. */
export function fullTime(moment) {
  return FULL.format(new Date(moment));
}

/** A text that is equal for two moments of one day. */
export function dayKey(moment) {
  return new Date(moment).toDateString();
}

/** The name of a day, as shown between messages. */
export function dayName(moment, now) {
  const days = daysBetween(moment, now);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  const date = new Date(moment);
  return (date.getFullYear() === new Date(now).getFullYear() ? DATE : DATE_WITH_YEAR).format(date);
}

/** The shortest useful form, as shown in the chat list. */
export function shortMoment(moment, now) {
  const days = daysBetween(moment, now);
  if (days === 0) return timeOf(moment);
  return (days < 7 ? WEEKDAY : SHORT_DATE).format(new Date(moment));
}

// Midnights are compared, rounded: a day of a clock change has 23 or 25 hours.
function daysBetween(moment, now) {
  return Math.round((midnight(now) - midnight(moment)) / DAY_MS);
}

function midnight(moment) {
  return new Date(moment).setHours(0, 0, 0, 0);
}

/** Returns what a field of a date and time shows of a Date, in the reader's own zone, to the minute. */
export function localValue(moment) {
  const local = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

/** When one may want to be reminded, from a Date on: `{word, at}` with a Date. */
export function moments(now) {
  const at = (days, hour) => {
    const moment = new Date(now);
    moment.setDate(moment.getDate() + days);
    moment.setHours(hour, 0, 0, 0);
    return moment;
  };
  const toMonday = (8 - now.getDay()) % 7 || 7;
  return [
    { word: "In 20 minutes", at: new Date(now.getTime() + 20 * 60_000) },
    { word: "In an hour", at: new Date(now.getTime() + 60 * 60_000) },
    { word: "Tomorrow at 9", at: at(1, 9) },
    { word: "Monday at 9", at: at(toMonday, 9) },
  ];
}
