/** Mentions while one writes: "@" and a name in the text, ids beside it. Pure. */

// What stands for everybody, and for those who are online, in ids and in texts; what a user group's id follows.
export const ALL = "all";
export const HERE = "here";
export const GROUP = "group:";

const MOST_OFFERED = 6;

/** Returns the `{start, query}` of the mention that is being typed before the caret, or null. */
export function mentionAt(text, caret) {
  const [found, query] = text.slice(0, caret).match(/(?<![\p{L}\p{N}_])@([\p{L}\p{N}_.-]{0,30})$/u) ?? [];
  return found === undefined ? null : { start: caret - found.length, query };
}

/** Returns who may be meant: `{id, name, username}` whose name or user name has a word that starts so. */
export function candidates(query, people) {
  const wanted = query.toLocaleLowerCase();
  const words = ({ name, username }) => [...name.split(/\s+/), username].map((word) => word.toLocaleLowerCase());
  return people.filter((one) => words(one).some((word) => word.startsWith(wanted))).slice(0, MOST_OFFERED);
}

/** Puts a name in place of the mention that is being typed: `{text, caret}`. */
export function withMention(text, { start, query }, name) {
  const before = `${text.slice(0, start)}@${name} `;
  return { text: before + text.slice(start + 1 + query.length).trimStart(), caret: before.length };
}

/** Returns the ids of those chosen (`{id, name}`) whose mention still stands in the text. */
export function mentioned(text, chosen) {
  const ids = chosen.filter(({ name }) => text.includes(`@${name}`)).map(({ id }) => id);
  return [...new Set(ids)];
}

/** Splits a text into `{text}` and `{text, isMention}` pieces, by the names that are mentioned in it. */
export function mentionPieces(text, names) {
  const found = [];
  // The longest name first: "@Ada Almond" is not "@Ada" and a surname.
  const marks = names.map((name) => `@${name}`).sort((a, b) => b.length - a.length);
  let end = 0;
  for (let at = text.indexOf("@"); at !== -1; at = text.indexOf("@", Math.max(at + 1, end))) {
    const mark = marks.find((one) => text.startsWith(one, at));
    if (!mark) continue;
    if (at > end) found.push({ text: text.slice(end, at) });
    found.push({ text: mark, isMention: true });
    end = at + mark.length;
  }
  if (end < text.length) found.push({ text: text.slice(end) });
  return found;
}
