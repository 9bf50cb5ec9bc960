/** This browser as one that is told of what is new while no window of the chat is open: Web Push. */
import { computed, effect, signal, untracked } from "@preact/signals";
import { keyText } from "chat/notification";
import { askPermission, permission, wanted, want } from "chat/notifications";
import { api } from "chat/server";
import { me, phase } from "chat/state";
import { worker } from "chat/worker";

const PATH = "me/push-subscriptions";

/** The server's word for this browser (`{id, texts}`), or null while it is told nothing. */
export const pushed = signal(null);

/** Whether this browser could be told. */
export const canBePushed = computed(() => Boolean(worker.value?.pushManager));

/** Watches from now on that the browser is told where its person wants that, and of nobody who has signed out. */
export function watchPush() {
  const userId = computed(() => me.value?.id ?? null);
  effect(() => {
    if (!canBePushed.value) return;
    const isDue = userId.value !== null && wanted.value.isPushed && permission.value === "granted";
    // What fails now is tried again at the next start; the panel says so.
    if (isDue) return void untracked(() => renewPush().catch(() => {}));
    pushed.value = null;
    if (phase.value === "signedOut") untracked(unsubscribe);
  });
}

/** Returns the key that browsers know the server by, or null where it tells nobody. */
export async function readKey() {
  return (await api.get(PATH)).key;
}

/** Has this browser told from now on; asks for the browser's permission, which only a click may do. */
export async function turnPushOn() {
  if ((await askPermission()) !== "granted") return;
  await subscribe();
  want({ isPushed: true });
}

/** Has it told no more. */
export async function turnPushOff() {
  const { id } = pushed.value;
  want({ isPushed: false });
  await unsubscribe();
  // Where the server does not hear of it, the maker's answer to the next note tells it.
  await api.delete(`${PATH}/${id}`).catch(() => {});
}

/** Tells the server anew where this browser is told, unless it knows: a sign-in and the browser may have changed it. */
export async function renewPush() {
  if (pushed.value === null) await subscribe();
}

/** Takes note that the browser's maker has given it another address. */
export async function heardNewAddress() {
  if (pushed.value !== null) await subscribe();
}

/** Says whether notes show what messages say. */
export async function pushTexts(texts) {
  if (pushed.value !== null && pushed.value.texts !== texts) await subscribe();
}

/** Tells this browser something at once; returns what came of it in words for people. */
export async function tryPush() {
  const { status, error } = await api.post(`${PATH}/${pushed.value.id}/test`, {});
  if (status !== null && status < 300) return "A test is on its way to this browser.";
  return `The push service of this browser's maker did not take it: ${error || `it answered ${status}`}.`;
}

async function subscribe() {
  const key = await readKey();
  if (key === null) return;
  const { endpoint, keys } = (await subscriptionFor(key)).toJSON();
  pushed.value = await api.post(PATH, { endpoint, keys, texts: wanted.value.hasTexts });
}

async function subscriptionFor(key) {
  const { pushManager } = worker.value;
  const found = await pushManager.getSubscription();
  if (found && keyText(found.options.applicationServerKey) === key) return found;
  // The server has another key now: with the old one nothing can come.
  await found?.unsubscribe();
  try {
    return await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  } catch ({ message }) {
    throw new Error(`The push service of this browser's maker gave no address: ${message}.`);
  }
}

async function unsubscribe() {
  const found = await worker.value.pushManager.getSubscription();
  await found?.unsubscribe();
}
