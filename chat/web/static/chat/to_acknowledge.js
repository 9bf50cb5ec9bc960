/** What waits for the person's acknowledgement, in all chats that are not archived. */
import { computed, signal } from "@preact/signals";
import { learn } from "chat/people";
import { api } from "chat/server";
import { chats, me, phase } from "chat/state";
import { badge } from "chat/unread";
import { heard, newestFirst, NOTHING, read } from "chat/waiting";

const PAGE = 100;

// Many chats that were not heard for a while are one reading.
const PACE_MS = 500;

const waiting = signal(NOTHING);

/** The messages, the newest first. */
export const toAcknowledge = computed(() =>
  newestFirst(waiting.value).filter(({ chatId }) => chats.value.get(chatId)?.is_archived === false),
);

/** Whether there are older ones, which were not read. */
export const areMoreToAcknowledge = computed(() => waiting.value.next !== null);

/** How many, as a badge shows it; empty where there are none. */
export const countToAcknowledge = computed(() => {
  const count = toAcknowledge.value.length;
  if (areMoreToAcknowledge.value) return count >= PAGE ? badge(count) : `${count}+`;
  return count === 0 ? "" : badge(count);
});

let readings = 0;
let timer = null;

/** Reads the newest ones. */
export function readToAcknowledge() {
  return take(null);
}

/** Reads the next older ones. */
export function readOlderToAcknowledge() {
  return take(waiting.value.next);
}

/** Reads them before long: after signing in, and where something may not have been heard. */
export function rereadToAcknowledge() {
  timer ??= setTimeout(() => {
    timer = null;
    readToAcknowledge().catch(() => {});
  }, PACE_MS);
}

async function take(before) {
  const [reading, asked, userId] = [(readings += 1), Date.now(), me.value.id];
  const page = await api.get("me/acknowledgements", { before, limit: PAGE });
  // Another one was asked for later, or somebody else is signed in.
  if (reading !== readings || phase.value !== "signedIn") return;
  learn(page.messages.map(({ sender }) => sender));
  waiting.value = read(waiting.value, page, { userId, asked, isFirst: before === null });
}

/** Takes note of an important message, for good. */
export async function acknowledge(chatId, messageId) {
  await api.put(`chats/${chatId}/messages/${messageId}/acknowledgement`, {});
  heardToAcknowledge({ type: "ACKNOWLEDGED", roomId: chatId, messageId, userId: me.value.id });
}

/** Takes a room event. */
export function heardToAcknowledge(frame) {
  waiting.value = heard(waiting.value, frame, { userId: me.value.id, now: Date.now() });
  // What was said in an archived chat was not among them.
  if (frame.type === "ROOM" && frame.change === "restored") rereadToAcknowledge();
}

/** Forgets everything: another person may sign in. */
export function forgetToAcknowledge() {
  clearTimeout(timer);
  timer = null;
  readings += 1;
  waiting.value = NOTHING;
}
