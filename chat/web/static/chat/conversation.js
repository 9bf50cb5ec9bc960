import { titleOf } from "chat/chats";
import { Composer } from "chat/composer";
import { html } from "chat/html";
import { Icon } from "chat/icon";
import { MessageList } from "chat/message_list";
import { areChatsLoaded, openChat, openHistory, openId } from "chat/state";

/** The open chat: its name, its messages, and where to write. */
export function Conversation() {
  const chat = openChat.value;
  const history = openHistory.value;
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
            ${chat.participant_count === 1 ? "Only you" : `${chat.participant_count} people`}
            ${history.isStale.value && " · catching up…"}
          </p>
        </div>
      </header>
      <${MessageList} key=${chat.id} history=${history} chatName=${title} />
      <${Composer} key=${`composer-${chat.id}`} chatId=${chat.id} chatName=${title} />
    </main>
  `;
}
