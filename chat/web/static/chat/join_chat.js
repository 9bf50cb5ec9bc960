import { useEffect, useState } from "preact/hooks";
import { useAsk } from "chat/ask";
import { Avatar } from "chat/avatar";
import { findPublicChats, joinChat } from "chat/chats";
import { html } from "chat/html";

// Long enough that a word typed at speed is one search.
const TYPING_PAUSE_MS = 250;

/** The public chats of one's company, to search and to join. */
export function JoinChat({ close }) {
  const [query, setQuery] = useState("");
  const [found, setFound] = useState(null);
  const [ask, isBusy, problem] = useAsk();
  useEffect(() => {
    let isCurrent = true;
    const timer = setTimeout(
      () =>
        ask(async () => {
          const page = await findPublicChats(query.trim());
          if (isCurrent) setFound(page);
        }),
      found ? TYPING_PAUSE_MS : 0,
    );
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [query]);

  const join = (chat) =>
    ask(async () => {
      await joinChat(chat.id);
      close();
    });
  const more = () =>
    ask(async () => {
      const page = await findPublicChats(query.trim(), found.next);
      setFound({ chats: [...found.chats, ...page.chats], next: page.next });
    });
  return html`
    <div class="stack">
      <label>
        Chats
        <input
          type="search"
          autofocus
          placeholder="Search by name"
          value=${query}
          onInput=${({ target }) => setQuery(target.value)}
        />
      </label>
      <div class="people" role="group" aria-label="Public chats">
        ${found?.chats.map((chat) => html`<${PublicChat} key=${chat.id} chat=${chat} isBusy=${isBusy} join=${join} />`)}
        ${found?.chats.length === 0 && html`<p class="empty">No public chats found</p>`}
      </div>
      ${found?.next && html`<button type="button" class="secondary" disabled=${isBusy} onClick=${more}>Show more</button>`}
      ${problem}
    </div>
  `;
}

function PublicChat({ chat, isBusy, join }) {
  const { name, description, participant_count: count, is_member: isMember } = chat;
  return html`
    <button
      type="button"
      class="person"
      data-testid="public-chat"
      aria-label="${isMember ? "Open" : "Join"} ${name}"
      disabled=${isBusy}
      onClick=${() => join(chat)}
    >
      <${Avatar} id=${chat.id} name=${name} />
      <span class="person-name" dir="auto">
        ${name} ${description && html`<span class="hint is-line" dir="auto">${description}</span>`}
      </span>
      <span class="hint">${count === 1 ? "1 person" : `${count} people`}${isMember ? " · you are in" : ""}</span>
    </button>
  `;
}
