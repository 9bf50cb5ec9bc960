/**
 * Messages on their way out: which may be sent now, in what order, and what became of them.
 *
 * An entry is `{nonce, roomId, content, replyToId, threadId, mentions, important, createdAt, firstTriedAt, status, reason}`: times in
 * ms since 1970, replyToId the message that it answers or null, threadId the one whose thread it is in or null, mentions user ids or "all", status "pending" or "failed", reason `{code, message}` of a failed one. Entries live in
 * `storage` (a Storage) under one key each, so that tabs of one person never overwrite each other's, until the server has answered.
 * Nothing here reads a clock: `now` is passed in, in ms since 1970.
 */
import { fullJitter } from "./backoff.js";

// The server stops reading a socket that has more sends than this without an answer.
const MOST_IN_FLIGHT = 16;

// An answer takes 5 s at worst (the server's own buffer); after this it counts as lost.
const ANSWER_MS = 30_000;

// The server remembers a nonce for 24 h. Later, a retry could show the message twice.
const REMEMBERED_MS = 23 * 3_600_000;

// A longer wait (a mute of hours, say) is a refusal to the person who waits.
const LONGEST_WAIT_MS = 300_000;

/** The reason of an entry that may or may not have been delivered long ago. */
export const OUTCOME_UNKNOWN = {
  code: "outcome_unknown",
  message: "It is not known whether this was sent. Look at the chat before you send it again.",
};

const STORED =
  "nonce roomId content replyToId threadId mentions important createdAt firstTriedAt status reason".split(" ");

// How an entry stands while no connection knows of it.
const IDLE = { sentAt: null, isRetry: false, attempts: 0, notBefore: 0 };

/** A Storage that lasts as long as the page. */
export class MemoryStorage {
  #items = new Map();

  get length() {
    return this.#items.size;
  }

  key(index) {
    return [...this.#items.keys()][index];
  }

  getItem(key) {
    return this.#items.get(key) ?? null;
  }

  setItem(key, value) {
    this.#items.set(key, value);
  }

  removeItem(key) {
    this.#items.delete(key);
  }
}

export class Outbox {
  #storage;
  #prefix;
  #random;

  /** Takes up what `owner` (a user id) left unsent in `storage`, or lasts as long as this; `random` returns 0 up to 1. */
  constructor({ storage = new MemoryStorage(), owner = "", random = Math.random } = {}) {
    this.#storage = storage;
    this.#prefix = `chat.outbox.${owner}.`;
    this.#random = random;
    this.entries = this.#load();
  }

  /** Adds a message to send and returns its entry. */
  add({ nonce, roomId, content, replyToId = null, threadId = null, mentions = [], important = false, now }) {
    // Strictly rising times keep the order over a reload, also of two messages in one ms.
    const createdAt = Math.max(now, (this.entries.at(-1)?.createdAt ?? 0) + 1);
    const stored = { nonce, roomId, content, replyToId, threadId, mentions, important, createdAt, firstTriedAt: null };
    const entry = { ...stored, status: "pending", reason: null, ...IDLE };
    this.entries = [...this.entries, entry];
    this.#save(entry);
    return entry;
  }

  /**
   * Returns the SEND_MESSAGE frames that may go out now, and counts them as sent.
   *
   * First tries of a chat go out one behind the other. A retry waits until everything before it is answered,
   * and everything after it waits for the retry: the order of a chat is the order of its sends.
   */
  take(now) {
    const frames = [];
    const open = new Set();
    const held = new Set();
    let free = MOST_IN_FLIGHT;
    for (const entry of this.#pending()) {
      if (entry.sentAt !== null && now - entry.sentAt >= ANSWER_MS) entry.sentAt = null;
      if (entry.sentAt !== null) free -= 1;
    }
    for (const entry of this.#pending()) {
      const { roomId } = entry;
      const isRetry = entry.firstTriedAt !== null;
      if (entry.sentAt !== null) {
        (entry.isRetry ? held : open).add(roomId);
      } else if (isRetry && now - entry.firstTriedAt > REMEMBERED_MS) {
        this.#fail(entry, OUTCOME_UNKNOWN);
      } else if (free <= 0 || held.has(roomId) || (isRetry && open.has(roomId)) || entry.notBefore > now) {
        held.add(roomId);
      } else {
        frames.push(this.#sent(entry, isRetry, now));
        (isRetry ? held : open).add(roomId);
        free -= 1;
      }
    }
    return frames;
  }

  /** Returns when `take` has something new to say without any answer (ms since 1970), or null. */
  wakeAt(now) {
    const times = this.#pending().map((entry) => {
      if (entry.sentAt !== null) return entry.sentAt + ANSWER_MS;
      return entry.notBefore > now ? entry.notBefore : Infinity;
    });
    const soonest = Math.min(Infinity, ...times);
    return soonest === Infinity ? null : soonest;
  }

