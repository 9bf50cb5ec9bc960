/**
 * The loaded history of one chat: reads pages, and keeps them in step with the live frames.
 *
 * One page is read at a time. Frames that arrive meanwhile are applied to the page again, whatever its pos:
 * the page may be older than they are, and applying a frame twice changes nothing.
 */
import { batch, signal } from "@preact/signals";
import { fullJitter } from "chat-client";
import { ends, fromPage, withFrame, withNewer, withOlder } from "chat/timeline";

const PAGE = 50;

export class History {
  #page;
  #cursor;
  #turn = 0;
  #arrived = [];
  #position = null;
  #floor = null;
  #tries = 0;
  #timer = null;

  /** `page(query)` reads a page by REST; `cursor()` is the live position `{epoch, pos}` of the chat or null. */
  constructor({ page, cursor }) {
    this.#page = page;
    this.#cursor = cursor;
    this.timeline = signal(null);
    this.busy = signal(null);
    this.problem = signal(null);
    this.isStale = signal(false);
    this.target = signal(null);
    // Both are written by the list as the person scrolls: whether the newest end is in sight, and the first
    // row in sight with its distance in px from the top.
    this.following = signal(true);
    this.anchor = null;
  }

  /** Loads the newest messages in place of what is loaded. */
  latest() {
    this.following.value = true;
    this.target.value = null;
    return this.#read("latest", {}, fromPage);
  }

  /** Loads the messages around one of them, which becomes the target, in place of what is loaded. */
  around(messageId) {
    this.following.value = false;
    this.anchor = null;
    this.target.value = messageId;
    return this.#read("around", { around: messageId }, fromPage);
  }

  /** Loads the messages from a moment on (ISO 8601), whose first one becomes the target, in place of what is loaded. */
  from(moment) {
    this.following.value = false;
    this.anchor = null;
    this.target.value = null;
    return this.#read("around", { at: moment }, (page) => {
      const first = page.messages.find((message) => message.created_at >= moment) ?? page.messages.at(-1);
      this.target.value = first?.id ?? null;
      return fromPage(page);
    });
  }

  /** Loads one page before the oldest message, unless a page is under way. */
  async older() {
    const timeline = this.timeline.value;
    if (this.busy.value || !timeline?.hasBefore) return;
    const before = timeline.nextBefore ?? ends(timeline).oldest;
    if (before !== null) await this.#read("older", { before }, (page) => withOlder(this.timeline.value, page));
  }

  /** Loads one page after the newest message, unless a page is under way. */
  async newer() {
    const timeline = this.timeline.value;
    if (this.busy.value || !timeline?.hasAfter) return;
    const after = ends(timeline).newest;
    if (after !== null) await this.#read("newer", { after }, (page) => withNewer(this.timeline.value, page));
  }

  /** Reads again what is in sight: after lost events, or where the last answer was not complete. */
  reload() {
    const place = this.following.value ? null : (this.anchor?.id ?? this.target.value);
    return place === null ? this.#read("latest", {}, fromPage) : this.#read("around", { around: place }, fromPage);
  }

  /** Repeats the read that failed. */
  retry() {
    const kind = this.problem.value?.kind;
    this.problem.value = null;
    if (kind === "older") return this.older();
    if (kind === "newer") return this.newer();
    return this.reload();
  }

  /** Applies one live frame. */
  receive(frame) {
    if (this.busy.value) this.#arrived.push(frame);
    const { value: timeline } = this.timeline;
    if (timeline) this.timeline.value = withFrame(timeline, frame, this.following.value);
  }

  /** Takes note that frames come only from `position` on: what is loaded must reach at least that far. */
  expect(position) {
    this.#floor = position;
    if (this.timeline.value && !this.busy.value && this.#isBehind()) this.reload();
  }

  /** Forgets the chat: nothing is read or shown any more. */
  close() {
    this.#turn += 1;
    clearTimeout(this.#timer);
  }

  async #read(kind, query, place) {
    const turn = (this.#turn += 1);
    clearTimeout(this.#timer);
    this.#arrived = [];
    this.busy.value = kind;
    try {
      const page = await this.#page({ ...query, limit: PAGE, at_least: this.#cursor()?.pos });
      if (turn === this.#turn) this.#place(place(page), page);
    } catch (problem) {
      if (turn === this.#turn) this.#failed(kind, problem);
    }
  }

  #place(timeline, page) {
    batch(() => {
      this.timeline.value = this.#arrived.reduce(
        (shown, frame) => withFrame(shown, frame, this.following.value),
        timeline,
      );
      this.busy.value = null;
      this.problem.value = null;
    });
    this.#position = { epoch: page.epoch, pos: page.pos };
    if (page.complete && !this.#isBehind()) {
      this.isStale.value = false;
      this.#tries = 0;
    } else {
      this.#reloadLater();
    }
  }

  #failed(kind, problem) {
    batch(() => {
      this.busy.value = null;
      this.problem.value = { kind, message: problem.message };
    });
    const isWhole = kind === "latest" || kind === "around";
    if (isWhole && problem.isRetryable) this.#reloadLater();
  }

  #reloadLater() {
    this.isStale.value = true;
    this.#timer = setTimeout(() => this.reload(), fullJitter(this.#tries, Math.random));
    this.#tries += 1;
  }

  #isBehind() {
    if (this.#floor === null) return false;
    return this.#position.epoch !== this.#floor.epoch || this.#position.pos < this.#floor.pos;
  }
}
