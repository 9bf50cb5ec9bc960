/** Telling others that the person writes, and hearing it of others. */
import { signal } from "@preact/signals";
import { live } from "chat/server";
import { me } from "chat/state";
import { SHOWN_MS, stillTyping, withTyping } from "chat/typing";

// Said this often while one writes.
const PACE_MS = 3_000;

/** Who is writing where; see typing.js. */
export const writers = signal(new Map());

let timer = null;
let toldAt = -PACE_MS;
let toldIn = null;

/** Takes a TYPING frame. */
export function heardTyping(frame) {
  if (frame.userId === me.value.id) return;
  writers.value = withTyping(writers.value, frame, Date.now());
  timer ??= setInterval(sweep, SHOWN_MS / 6);
}

/** Takes note that somebody has said something, and so writes no more. */
export function heardOut({ roomId, senderId }) {
  writers.value = withTyping(writers.value, { roomId, userId: senderId, active: false }, Date.now());
}

function sweep() {
  writers.value = stillTyping(writers.value, Date.now());
  if (writers.value.size > 0) return;
  clearInterval(timer);
  timer = null;
}

/** Tells the others in a chat that the person writes there. */
export function tellWriting(chatId) {
  if (toldIn === chatId && Date.now() - toldAt < PACE_MS) return;
  toldAt = Date.now();
  toldIn = chatId;
  live.connection?.tell({ type: "TYPING", roomId: chatId, active: true });
}

/** Tells them that the person has stopped, where they were told of a start. */
export function tellStopped(chatId) {
  if (toldIn !== chatId) return;
  toldIn = null;
  live.connection?.tell({ type: "TYPING", roomId: chatId, active: false });
}

/** Forgets the person. */
export function stopWriting() {
  toldIn = null;
  writers.value = new Map();
}
