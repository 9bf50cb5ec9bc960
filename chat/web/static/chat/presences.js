/** Who of those in view is there, and telling the server that the person is. */
import { computed, effect, signal } from "@preact/signals";
import { members } from "chat/members";
import { watchList, withPresence } from "chat/presence";
import { api, live } from "chat/server";
import { link, me, sortedChats } from "chat/state";

// A watch replaces the one before: what changes at once, as while chats are read, is said once.
const PAUSE_MS = 300;

// Said this often while the person does something.
const PACE_MS = 30_000;
const DOINGS = ["pointerdown", "keydown", "wheel"];

/** What the person shows by choice, as the API gives it, or null while it is not known. */
export const ownChoice = signal(null);

/** PRESENCE frames by user id. */
export const presences = signal(new Map());

const inView = computed(() => {
  if (me.value === null) return [];
  const peers = sortedChats.value.map(({ peer }) => peer?.id);
  return watchList([me.value.id], [...members.value.keys()], peers);
});

let timer = null;
let watched = "";
let toldAt = -PACE_MS;

/** Takes a PRESENCE frame. */
export function heardPresence(frame) {
  presences.value = withPresence(presences.value, frame);
}

/** Watches those in view from now on, and says when the person does something. */
export function watchPresence() {
  for (const doing of DOINGS) addEventListener(doing, tellActive, { capture: true, passive: true });
  effect(() => {
    const userIds = inView.value;
    if (link.value.state !== "online") {
      watched = "";
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(() => watch(userIds), PAUSE_MS);
  });
}

function watch(userIds) {
  if (userIds.length === 0 || userIds.join() === watched) return;
  if (!live.connection?.tell({ type: "PRESENCE_WATCH", userIds })) return;
  // Once a connection; where it cannot be read, nothing is said of it.
  if (watched === "") readChoice().catch(() => {});
  watched = userIds.join();
}

function tellActive() {
  if (Date.now() - toldAt < PACE_MS) return;
  if (live.connection?.tell({ type: "HEARTBEAT", active: true })) toldAt = Date.now();
}

/** Reads what the person shows by choice: it may have been chosen elsewhere. */
export async function readChoice() {
  ownChoice.value = await api.get("me/presence");
}

/** Shows others a status and a text, until a moment or for good (null). */
export async function choose({ status, text, until }) {
  ownChoice.value = await api.patch("me/presence", { status, text, until });
}

/** Forgets the person. */
export function stopPresence() {
  clearTimeout(timer);
  watched = "";
  presences.value = new Map();
  ownChoice.value = null;
}
