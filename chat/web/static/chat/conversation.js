import { useEffect, useState } from "preact/hooks";
import { ChatPanel } from "chat/chat_panel";
import { titleOf } from "chat/chats";
import { Composer } from "chat/composer";
import { html } from "chat/html";
import { Icon } from "chat/icon";
import { loadMembers } from "chat/members";
import { MessageList } from "chat/message_list";
import { Silence } from "chat/silence";
import { areChatsLoaded, openChat, openHistory, openId } from "chat/state";

/** The open chat: its name, its messages, and where to write. */
export function Conversation() {
  const chat = openChat.value;
  const history = openHistory.value;
  const [isAsked, setAsked] = useState(false);
  const chatId = chat?.id ?? null;
  useEffect(() => {
    setAsked(false);
    loadMembers(chatId);
  }, [chatId]);
  if (openId.value === null) return html`<main class="conversation nothing"><p>Choose a chat.</p></main>`;
  if (chat === null) {
    return html`
      <main class="conversation nothing">
        <p>${areChatsLoaded.value ? "There is no such chat, or you are not in it." : "Loading…"}</p>
        <a href="#">All chats</a>
      </main>
    `;
  }
  const title = titleOf(chat);
  return html`
    <main class="conversation">
      <header class="bar">
        <a class="icon-button back" href="#" aria-label="All chats"><${Icon} name="back" /></a>
        <div class="title">
          <h2 dir="auto">${title}</h2>
          <p class="hint">
            ${size(chat)}
            ${history.isStale.value && " · catching up…"}
          </p>
        </div>
        <button class="icon-button about" aria-label="About this chat" title="About this chat" onClick=${() => setAsked(true)}>
          <${Icon} name="people" />
        </button>
      </header>
      <${MessageList} key=${chat.id} history=${history} chatName=${title} />
      <${Silence} chat=${chat}>
        <${Composer} key=${`composer-${chat.id}`} chatId=${chat.id} chatName=${title} />
      <//>
      ${isAsked && html`<${ChatPanel} chat=${chat} close=${() => setAsked(false)} />`}
    </main>
  `;
}

function size({ chat_type: kind, participant_count: count }) {
  if (kind === "direct") return "Only the two of you";
  return count === 1 ? "Only you" : `${count} people`;
}
