import { useLayoutEffect, useRef } from "preact/hooks";
import { compareIds, ordered } from "chat-client";
import { dayKey, dayName } from "chat/dates";
import { html } from "chat/html";
import { Icon } from "chat/icon";
import { Message, UnsentMessage } from "chat/message";
import { showLatest } from "chat/open_chat";
import { nameOf } from "chat/people";
import { notePlace, readAhead, restorePlace, showNews, showRow, walk } from "chat/place";
import { seenBy } from "chat/read_positions";
import { newAfter } from "chat/reading";
import { arrival, me, openId, unsent } from "chat/state";
import { withoutSpoilers } from "chat/text";
import { ends } from "chat/timeline";

// Messages of one person within this time stand together under one name.
const GROUP_MS = 300_000;

/** The messages of the open chat but for those in threads, or those of one thread; scrolled. */
export function MessageList({ history, chatName, threadId = null }) {
  const box = useRef(null);
  const height = useRef(0);
  const shownTarget = useRef(null);
  const wasOpened = useRef(false);
  const timeline = history.timeline.value;
  const target = history.target.value;
  // Read here, not in the rows: what waits to be sent moves the end of the list as well.
  const waiting = unsent.value.filter((entry) => entry.roomId === openId.value && (entry.threadId ?? null) === threadId);

  useLayoutEffect(() => {
    if (target === null || target !== shownTarget.current) shownTarget.current = null;
    if (target !== null && shownTarget.current === null && timeline && showRow(box.current, target)) {
      shownTarget.current = target;
    } else if (wasOpened.current || !timeline || !showNews(box.current)) {
      restorePlace(box.current, history);
    }
    wasOpened.current ||= timeline !== null;
    notePlace(box.current, history);
    readAhead(box.current, history);
  });
  useLayoutEffect(() => {
    const element = box.current;
    const watch = new ResizeObserver(() => {
      restorePlace(element, history);
      height.current = element.clientHeight;
    });
    watch.observe(element);
    // Rows change without the list: a text is edited, a state is shown.
    const changes = new MutationObserver(() => restorePlace(element, history));
    changes.observe(element, { childList: true, characterData: true, subtree: true });
    return () => {
      watch.disconnect();
      changes.disconnect();
    };
  }, [history]);

  const scrolled = () => {
    // A change of size moves the rows as well, but it is not the reader who scrolls.
    if (box.current.clientHeight !== height.current) return;
    notePlace(box.current, history);
    readAhead(box.current, history);
  };
  const toLatest = () => {
    if (timeline?.hasAfter) (threadId === null ? showLatest : () => history.latest())();
    else box.current.scrollTop = box.current.scrollHeight;
  };
  const toNews = () => {
    wasOpened.current = false;
    history.around(newAfter.value);
  };

  return html`
    <div class="messages">
      <div
        class="scroll"
        ref=${box}
        role="log"
        aria-live="off"
        aria-label="Messages in ${chatName}"
        aria-busy=${history.busy.value !== null}
        tabindex="0"
        onScroll=${scrolled}
        onKeyDown=${(event) => walk(box.current, event)}
      >
        <${TopEnd} history=${history} chatName=${chatName} threadId=${threadId} />
        ${timeline && rows(timeline, target, threadId)}
        ${timeline?.hasAfter
          ? html`<${End} history=${history} kind="newer" />`
          : waiting.map((entry) => html`<${UnsentMessage} key=${entry.nonce} entry=${entry} />`)}
      </div>
      ${timeline &&
      threadId === null &&
      isAbove(timeline, newAfter.value) &&
      html`<button class="jump above" onClick=${toNews}><${Icon} name="up" /> Jump to first unread</button>`}
      ${!history.following.value &&
      html`
        <button class="jump" data-testid="jump" onClick=${toLatest}><${Icon} name="down" /> Jump to latest</button>
      `}
      ${threadId === null && html`<${Arrival} />`}
    </div>
  `;
}

function isAbove(timeline, messageId) {
  const { oldest } = ends(timeline);
  return timeline.hasBefore && messageId !== null && oldest !== null && compareIds(messageId, oldest) < 0;
}

function rows(timeline, target, threadId) {
  const now = Date.now();
  let above = null;
  // Where what is new starts before the loaded part, the line would stand too low.
  let hasNews = threadId !== null || newAfter.value === null || isAbove(timeline, newAfter.value);
  // One flat list: Preact finds a row by its key only among its brothers.
  const shown = ordered(timeline.messages).filter((message) => message.threadId === threadId);
  return shown.flatMap((message) => {
    const isNewDay = !above || dayKey(above.createdAt) !== dayKey(message.createdAt);
    const isGrouped =
      !isNewDay &&
      above.senderId === message.senderId &&
      Date.parse(message.createdAt) - Date.parse(above.createdAt) < GROUP_MS;
    above = message;
    const isFirstNew = !hasNews && message.senderId !== me.value.id && compareIds(message.id, newAfter.value) > 0;
    hasNews ||= isFirstNew;
    const isTarget = message.id === target;
    const day = html`<${Day} key=${`day-${message.id}`} name=${dayName(message.createdAt, now)} />`;
    const row = html`
      <${Message} key=${message.id} message=${message} isGrouped=${isGrouped && !isFirstNew} isTarget=${isTarget} />
    `;
    const line = html`<${News} key="news" />`;
    const isSeen = message.id === seenBy.value?.id && seenBy.value.userIds.length > 0;
    const seen = html`<${Seen} key="seen" userIds=${seenBy.value?.userIds} />`;
    return [isNewDay && day, isFirstNew && line, row, isSeen && seen].filter(Boolean);
  });
}

function Day({ name }) {
  return html`<div class="day" role="separator" aria-label=${name}><span aria-hidden="true">${name}</span></div>`;
}

function Seen({ userIds }) {
  const names = userIds.map(nameOf);
  if (names.length <= 2) return html`<p class="seen" data-testid="seen" dir="auto">Seen by ${names.join(" and ")}</p>`;
  return html`
    <details class="seen" data-testid="seen">
      <summary dir="auto">Seen by ${names[0]} and ${names.length - 1} others</summary>
      <span dir="auto">${names.join(", ")}</span>
    </details>
  `;
}

function News() {
  return html`<div class="day news" data-testid="news" role="separator"><span>New messages</span></div>`;
}

function TopEnd({ history, chatName, threadId }) {
  const timeline = history.timeline.value;
  if (timeline && !timeline.hasBefore && threadId !== null) return null;
  if (timeline && !timeline.hasBefore) return html`<p class="end">This is where ${chatName} begins.</p>`;
  return html`<${End} history=${history} kind=${timeline ? "older" : history.problem.value?.kind} />`;
}

function End({ history, kind }) {
  const problem = history.problem.value;
  if (!problem || problem.kind !== kind) return html`<p class="end">Loading…</p>`;
  return html`
    <p class="end" role="alert">
      ${problem.message} <button class="quiet" onClick=${() => history.retry()}>Try again</button>
    </p>
  `;
}

// Only what arrives is read aloud; history that is scrolled in is not.
function Arrival() {
  const { senderId, content } = arrival.value ?? {};
  return html`<div class="unseen" aria-live="polite">${content && `${nameOf(senderId)}: ${withoutSpoilers(content)}`}</div>`;
}
