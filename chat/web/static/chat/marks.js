/** Which messages of one chat are marked: read as a whole, and kept in step with what is heard meanwhile. */
import { signal } from "@preact/signals";

export class Marks {
  // Whether each is marked, by message id.
  #marks = signal(new Map());
  #chatId = null;
  // What was heard while they are read.
  #heard = new Map();

  /** Reads the marks of a chat, null for none; `read()` answers the ids of the messages. */
  async load(chatId, read) {
    if (this.#chatId !== chatId) this.#marks.value = new Map();
    this.#chatId = chatId;
    const meanwhile = (this.#heard = new Map());
    if (chatId === null) return;
    const ids = await read().catch(() => null);
    if (this.#heard !== meanwhile || ids === null) return;
    this.#marks.value = new Map([...ids.map((id) => [id, true]), ...meanwhile]);
  }

  /** Says whether a message is marked. */
  has(messageId) {
    return this.#marks.value.get(messageId) === true;
  }

  /** Returns how many messages are marked. */
  count() {
    return [...this.#marks.value.values()].filter(Boolean).length;
  }

  /** Takes that a message was marked, or is no longer; one of another chat is nothing to these. */
  hear(chatId, messageId, isMarked) {
    if (chatId !== this.#chatId) return;
    this.#heard.set(messageId, isMarked);
    this.#marks.value = new Map(this.#marks.value).set(messageId, isMarked);
  }

  /** Forgets everything: another person may sign in. */
  forget() {
    this.#chatId = null;
    this.#heard = new Map();
    this.#marks.value = new Map();
  }
}
