import { useEffect, useState } from "preact/hooks";
import { ChatPanel } from "chat/chat_panel";
import { titleOf } from "chat/chats";
import { Composer } from "chat/composer";
import { DayPicker } from "chat/day_picker";
import { html } from "chat/html";
import { Icon } from "chat/icon";
import { loadMembers } from "chat/members";
import { MessageList } from "chat/message_list";
import { setFavourite } from "chat/open_chat";
import { nameOf } from "chat/people";
import { loadPins, pinCount } from "chat/pins";
import { PinsPanel } from "chat/pins_panel";
import { PresenceLine } from "chat/presence_mark";
import { PrivateAnswers } from "chat/private_answers";
import { loadPositions } from "chat/read_positions";
import { Silence } from "chat/silence";
import { loadStars } from "chat/stars";
import { areChatsLoaded, openChat, openHistory, openId } from "chat/state";
import { typingLine } from "chat/typing";
import { writers } from "chat/writers";

/** The open chat: its name, its messages, and where to write. */
export function Conversation() {
  const chat = openChat.value;
  const history = openHistory.value;
  const [dialog, setDialog] = useState(null);
  const chatId = chat?.id ?? null;
  useEffect(() => {
    setDialog(null);
    loadMembers(chatId);
    loadPositions(chatId);
    loadPins(chatId);
    loadStars(chatId);
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
            ${chat.peer && html` · <${PresenceLine} id=${chat.peer.id} />`}
            ${history.isStale.value && " · catching up…"}
          </p>
        </div>
        ${pinCount() > 0 &&
        html`<${HeaderButton} icon="pin" label="${pinCount()} pinned" open=${() => setDialog("pins")} />`}
        <${Favourite} chat=${chat} />
        <${HeaderButton} icon="calendar" label="Jump to a day" open=${() => setDialog("day")} />
        <${HeaderButton} icon="people" label="About this chat" open=${() => setDialog("about")} />
      </header>
      <${MessageList} key=${chat.id} history=${history} chatName=${title} />
      <${PrivateAnswers} chatId=${chat.id} />
      <${Writers} chatId=${chat.id} />
      <${Silence} chat=${chat}>
        <${Composer} key=${`composer-${chat.id}`} chatId=${chat.id} chatName=${title} />
      <//>
      ${dialog === "about" && html`<${ChatPanel} chat=${chat} close=${() => setDialog(null)} />`}
      ${dialog === "pins" && html`<${PinsPanel} chat=${chat} close=${() => setDialog(null)} />`}
      ${dialog === "day" && html`<${DayPicker} close=${() => setDialog(null)} />`}
    </main>
  `;
}

function Favourite({ chat }) {
  return html`
    <button
      class="icon-button"
      aria-label="Favourite"
      aria-pressed=${chat.is_favourite ? "true" : "false"}
      title=${chat.is_favourite ? "No favourite any more" : "Make it a favourite: first in the list"}
      onClick=${() => setFavourite(!chat.is_favourite)}
    >
      <${Icon} name="favourite" />
    </button>
  `;
}

function HeaderButton({ icon, label, open }) {
  return html`
    <button class="icon-button" aria-label=${label} title=${label} onClick=${open}><${Icon} name=${icon} /></button>
  `;
}

// Not read aloud: it would be said again with every pause in writing.
function Writers({ chatId }) {
  const names = [...(writers.value.get(chatId)?.keys() ?? [])].map(nameOf);
  return html`<p class="typing" aria-live="off" data-testid="typing" dir="auto">${typingLine(names)}</p>`;
}

function size({ chat_type: kind, participant_count: count }) {
  if (kind === "direct") return "Only the two of you";
  return count === 1 ? "Only you" : `${count} people`;
}
