import { useEffect, useRef, useState } from "preact/hooks";
import { titleOf } from "chat/chats";
import { fullTime, shortMoment } from "chat/dates";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import { findMessages } from "chat/message_search";
import { nameOf } from "chat/people";
import { routeTo } from "chat/route";
import { chats, openChat } from "chat/state";
import { withoutSpoilers } from "chat/text";

// Long enough that a line typed at speed is one search.
const TYPING_PAUSE_MS = 300;

/** A dialog that finds messages and leads to them. */
export function SearchPanel({ close }) {
  const [query, setQuery] = useState("");
  const [isHere, setHere] = useState(false);
  const { answer, problem, isBusy, more } = useSearch(query.trim(), isHere ? openChat.value?.id : null);
  return html`
    <${Dialog} title="Search messages" close=${close} wide>
      <search class="stack">
        <label>
          Words
          <input
            type="search"
            name="words"
            maxlength="500"
            autofocus
            value=${query}
            aria-describedby="search-help"
            onInput=${({ target }) => setQuery(target.value)}
          />
        </label>
        <p class="hint" id="search-help">tea* "green tea" -milk from:ada in:"Tea kitchen" after:2026-01-31 has:link is:starred telegram:42</p>
        ${openChat.value &&
        html`
          <label class="inline">
            <input type="checkbox" checked=${isHere} onChange=${({ target }) => setHere(target.checked)} />
            Only in ${titleOf(openChat.value)}
          </label>
        `}
      </search>
      ${problem && html`<p class="problem" role="alert">${problem}</p>`}
      ${answer && html`<${Results} answer=${answer} close=${close} />`}
      ${answer?.next &&
      html`<button type="button" class="secondary" disabled=${isBusy} onClick=${more}>Show older ones</button>`}
    <//>
  `;
}

function Results({ answer: { messages, missing }, close }) {
  const count = messages.length === 0 ? "Nothing found" : messages.length === 1 ? "1 message" : `${messages.length} messages`;
  return html`
    <div class="stack">
      <p class="hint" role="status">
        ${count}${missing > 0 && ` · ${missing === 1 ? "one chat is" : `${missing} chats are`} still being indexed`}
      </p>
      <ol class="found" aria-label="Messages found">
        ${messages.map((message) => html`<${Result} key=${message.id} message=${message} close=${close} />`)}
      </ol>
    </div>
  `;
}

function Result({ message, close }) {
  const chat = chats.value.get(message.chat_id);
  return html`
    <li>
      <a class="result" data-testid="found" href=${routeTo(message.chat_id, message.id)} onClick=${close}>
        <span class="person-name" dir="auto">${nameOf(message.sender?.id)}</span>
        <time class="hint" datetime=${message.created_at} title=${fullTime(message.created_at)}>
          ${shortMoment(message.created_at, Date.now())}
        </time>
        ${chat && html`<span class="hint" dir="auto">${titleOf(chat)}</span>`}
        <span class="result-text" dir="auto">${withoutSpoilers(message.content)}</span>
      </a>
    </li>
  `;
}

/** Searches once typing pauses: `{answer, problem, isBusy, more}`, where answer is null until there is one. */
function useSearch(query, chatId) {
  const [state, setState] = useState({ answer: null, problem: null, isBusy: false });
  // What is asked now: an answer to anything earlier is dropped.
  const current = useRef(null);
  const ask = async (before, cursor) => {
    const asked = (current.current = {});
    setState((old) => ({ ...old, isBusy: true }));
    try {
      const { messages, ...rest } = await findMessages(query, { chatId, cursor });
      if (current.current !== asked) return;
      setState({ answer: { ...rest, messages: [...before, ...messages] }, problem: null, isBusy: false });
    } catch ({ message }) {
      // Which parameter is at fault says nothing to who sees one field.
      const problem = message.replace(/^q: /, "");
      if (current.current === asked) setState((old) => ({ ...old, problem, isBusy: false }));
    }
  };
  useEffect(() => {
    current.current = null;
    if (query === "") {
      setState({ answer: null, problem: null, isBusy: false });
      return undefined;
    }
    const timer = setTimeout(() => ask([], null), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [query, chatId]);
  return { ...state, more: () => ask(state.answer.messages, state.answer.next) };
}
