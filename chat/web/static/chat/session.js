/** Signing in and out, and what the connection tells while one is signed in. */
import { batch } from "@preact/signals";
import { fullJitter } from "chat-client";
import { forgetBotCommands } from "chat/bot_commands";
import { catchUp, liveFrom, recountSoon, refreshChats } from "chat/chats";
import { forgetDrafts, loadDrafts } from "chat/drafts";
import { forgetFolders, loadFolders } from "chat/folders";
import { leaveRoom, takeEvent, takePersonal, takeWhisper } from "chat/frames";
import { loadMembers } from "chat/members";
import { heardWanted, openNotified, watchNotifications } from "chat/notifications";
import { forgetHistories, forgetHistory, historyIfKept, showRoute } from "chat/open_chat";
import { learn, people } from "chat/people";
import { loadPins } from "chat/pins";
import { stopPresence, watchPresence } from "chat/presences";
import { heardNewAddress, watchPush } from "chat/push";
import { loadPositions } from "chat/read_positions";
import { stopReading, watchReading } from "chat/reading";
import { forgetReminders, recountReminders } from "chat/reminders";
import { api, connect, disconnect, live, whenSessionEnds } from "chat/server";
import { forgetStars, reloadStars } from "chat/stars";
import {
  areChatsLoaded,
  arrival,
  chats,
  features,
  link,
  longestText,
  me,
  notice,
  openChat,
  openHistory,
  openId,
  phase,
  unsent,
} from "chat/state";
import { forgetThreads, heardInThreads, recountThreads, renewThread, watchThreads } from "chat/threads";
import { forgetToAcknowledge, rereadToAcknowledge } from "chat/to_acknowledge";
import { forgetUserGroups, loadUserGroups } from "chat/user_groups";
import { startWorker } from "chat/worker";
import { stopWriting } from "chat/writers";

// Names the signed-in person (a user id): says that there is a cookie to try, and tells other tabs of a change.
const SESSION_KEY = "chat.session";

const ENDED = "Your session has ended. Please sign in again.";

let hasConnected = false;

/** Shows the chats where the browser holds a session, and the sign-in form otherwise. */
export async function start() {
  addEventListener("hashchange", showRoute);
  addEventListener("focus", wake);
  addEventListener("online", wake);
  addEventListener("storage", heardFromOtherTab);
  document.addEventListener("visibilitychange", wake);
  whenSessionEnds(() => leave(ENDED));
  watchReading();
  watchThreads();
  watchPresence();
  watchNotifications();
  watchPush();
  startWorker({ open: openNotified, resubscribe: heardNewAddress });
  if (localStorage.getItem(SESSION_KEY) === null) leave();
  else await resume(0);
}

async function resume(attempt) {
  try {
    await enter();
  } catch (problem) {
    if (problem.status === 401) return;
    if (!problem.isRetryable) throw problem;
    notice.value = `${problem.message} Trying again.`;
    setTimeout(() => resume(attempt + 1), fullJitter(attempt, Math.random));
  }
}

/** Signs in; throws a Problem where the server refuses. */
export async function signIn(username, password) {
  await api.signIn(username, password);
  await enter();
}

/** Signs out here and in the person's other tabs, and forgets what was not sent. */
export async function signOut() {
  try {
    await api.signOut();
  } catch (problem) {
    if (problem.status !== 401) notice.value = `You are still signed in. ${problem.message}`;
    return;
  }
  live.outbox.clear();
  window.history.replaceState(null, "", location.pathname);
  leave();
}

/** Tries to connect at once. */
export function connectNow() {
  live.connection.nudge();
}

async function enter() {
  const user = await api.get("me");
  localStorage.setItem(SESSION_KEY, user.id);
  connect(user.id, listeners);
  batch(() => {
    me.value = user;
    unsent.value = live.outbox.entries;
    notice.value = null;
    phase.value = "signedIn";
  });
  learn([user]);
  hasConnected = false;
  live.connection.start();
  refreshChats();
  loadFolders();
  loadDrafts();
  loadUserGroups();
  recountThreads();
  recountReminders();
  rereadToAcknowledge();
  showRoute();
}

function leave(reason = null) {
  disconnect();
  forgetHistories();
  stopReading();
  stopWriting();
  stopPresence();
  forgetStars();
  forgetThreads();
  forgetReminders();
  forgetToAcknowledge();
  forgetDrafts();
  forgetFolders();
  forgetUserGroups();
  forgetBotCommands();
  localStorage.removeItem(SESSION_KEY);
  batch(() => {
    me.value = openId.value = openHistory.value = null;
    chats.value = new Map();
    people.value = new Map();
    unsent.value = [];
    areChatsLoaded.value = false;
    arrival.value = null;
    notice.value = phase.value === "signedIn" ? reason : null;
    phase.value = "signedOut";
  });
}

function heardFromOtherTab({ key, newValue }) {
  // Another person has signed in over the shared cookie, or this one has signed out.
  if (key === SESSION_KEY && newValue !== (me.value?.id ?? null)) location.reload();
  heardWanted(key);
  const nonce = live.outbox?.nonceOf(key) ?? null;
  if (nonce !== null && newValue === null) live.connection.settle(nonce);
}

function wake() {
  if (phase.value !== "signedIn" || document.visibilityState === "hidden") return;
  live.connection.nudge();
  refreshChats();
}

// What the connection tells
const listeners = {
  event: takeEvent,
  personal: takePersonal,
  whisper: takeWhisper,
  missed() {
    catchUp();
    recountThreads();
    recountReminders();
    rereadToAcknowledge();
    reloadStars();
    loadFolders();
    loadDrafts();
  },
  fresh(roomId, position) {
    historyIfKept(roomId)?.expect(position);
    liveFrom(roomId, position);
    rereadToAcknowledge();
    renewThread(roomId, position);
    if (roomId === openId.value) loadPins(roomId);
  },
  reload(roomId) {
    recountSoon(roomId);
    rereadToAcknowledge();
    if (roomId !== openId.value) return forgetHistory(roomId);
    openHistory.value.reload();
    renewThread(roomId);
    loadPins(roomId);
    return loadMembers(roomId);
  },
  gone: leaveRoom,
  delivered({ roomId, content, replyToId, threadId, mentions, important, nonce }, { messageId, ts }) {
    // Version 0 loses against the message itself, which is on its way.
    const sent = { messageId, senderId: me.value.id, content, replyToId, threadId, mentions, important, ts, nonce };
    const frame = { type: "MESSAGE", roomId, ...sent, version: 0 };
    historyIfKept(roomId)?.receive(frame);
    heardInThreads(frame);
  },
  outbox() {
    unsent.value = [...live.outbox.entries];
  },
  ready({ limits, features: able }) {
    longestText.value = limits.content;
    features.value = able;
    // What changed between the first list and the first connection is caught up with, later breaks cost a list.
    if (hasConnected) {
      refreshChats();
      reloadStars();
      loadFolders();
      loadDrafts();
      loadPositions(openChat.value?.id ?? null);
    } else {
      catchUp();
    }
    hasConnected = true;
  },
  state(now) {
    link.value = now;
  },
  signedOut() {
    leave(ENDED);
  },
};
