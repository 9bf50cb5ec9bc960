/**
 * Keeps the place of a reader in a scrolled list whose rows come and go at both ends.
 *
 * Rows are elements with a `data-message-id` inside `box`; the place is `history.following` and `history.anchor`.
 */

// Pages are asked for this many px before their end comes into sight.
const AHEAD_PX = 800;

// Nearer than this to the newest end counts as being there.
const SLACK_PX = 40;

/** Puts the box where the reader was: the newest end, or the anchor row at its old distance from the top. */
export function restorePlace(box, history) {
  if (history.following.value) {
    box.scrollTop = box.scrollHeight;
  } else if (history.anchor) {
    const row = rowOf(box, history.anchor.id);
    if (row) box.scrollTop += distance(box, row) - history.anchor.top;
  }
}

/** Puts one message in the middle of the box; false where it is not there. */
export function showRow(box, messageId) {
  const row = rowOf(box, messageId);
  if (row) box.scrollTop += distance(box, row) - (box.clientHeight - row.clientHeight) / 2;
  return Boolean(row);
}

/** Puts the line above what is new near the top of the box; false where there is none. */
export function showNews(box) {
  const line = box.querySelector(".news");
  if (line) box.scrollTop += distance(box, line) - box.clientHeight / 4;
  return Boolean(line);
}

/** Moves the focus from message to message by the arrow keys; Escape gives it back to the list. */
export function walk(box, event) {
  const { key, target } = event;
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (event.altKey || event.ctrlKey || event.metaKey || target.matches("textarea, input, dialog, dialog *")) return;
  if (key === "Escape" && target !== box) box.focus({ preventScroll: true });
  if (!step) return;
  event.preventDefault();
  const rows = [...box.querySelectorAll("[data-message-id]")];
  const at = rows.indexOf(target.closest("[data-message-id]"));
  const next = at === -1 ? lastInSight(box, rows) : rows[at + step];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
}

function lastInSight(box, rows) {
  return rows.findLast((row) => distance(box, row) < box.clientHeight);
}

/** Notes where the reader is now. */
export function notePlace(box, history) {
  history.following.value = !history.timeline.value?.hasAfter && below(box) < SLACK_PX;
  const rows = [...box.querySelectorAll("[data-message-id]:not([data-message-id=''])")];
  const row = rows.find((candidate) => distance(box, candidate) + candidate.clientHeight > 0);
  history.anchor = row ? { id: row.dataset.messageId, top: distance(box, row) } : null;
}

/** Asks for the next page of whichever end is near. */
export function readAhead(box, history) {
  if (history.problem.value) return;
  if (box.scrollTop < AHEAD_PX) history.older();
  if (below(box) < AHEAD_PX) history.newer();
}

function rowOf(box, messageId) {
  return box.querySelector(`[data-message-id="${CSS.escape(messageId)}"]`);
}

function distance(box, row) {
  return row.getBoundingClientRect().top - box.getBoundingClientRect().top;
}

function below(box) {
  return box.scrollHeight - box.scrollTop - box.clientHeight;
}
