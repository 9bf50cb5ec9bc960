/** The service worker of the page: it shows notifications, and takes what Web Push brings. */
import { signal } from "@preact/signals";

/** Its registration, or null: it has not started yet, or the browser has none, or not for this address. */
export const worker = signal(null);

/** Starts it; `on` has what to do about each kind of what it tells. */
export async function startWorker(on) {
  const container = globalThis.navigator?.serviceWorker;
  if (!container) return;
  container.addEventListener("message", ({ data }) => on[data.kind](data));
  try {
    if (await container.register("/sw.js")) worker.value = await container.ready;
  } catch (problem) {
    // A private window may refuse; the page shows its notifications itself then.
    console.warn(`no service worker: ${problem.message}`);
  }
}
