/** The commands of a bot, which the server keeps as one list. Pure. */

/** Returns a list with a command in place of the one of a name ("" for none), or without that one where it is null. */
export function withChange(commands, name, command) {
  const others = commands.filter((one) => one.name !== name);
  return command === null ? others : [...others, command];
}
