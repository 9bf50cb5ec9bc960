/** What the person has begun to write, on each of their devices. */
import { signal } from "@preact/signals";
import { api } from "chat/server";
import { answering, drafts, phase } from "chat/state";

// A pause in writing that is long enough to be worth a request.
const PAUSE_MS = 1_000;

/** Rises whenever a draft came from another device: the field that shows it reads it again. */
export const draftsHeard = signal(0);

// What is written here and not kept yet, by chat id: the timer that will keep it, or that tried in vain.
const pending = new Map();
// The last version that was heard or kept, by chat id: older ones lose.
const versions = new Map();
// One request after the other, or what was sent could come back behind its end.
let turn = Promise.resolve();

/** Reads what was kept by other devices: after signing in, and where frames may have been missed. */
export async function loadDrafts() {
  const before = new Map(versions);
  const found = new Map();
  try {
    for (let after = null, more = true; more; more = after !== null) {
      const page = await api.get("me/drafts", { after });
      for (const one of page.drafts) found.set(one.chat_id, one);
      after = page.next;
    }
  } catch {
    return;
  }
  if (phase.value !== "signedIn") return;
  for (const [chatId, one] of found) {
    take(chatId, { content: one.content, replyToId: one.reply_to, version: one.version });
  }
  for (const [chatId, version] of before) {
    const isGone = !found.has(chatId) && versions.get(chatId) === version;
    if (isGone) take(chatId, { content: null, replyToId: null, version: version + 1 });
  }
  for (const chatId of pending.keys()) keepDraft(chatId);
}

/** Takes an ME frame of a draft. */
export function heardDraft({ version, state: { roomId, content, replyToId } }) {
  take(roomId, { content, replyToId, version });
}

/** Puts a text and whom it names, `{id, name}`, into the field of a chat or thread, before what stands there. */
export function rewrite(place, content, chosen) {
  const there = drafts.get(place) ?? { text: "", chosen: [] };
  const text = [content, there.text].filter((part) => part !== "").join("\n");
  drafts.set(place, { ...there, text, chosen: [...chosen, ...there.chosen] });
  draftsHeard.value += 1;
}

// What is being written here right now is the latest: it is kept soon, and wins.
function take(chatId, { content, replyToId, version }) {
  if (pending.has(chatId) || version <= (versions.get(chatId) ?? 0)) return;
  versions.set(chatId, version);
  const text = content ?? "";
  if (textIn(chatId) === text && (answering.value.get(chatId) ?? null) === replyToId) return;
  drafts.set(chatId, { text, chosen: [] });
  const next = new Map(answering.value);
  if (replyToId === null) next.delete(chatId);
  else next.set(chatId, replyToId);
  answering.value = next;
  draftsHeard.value += 1;
}

/** Keeps what is written in a chat once writing pauses; what was sent or taken back goes at once. */
export function keepDraft(chatId) {
  clearTimeout(pending.get(chatId));
  const pause = textIn(chatId) === "" ? 0 : PAUSE_MS;
  const timer = setTimeout(() => (turn = turn.then(() => keep(chatId, timer))), pause);
  pending.set(chatId, timer);
}

async function keep(chatId, timer) {
  // Forgotten, or written on: then a later turn keeps it.
  if (pending.get(chatId) !== timer) return;
  const content = textIn(chatId);
  const path = `chats/${chatId}/draft`;
  try {
    if (content === "") {
      await api.delete(path);
    } else {
      const kept = await api.put(path, { content, reply_to_id: answering.value.get(chatId) ?? null });
      versions.set(chatId, Math.max(kept.version, versions.get(chatId) ?? 0));
    }
  } catch (problem) {
    // It stays pending, so nothing replaces it, until the next connection.
    if (problem.isRetryable) return;
  }
  if (pending.get(chatId) === timer) pending.delete(chatId);
}

function textIn(chatId) {
  return drafts.get(chatId)?.text.trim() ?? "";
}

/** Forgets what was begun in a chat that the person is in no longer. */
export function forgetDraft(chatId) {
  clearTimeout(pending.get(chatId));
  pending.delete(chatId);
  drafts.delete(chatId);
}

/** Forgets everything: another person may sign in. */
export function forgetDrafts() {
  for (const timer of pending.values()) clearTimeout(timer);
  pending.clear();
  versions.clear();
  drafts.clear();
}
