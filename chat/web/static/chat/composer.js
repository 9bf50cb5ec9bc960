import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { newNonce } from "chat-client";
import { commandsOf, invoke, loadCommands } from "chat/bot_commands";
import { CommandMenu } from "chat/command_menu";
import { draftsHeard, keepDraft } from "chat/drafts";
import { html } from "chat/html";
import { Icon } from "chat/icon";
import { LaterPanel } from "chat/later_panel";
import { pressMark } from "chat/marking";
import { members } from "chat/members";
import { MentionMenu } from "chat/mention_menu";
import { ALL, HERE, candidates, mentionAt, mentioned, withMention } from "chat/mentions";
import { answer, send } from "chat/open_chat";
import { people } from "chat/people";
import { may } from "chat/policy";
import { PollPanel } from "chat/poll_panel";
import { QuotedText } from "chat/quote";
import { quotedMessage } from "chat/quotes";
import { answered } from "chat/reading";
import { commandIn, offeredFor, said, slashAt, withCommand } from "chat/slash";
import { answering, drafts, longestText, me, openChat } from "chat/state";
import { reply } from "chat/threads";
import { groupsToMention } from "chat/user_groups";
import { tellStopped, tellWriting } from "chat/writers";

// The room left is shown from this many code points on.
const WARN_BELOW = 200;

const MENU = "mention-menu";

const SEVERAL = [
  { id: ALL, name: ALL, username: ALL, hint: "everybody in this chat" },
  { id: HERE, name: HERE, username: HERE, hint: "who is online" },
];

/**
 * Where one writes, in the chat or in one of its threads: Enter sends, Shift+Enter breaks the line, @ mentions, / asks a
 * bot of the chat, Ctrl+B and Ctrl+I mark.
 */
