import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { draftsHeard, keepDraft } from "chat/drafts";
import { html } from "chat/html";
import { Icon } from "chat/icon";
import { LaterPanel } from "chat/later_panel";
import { pressMark } from "chat/marking";
import { members } from "chat/members";
import { MentionMenu } from "chat/mention_menu";
import { ALL, candidates, mentionAt, mentioned, withMention } from "chat/mentions";
import { answer, send } from "chat/open_chat";
import { people } from "chat/people";
import { may } from "chat/policy";
import { QuotedText } from "chat/quote";
import { quotedMessage } from "chat/quotes";
import { answered } from "chat/reading";
import { answering, drafts, longestText, me, openChat } from "chat/state";
import { reply } from "chat/threads";
import { tellStopped, tellWriting } from "chat/writers";

// The room left is shown from this many code points on.
const WARN_BELOW = 200;

const MENU = "mention-menu";

/**
 * Where one writes, in the chat or in one of its threads: Enter sends, Shift+Enter breaks the line, @ mentions, Ctrl+B
 * and Ctrl+I mark.
 */
export function Composer({ chatId, chatName, threadId = null }) {
  const field = useRef(null);
  const isInThread = threadId !== null;
  const place = threadId ?? chatId;
  const menuId = `${MENU}-${place}`;
  const leftId = `left-${place}`;
  const [draft, setDraft] = useState(drafts.get(place) ?? { text: "", chosen: [] });
  const [isLater, setLater] = useState(false);
  const { text, chosen } = draft;
  const left = longestText.value - [...text].length;
  const replyToId = isInThread ? null : (answering.value.get(chatId) ?? null);
  const canSend = text.trim() !== "" && left >= 0;

  const change = (next) => {
    drafts.set(place, next);
    setDraft(next);
    // What is begun in a thread stays on this device, and is no writing in the chat.
    if (isInThread) return;
    keepDraft(chatId);
    if (next.text.trim() === "") tellStopped(chatId);
    else tellWriting(chatId);
  };
  const menu = useMentions(field, draft, change);

  // On a phone the focus would cover half the chat with a keyboard.
  useLayoutEffect(() => {
    if (!matchMedia("(pointer: coarse)").matches) field.current.focus();
  }, []);
  useLayoutEffect(() => {
    field.current.style.height = "auto";
    field.current.style.height = `${field.current.scrollHeight}px`;
  }, [text]);
  // From another device, while nothing is being written here.
  useEffect(() => setDraft(drafts.get(place) ?? { text: "", chosen: [] }), [draftsHeard.value]);
  useEffect(() => () => isInThread || tellStopped(chatId), []);
  useLayoutEffect(() => {
    if (replyToId !== null) field.current.focus();
  }, [replyToId]);

  const submit = (event) => {
    event.preventDefault();
    if (!canSend) return;
    if (isInThread) {
      reply(text.trim(), mentioned(text, chosen));
    } else {
      send(text.trim(), mentioned(text, chosen));
      answered();
    }
    change({ text: "", chosen: [] });
    field.current.focus();
  };
  const put = (text) => {
    change({ text, chosen: [] });
    if (text === "") answer(null);
  };
  const press = (event) => {
    // While an input method composes, Enter chooses a word.
    if (event.isComposing || menu.press(event) || pressMark(event)) return;
    if (event.key === "Enter" && !event.shiftKey) submit(event);
    else if (event.key === "Escape" && !isInThread) answer(null);
  };

  return html`
    <form class="composer" onSubmit=${submit}>
      ${replyToId !== null && html`<${Answered} id=${replyToId} />`}
      ${menu.isOpen && html`<${MentionMenu} id=${menuId} people=${menu.found} active=${menu.active} choose=${menu.choose} />`}
      <textarea
        ref=${field}
        data-testid=${isInThread ? "thread-composer" : "composer"}
        rows="1"
        dir="auto"
        enterkeyhint="send"
        placeholder=${isInThread ? "Reply in this thread" : "Write a message"}
        aria-label="Message to ${chatName}"
        aria-describedby=${leftId}
        aria-autocomplete="list"
        aria-controls=${menu.isOpen ? menuId : undefined}
        aria-activedescendant=${menu.isOpen ? `${menuId}-${menu.active}` : undefined}
        value=${text}
        onInput=${(event) => {
          change({ ...draft, text: event.target.value });
          menu.look(event);
        }}
        onKeyDown=${press}
        onKeyUp=${menu.look}
        onClick=${menu.look}
        onBlur=${() => {
          menu.close();
          if (!isInThread) tellStopped(chatId);
        }}
      ></textarea>
      <span id=${leftId} class=${left < 0 ? "left problem" : "left"}>
        ${left <= WARN_BELOW ? `${left} left` : ""}
      </span>
      ${!isInThread &&
      html`
        <button
          type="button"
          class="icon-button"
          aria-label="Later and often"
          title="Send later, templates"
          onClick=${() => setLater(true)}
        >
          <${Icon} name="clock" />
        </button>
      `}
      <button class="send" data-testid=${isInThread ? "thread-send" : "send"} aria-label="Send" title="Send" disabled=${!canSend}>
        <${Icon} name="send" />
      </button>
    </form>
    ${isLater &&
    html`
      <${LaterPanel}
        chatId=${chatId}
        draft=${{ text, replyToId, mentions: mentioned(text, chosen) }}
        write=${put}
        close=${() => setLater(false)}
      />
    `}
  `;
}

function Answered({ id }) {
  const message = quotedMessage(id);
  return html`
    <p class="answered" data-testid="answered">
      <span class="quote">${message && html`<${QuotedText} message=${message} />`}</span>
      <button type="button" class="icon-button" aria-label="Do not reply" title="Do not reply" onClick=${() => answer(null)}>
        <${Icon} name="close" />
      </button>
    </p>
  `;
}

// The menu of whom "@" before the caret may mean.
function useMentions(field, { text, chosen }, change) {
  const [typed, setTyped] = useState(null);
  const [active, setActive] = useState(0);
  const caret = useRef(null);
  const found = typed === null ? [] : candidates(typed.query, whoMayBeMeant());
  const isOpen = found.length > 0;

  useLayoutEffect(() => {
    if (caret.current !== null) field.current.setSelectionRange(caret.current, caret.current);
    caret.current = null;
  }, [text]);

  const close = () => setTyped(null);
  const look = ({ target, key }) => {
    if (key === "Escape") return;
    const next = mentionAt(target.value, target.selectionStart);
    if (next?.query !== typed?.query) setActive(0);
    setTyped(next);
  };
  const choose = (one) => {
    const next = withMention(text, typed, one.name);
    caret.current = next.caret;
    close();
    change({ text: next.text, chosen: [...chosen, { id: one.id, name: one.name }] });
  };
  const press = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!isOpen || event.shiftKey) return false;
    if (step) setActive((active + step + found.length) % found.length);
    else if (event.key === "Enter" || event.key === "Tab") choose(found[active]);
    else if (event.key === "Escape") close();
    else return false;
    event.preventDefault();
    return true;
  };
  return { isOpen, found, active, choose, press, look, close };
}

function whoMayBeMeant() {
  const known = [...members.value.keys()].filter((id) => id !== me.value.id).map((id) => people.value.get(id));
  const all = may(openChat.value, "mention_all") ? [{ id: ALL, name: ALL, username: ALL, hint: "everybody here" }] : [];
  return [...known.filter(Boolean).map((user) => ({ ...user, hint: `@${user.username}` })), ...all];
}
