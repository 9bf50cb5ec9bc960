/** What begins with "/" while one writes: a command of a bot, or a text that only looks like one. Pure. */

const MOST_OFFERED = 8;

/** Returns the `{query}` of the command that is being typed before the caret, or null. */
export function slashAt(text, caret) {
  const [, query] = text.slice(0, caret).match(/^\/([a-z0-9_-]{0,32})$/) ?? [];
  return query === undefined ? null : { query };
}

/** Returns those whose name starts so. */
export function offeredFor(query, commands) {
  return commands.filter(({ name }) => name.startsWith(query)).slice(0, MOST_OFFERED);
}

/** Puts a command's name in place of what is being typed: `{text, caret}`. */
export function withCommand(text, { query }, name) {
  const before = `/${name} `;
  return { text: before + text.slice(1 + query.length).trimStart(), caret: before.length };
}

/** Returns the `{command, text}` that a text asks for, or null where it is to be said. */
export function commandIn(text) {
  const [, command, rest = ""] = text.trim().match(/^\/([a-z0-9_-]{1,32})(?:\s+([^]*))?$/) ?? [];
  return command === undefined ? null : { command, text: rest };
}

/** Returns what is said by a text that is no command: of two slashes at its start one is the sign that it is none. */
export function said(text) {
  return text.startsWith("//") ? text.slice(1) : text;
}
