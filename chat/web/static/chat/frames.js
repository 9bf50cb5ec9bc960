/** What each kind of frame changes on the page. */
import { dismissAnswersOf, heardAnswer } from "chat/bot_commands";
import { changeChat, countMessage, dropChat, readChat, showLastMessage, uncountMessage } from "chat/chats";
import { forgetDraft, heardDraft } from "chat/drafts";
import { heardFolder, heardFolders } from "chat/folders";
import { heardScheduled } from "chat/later";
import { notifyOf } from "chat/notifications";
import { heardReminder } from "chat/reminders";
import { forgetHistory, historyIfKept } from "chat/open_chat";
import { takeMember } from "chat/members";
import { meet, people } from "chat/people";
import { heardPin, unpinDeleted } from "chat/pins";
import { heardPresence } from "chat/presences";
import { heardQuoted } from "chat/quotes";
import { heardPosition } from "chat/read_positions";
import { cameUnseen, heardRead } from "chat/reading";
import { live } from "chat/server";
import { heardStar, unstarDeleted } from "chat/stars";
import { arrival, me, openId } from "chat/state";
import { heardInThreads, heardThread } from "chat/threads";
import { heardToAcknowledge } from "chat/to_acknowledge";
import { heardOut, heardTyping } from "chat/writers";

const OVER = ["removed", "left", "banned"];

// Room events, in order.
const CHANGES = {
  MESSAGE(frame) {
    const { roomId, messageId, senderId, content, ts, nonce, threadId } = frame;
    if (senderId === me.value.id) live.connection.settle(nonce);
    else if (roomId === openId.value && !threadId) arrival.value = { senderId, content };
    heardOut(frame);
    if (countMessage(frame)) cameUnseen(frame);
    showLastMessage(roomId, { id: messageId, content, sender: { id: senderId }, created_at: ts });
    if (isUnknown(senderId) || isUnknown(frame.forwardedFrom?.senderId)) meet(roomId, messageId);
    notifyOf(frame);
  },
  MESSAGE_DELETED(frame) {
    uncountMessage(frame);
    unpinDeleted(frame);
    unstarDeleted(frame);
  },
  PIN: heardPin,
  MEMBER(frame) {
    const { roomId, userId, change } = frame;
    if (OVER.includes(change) && userId === me.value.id) leaveRoom(roomId);
    else takeMember(frame);
  },
  ROOM({ roomId, change, chat }) {
    if (change === "deleted") leaveRoom(roomId);
    else changeChat(roomId, chat);
  },
};

// What concerns the person alone, by its kind.
const PERSONAL = {
  read: heardRead,
  chat_added: ({ roomId }) => readChat(roomId),
  chat_removed: ({ roomId }) => leaveRoom(roomId),
  draft: heardDraft,
  scheduled: heardScheduled,
  reminder: heardReminder,
  folder: heardFolder,
  folders: heardFolders,
  favourite: ({ state }) => changeChat(state.roomId, { is_favourite: state.favourite }),
  star: heardStar,
  answer: heardAnswer,
  thread: heardThread,
  mute: ({ state: { roomId, until, level } }) =>
    changeChat(roomId, { notifications_muted_until: until, notification_level: level }),
};

// What may get lost.
const WHISPERS = { TYPING: heardTyping, READ_POSITION: heardPosition, PRESENCE: heardPresence };

function isUnknown(userId) {
  return userId !== undefined && !people.value.has(userId);
}

/** Takes a room event. */
export function takeEvent(frame) {
  historyIfKept(frame.roomId)?.receive(frame);
  heardQuoted(frame);
  heardInThreads(frame);
  heardToAcknowledge(frame);
  CHANGES[frame.type]?.(frame);
}

/** Takes what may get lost. */
export function takeWhisper(frame) {
  WHISPERS[frame.type]?.(frame);
}

/** Takes what concerns the person alone. */
export function takePersonal(frame) {
  PERSONAL[frame.kind]?.(frame);
}

/** Lets go of a room that the person is in no longer. */
export function leaveRoom(roomId) {
  dropChat(roomId);
  forgetHistory(roomId);
  forgetDraft(roomId);
  dismissAnswersOf(roomId);
}
