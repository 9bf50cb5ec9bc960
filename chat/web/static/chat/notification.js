/** What is worth a notification, what it says, and how a key of Web Push is written. Pure. */
import { withoutSpoilers } from "chat/text";

// What is older was missed during a break: the numbers beside the chats tell of it.
const NEWS_MS = 600_000;

// More is shown nowhere.
const MOST_LETTERS = 200;

/**
 * Says whether somebody wants to be notified of a MESSAGE frame in a chat that is not kept quiet.
 *
 * `level` is what they want of the chat, `isNamed` whether the message mentions them, `follows` whether they follow
 * its thread. Of what is said in a thread that one does not follow only mentions are news.
 */
export function isNews({ senderId, messageType, threadId, ts }, { userId, level, isNamed, follows, now }) {
  if (senderId === userId || messageType === "notice" || now - Date.parse(ts) > NEWS_MS) return false;
  return isNamed || (threadId ? follows : level === "all");
}

/** Returns `{title, body}`; without `hasTexts` the body is no more than that there is a message. */
export function wordsOf({ content }, { sender, chat, isDirect, hasTexts }) {
  const title = isDirect ? sender : `${sender} in ${chat}`;
  const text = withoutSpoilers(content).trim();
  if (!hasTexts || text === "") return { title, body: "A new message" };
  const letters = [...text];
  return { title, body: letters.length > MOST_LETTERS ? `${letters.slice(0, MOST_LETTERS).join("")}…` : text };
}

/** Returns a key of Web Push as the server writes it: base64url, without the signs that fill it up. */
export function keyText(buffer) {
  const text = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
