/** The folders of the person's list of chats, on each of their devices. */
import { signal } from "@preact/signals";
import { changeChat, putChat } from "chat/chats";
import { api } from "chat/server";
import { chats, me, openId, phase } from "chat/state";

/** The person's folders, `{id, name}`, by name. */
export const folders = signal([]);

// The version of the list that was heard last: what REST answers meanwhile may be older.
let heard = 0;

/** Reads them: after signing in, and where frames may have been missed. */
export async function loadFolders() {
  const before = heard;
  try {
    const found = (await api.get("me/folders")).folders;
    if (phase.value === "signedIn" && heard === before) folders.value = found;
  } catch {
    // They stay as they are: the next connection reads them again.
  }
}

/** Takes an ME frame of the list of folders. */
export function heardFolders({ version, state }) {
  if (version <= heard) return;
  heard = version;
  folders.value = state.folders;
}

/** Takes an ME frame of where a chat was put. */
export function heardFolder({ state: { roomId, folderId } }) {
  changeChat(roomId, { folder_id: folderId });
}

/** Forgets them, for the next person. */
export function forgetFolders() {
  heard = 0;
  folders.value = [];
}

/** Puts the open chat in a folder, or in none (null); throws a Problem where the server refuses. */
export async function putInFolder(folderId) {
  putChat(await api.put(`chats/${openId.value}/folder`, { folder_id: folderId }));
}

/** Makes a folder and puts the open chat in it. */
export async function makeFolder(name) {
  const folder = await api.post("me/folders", { name });
  put([...folders.value.filter(({ id }) => id !== folder.id), folder]);
  await putInFolder(folder.id);
}

/** Gives a folder another name. */
export async function renameFolder(id, name) {
  const folder = await api.patch(`me/folders/${id}`, { name });
  put(folders.value.map((one) => (one.id === id ? folder : one)));
}

/** Takes a folder away; its chats are in none then. */
export async function deleteFolder(id) {
  await api.delete(`me/folders/${id}`);
  put(folders.value.filter((one) => one.id !== id));
}

/** Says whether a folder is folded up on this device. */
export function isFolded(id) {
  return localStorage.getItem(keyOf(id)) !== null;
}

/** Keeps whether a folder is folded up on this device. */
export function setFolded(id, folded) {
  if (folded) localStorage.setItem(keyOf(id), "1");
  else localStorage.removeItem(keyOf(id));
}

/** Returns chats under their folders, `{folder, chats}`: favourites first, then each folder, then all others. */
export function sorted(list) {
  const known = new Set(folders.value.map(({ id }) => id));
  const isIn = (chat, id) => !chat.is_favourite && chat.folder_id === id;
  const others = list.filter((chat) => !chat.is_favourite && !known.has(chat.folder_id));
  return [
    { folder: null, chats: list.filter((chat) => chat.is_favourite) },
    ...folders.value.map((folder) => ({ folder, chats: list.filter((chat) => isIn(chat, folder.id)) })),
    { folder: null, chats: others },
  ];
}

function put(list) {
  folders.value = list.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function keyOf(id) {
  return `chat.folded.${me.value.id}.${id}`;
}