export function Composer({ chatId, chatName, threadId = null }) {
  const field = useRef(null);
  const isInThread = threadId !== null;
  const place = threadId ?? chatId;
  const menuId = `${MENU}-${place}`;
  const leftId = `left-${place}`;
  const [draft, setDraft] = useState(drafts.get(place) ?? { text: "", chosen: [] });
  const [isLater, setLater] = useState(false);
  const [isImportant, setImportant] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const [refused, setRefused] = useState(null);
  const invoking = useRef({ isBusy: false, key: null });
  const { text, chosen } = draft;
  const left = longestText.value - [...text].length;
  const replyToId = isInThread ? null : (answering.value.get(chatId) ?? null);
  const canSend = text.trim() !== "" && left >= 0;

  const change = (next) => {
    drafts.set(place, next);
    setDraft(next);
    setRefused(null);
    invoking.current.key = null;
    // What is begun in a thread stays on this device, and is no writing in the chat.
    if (isInThread) return;
    keepDraft(chatId);
    // What a bot is asked is no writing either: nobody else will see it.
    if (next.text.trim() === "" || (next.text.startsWith("/") && !next.text.startsWith("//"))) tellStopped(chatId);
    else tellWriting(chatId);
  };
  const mentions = useCompletion(field, text, {
    at: mentionAt,
    find: ({ query }) => candidates(query, whoMayBeMeant()),
    put: (typed, one) => {
      const next = withMention(text, typed, one.name);
      change({ ...draft, text: next.text, chosen: [...chosen, { id: one.id, name: one.name }] });
      return next.caret;
    },
  });
  const commands = useCompletion(field, text, {
    // What a bot answers to all it says in the chat, so no thread asks one.
    at: isInThread ? () => null : slashAt,
    find: ({ query }) => offeredFor(query, commandsOf(chatId)),
    put: (typed, one) => {
      const next = withCommand(text, typed, one.name);
      change({ ...draft, text: next.text, command: { name: one.name, botId: one.bot.id } });
      return next.caret;
    },
    isWhole: ({ query }, one) => one.name === query,
  });
  const menu = commands.isOpen ? commands : mentions;
  const look = (event) => {
    mentions.look(event);
    commands.look(event);
  };

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
  const isSlashed = !isInThread && text.startsWith("/");
  useEffect(() => {
    if (isSlashed) loadCommands(chatId);
  }, [isSlashed]);
  useLayoutEffect(() => {
    if (replyToId !== null) field.current.focus();
  }, [replyToId]);

  const submit = (event) => {
    event.preventDefault();
    if (!canSend) return;
    const asked = isInThread ? null : commandIn(text);
    if (asked === null) say(isInThread ? text.trim() : said(text.trim()));
    else ask(asked);
  };
  const say = (content) => {
    const options = { mentions: mentioned(text, chosen), important: isImportant };
    if (isInThread) {
      reply(content, options);
    } else {
      send(content, options);
      answered();
    }
    empty();
    setImportant(false);
  };
  const empty = () => {
    change({ text: "", chosen: [] });
    field.current.focus();
  };
  // The text stays until the server has taken it; the same text again is the same request.
  const ask = async (asked) => {
    const now = invoking.current;
    if (now.isBusy) return;
    now.isBusy = true;
    now.key ??= newNonce();
    setRefused(null);
    try {
      const botId = draft.command?.name === asked.command ? draft.command.botId : undefined;
      await invoke(chatId, { ...asked, botId }, now.key);
      // Whoever has begun something else meanwhile keeps it.
      if (drafts.get(place)?.text === text) empty();
    } catch (problem) {
      setRefused(problem);
    } finally {
      now.isBusy = false;
    }
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
      ${refused && html`<${Refused} problem=${refused} sayIt=${() => say(text.trim())} />`}
      ${commands.isOpen &&
      html`<${CommandMenu} id=${menuId} commands=${menu.found} active=${menu.active} choose=${menu.choose} />`}
      ${!commands.isOpen &&
      mentions.isOpen &&
      html`<${MentionMenu} id=${menuId} people=${menu.found} active=${menu.active} choose=${menu.choose} />`}
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
          look(event);
        }}
        onKeyDown=${press}
        onKeyUp=${look}
        onClick=${look}
        onBlur=${() => {
          mentions.close();
          commands.close();
          if (!isInThread) tellStopped(chatId);
        }}
      ></textarea>
      <span id=${leftId} class=${left < 0 ? "left problem" : "left"}>
        ${left <= WARN_BELOW ? `${left} left` : ""}
      </span>
      <button
        type="button"
        class="icon-button"
        data-testid="ask-poll"
        aria-label="Poll"
        title="Poll"
        onClick=${() => setAsking(true)}
      >
        <${Icon} name="poll" />
      </button>
      ${may(openChat.value, "mark_important") &&
      html`
        <button
          type="button"
          class="icon-button"
          data-testid="important"
          aria-label="Important"
          aria-pressed=${isImportant}
          title="Important: asks everybody to acknowledge it"
          onClick=${() => setImportant(!isImportant)}
        >
          <${Icon} name="important" />
        </button>
      `}
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
    ${isAsking &&
    html`<${PollPanel} threadId=${threadId} text=${text} write=${put} close=${() => setAsking(false)} />`}
    ${isLater &&
    html`
      <${LaterPanel}
        chatId=${chatId}
        draft=${{ text, replyToId, mentions: mentioned(text, chosen), important: isImportant }}
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

// A command that is none is said only when the person says so.
function Refused({ problem, sayIt }) {
  return html`
    <p class="answered refused" role="alert" data-testid="refused">
      <span class="problem">${problem.message}</span>
      ${problem.status === 404 && html`<button type="button" class="quiet" onClick=${sayIt}>Send as text</button>`}
    </p>
  `;
}

// The menu of what may stand in place of what is typed before the caret: `at` finds that, `find` who or what it may
// mean, `put` puts one in place of it and returns the caret; a lone one that `isWhole` leaves Enter to the composer.
function useCompletion(field, text, { at, find, put, isWhole = () => false }) {
  const [typed, setTyped] = useState(null);
  const [active, setActive] = useState(0);
  const caret = useRef(null);
  const found = typed === null ? [] : find(typed);
  const isOpen = found.length > 0;

  useLayoutEffect(() => {
    if (caret.current !== null) field.current.setSelectionRange(caret.current, caret.current);
    caret.current = null;
  }, [text]);

  const close = () => setTyped(null);
  const look = ({ target, key }) => {
    if (key === "Escape") return;
    const next = at(target.value, target.selectionStart);
    if (next?.query !== typed?.query) setActive(0);
    setTyped(next);
  };
  const choose = (one) => {
    close();
    caret.current = put(typed, one);
  };
  const press = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!isOpen || event.shiftKey) return false;
    if (event.key === "Enter" && found.length === 1 && isWhole(typed, found[0])) return false;
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
  const byName = known.filter(Boolean).map((user) => ({ ...user, hint: `@${user.username}` }));
  return [...byName, ...groupsToMention(), ...(may(openChat.value, "mention_all") ? SEVERAL : [])];
}
