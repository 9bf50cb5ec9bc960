/** What staff look after: bots with their commands, and user groups, over REST. */
import { withChange } from "chat/offered";
import { api } from "chat/server";

/** Reads the bots. */
export async function readBots() {
  return (await api.get("bots")).bots;
}

/** Makes a bot of one's company. */
export function makeBot(username, name) {
  return api.post("bots", { username, name });
}

/** Lets a bot do nothing more. */
export function retireBot(id) {
  return api.delete(`bots/${id}`);
}

/** Reads what a bot can be asked to do, by name. */
export async function readBotCommands(id) {
  return (await api.get(`bots/${id}/commands`)).commands;
}

/** Sets a command of a bot in place of the one of a name, "" for none; null takes it away. Answers all by name. */
export async function setBotCommand(id, name, command) {
  // As they are now: the bot itself may have set others since they were shown.
  const commands = withChange(await readBotCommands(id), name, command);
  return (await api.put(`bots/${id}/commands`, { commands })).commands;
}

/** Takes all commands of a bot away; answers what is left. */
export async function dropBotCommands(id) {
  await api.delete(`bots/${id}/commands`);
  return [];
}

/** Makes a user group of one's company. */
export function makeGroup(name, members) {
  return api.post("user-groups", { name, members });
}

/** Calls a user group otherwise, and says anew who is in it. */
export function changeGroup(id, name, members) {
  return api.patch(`user-groups/${id}`, { name, members });
}

/** Drops a user group. */
export function dropGroup(id) {
  return api.delete(`user-groups/${id}`);
}