  /** Ends an entry that the server has taken (or the person gave up); returns it, or undefined. */
  settle(nonce) {
    const entry = this.find(nonce);
    if (!entry) return undefined;
    this.entries = this.entries.filter((other) => other !== entry);
    this.#remove(nonce);
    return entry;
  }

  /** Handles an ERROR frame about a send: waits for a retry, or fails it with the reason. */
  refuse(nonce, error, now) {
    const entry = this.find(nonce);
    if (!entry || entry.status === "failed") return;
    const wait = error.retryAfterMs ?? fullJitter(entry.attempts, this.#random);
    if (!error.retryable || wait > LONGEST_WAIT_MS) {
      this.#fail(entry, { code: error.code, message: error.message });
      return;
    }
    entry.sentAt = null;
    entry.attempts += 1;
    entry.notBefore = now + wait;
  }

  /** Handles the end of a connection: whatever had no answer becomes a retry. */
  lost() {
    for (const entry of this.entries) Object.assign(entry, IDLE);
  }

  /** Sends a failed entry again; `freshNonce` is used where the server may have forgotten the first one. */
  retry(nonce, freshNonce) {
    const entry = this.find(nonce);
    if (!entry || entry.status !== "failed") return;
    if (entry.reason.code === OUTCOME_UNKNOWN.code) {
      this.#remove(nonce);
      Object.assign(entry, { nonce: freshNonce, firstTriedAt: null });
    }
    Object.assign(entry, IDLE, { status: "pending", reason: null });
    this.#save(entry);
  }

  /** Returns the entry with this nonce, or undefined. */
  find(nonce) {
    return this.entries.find((entry) => entry.nonce === nonce);
  }

  /** Returns the nonce of an entry of this outbox from its storage key, or null for any other key. */
  nonceOf(key) {
    return key?.startsWith(this.#prefix) ? key.slice(this.#prefix.length) : null;
  }

  /** Forgets everything, in storage too. */
  clear() {
    for (const { nonce } of this.entries) this.#remove(nonce);
    this.entries = [];
  }

  #pending() {
    return this.entries.filter((entry) => entry.status === "pending");
  }

  #sent(entry, isRetry, now) {
    const { nonce, roomId, content, replyToId, threadId, mentions, important } = entry;
    Object.assign(entry, { sentAt: now, isRetry });
    const frame = { type: "SEND_MESSAGE", ref: nonce, roomId, content, nonce };
    // Left out where there are none, as in entries stored before there were any.
    if (replyToId) frame.replyToId = replyToId;
    if (threadId) frame.threadId = threadId;
    if (mentions?.length) frame.mentions = mentions;
    if (important) frame.important = true;
    if (isRetry) return { ...frame, retry: true, firstTriedMs: Math.max(0, now - entry.firstTriedAt) };
    // Stored before the frame leaves: after a crash in between, the next try must say that it is a retry.
    entry.firstTriedAt = now;
    this.#save(entry);
    return frame;
  }

  #fail(entry, reason) {
    Object.assign(entry, IDLE, { status: "failed", reason });
    this.#save(entry);
  }

  #load() {
    const keys = Array.from({ length: this.#storage.length }, (_, index) => this.#storage.key(index));
    const own = keys.filter((key) => this.nonceOf(key) !== null);
    const stored = own.map((key) => JSON.parse(this.#storage.getItem(key)));
    return stored.map((entry) => ({ ...entry, ...IDLE })).sort((a, b) => a.createdAt - b.createdAt);
  }

  #save(entry) {
    const stored = Object.fromEntries(STORED.map((field) => [field, entry[field]]));
    try {
      this.#storage.setItem(this.#prefix + entry.nonce, JSON.stringify(stored));
    } catch {
      // A full storage costs only the survival of a reload; the message still goes out.
    }
  }

  #remove(nonce) {
    this.#storage.removeItem(this.#prefix + nonce);
  }
}
