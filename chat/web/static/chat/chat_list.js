import { useEffect, useState } from "preact/hooks";
import { AccountPanel } from "chat/account_panel";
import { Avatar } from "chat/avatar";
import { titleOf } from "chat/chats";
import { shortMoment } from "chat/dates";
import { isFolded, setFolded, sorted } from "chat/folders";
import { html } from "chat/html";
import { Icon } from "chat/icon";
import { NewChat } from "chat/new_chat";
import { nameOf } from "chat/people";
import { ChoiceLine, PresenceMark } from "chat/presence_mark";
import { dueReminders } from "chat/reminders";
import { RemindersPanel } from "chat/reminders_panel";
import { routeTo } from "chat/route";
import { isQuiet, noticed, readingId } from "chat/reading";
import { SearchPanel } from "chat/search_panel";
import { signOut } from "chat/session";
import { StarsPanel } from "chat/stars_panel";
import { StatusPanel } from "chat/status_panel";
import { areChatsLoaded, me, openId, sortedChats, unsent } from "chat/state";
import { withoutSpoilers } from "chat/text";
import { unreadThreads } from "chat/threads";
import { ThreadsPanel } from "chat/threads_panel";
import { countToAcknowledge } from "chat/to_acknowledge";
import { ToAcknowledgePanel } from "chat/to_acknowledge_panel";
import { badge } from "chat/unread";

/** The side of the page: the person's chats, and the person. */
export function ChatList() {
  const [isCreating, setCreating] = useState(false);
  const [isAccount, setAccount] = useState(false);
  const [isStatus, setStatus] = useState(false);
  const [isSearching, setSearching] = useState(false);
  const [isStars, setStars] = useState(false);
  const [isThreads, setThreads] = useState(false);
  const [isReminders, setReminders] = useState(false);
  const [isToAcknowledge, setToAcknowledge] = useState(false);
  useEffect(() => {
    const press = (event) => {
      if (!isSearchKey(event)) return;
      event.preventDefault();
      setSearching(true);
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  return html`
    <aside class="side">
      <header class="bar">
        <h1>Chats</h1>
        <button
          class="icon-button"
          aria-label="Search messages"
          title="Search messages (/)"
          onClick=${() => setSearching(true)}
        >
          <${Icon} name="search" />
        </button>
        <button
          class="icon-button marked"
          data-testid="threads"
          aria-label=${unreadThreads.value > 0 ? "Threads, some unread" : "Threads"}
          title="Threads that you follow"
          onClick=${() => setThreads(true)}
        >
          <${Icon} name="threads" />
          ${unreadThreads.value > 0 && html`<span class="news-dot" data-testid="threads-news"></span>`}
        </button>
        <button
          class="icon-button marked"
          data-testid="reminders"
          aria-label=${dueReminders.value > 0 ? "Reminders, some due" : "Reminders"}
          title="Reminders"
          onClick=${() => setReminders(true)}
        >
          <${Icon} name="bell" />
          ${dueReminders.value > 0 && html`<span class="news-dot" data-testid="reminders-due"></span>`}
        </button>
        <button
          class="icon-button marked"
          data-testid="to-acknowledge"
          aria-label=${countToAcknowledge.value ? `To acknowledge: ${countToAcknowledge.value}` : "To acknowledge"}
          title="To acknowledge"
          onClick=${() => setToAcknowledge(true)}
        >
          <${Icon} name="acknowledge" />
          ${countToAcknowledge.value && html`<span class="badge" aria-hidden="true">${countToAcknowledge}</span>`}
        </button>
        <button
          class="icon-button"
          aria-label="Starred messages"
          title="Starred messages"
          onClick=${() => setStars(true)}
        >
          <${Icon} name="star" />
        </button>
        <button class="icon-button" aria-label="New chat" title="New chat" onClick=${() => setCreating(true)}>
          <${Icon} name="plus" />
        </button>
      </header>
      <nav class="chat-list" aria-label="Chats">
        ${sorted(sortedChats.value).map(({ folder, chats }) =>
          folder
            ? html`<${FolderItem} key=${folder.id} folder=${folder} chats=${chats} />`
            : chats.map((chat) => html`<${ChatItem} key=${chat.id} chat=${chat} />`),
        )}
        ${sortedChats.value.length === 0 &&
        html`<p class="empty">${areChatsLoaded.value ? "No chats yet. Start one with +." : "Loading…"}</p>`}
      </nav>
      <footer class="bar">
        <button class="own" aria-label="Your status" title="Your status" onClick=${() => setStatus(true)}>
          <${PresenceMark} id=${me.value.id}><${Avatar} id=${me.value.id} name=${nameOf(me.value.id)} /><//>
          <span class="own-lines" dir="auto">
            <span class="own-name">${nameOf(me.value.id)}</span>
            <${ChoiceLine} />
          </span>
        </button>
        <button class="icon-button" aria-label="Your account" title="Your account" onClick=${() => setAccount(true)}>
          <${Icon} name="gear" />
        </button>
        <button
          class="icon-button"
          data-testid="sign-out"
          aria-label="Sign out"
          title="Sign out"
          onClick=${signOutUnlessUnsent}
        >
          <${Icon} name="signOut" />
        </button>
      </footer>
      ${isStatus && html`<${StatusPanel} close=${() => setStatus(false)} />`}
      ${isAccount && html`<${AccountPanel} close=${() => setAccount(false)} />`}
      ${isSearching && html`<${SearchPanel} close=${() => setSearching(false)} />`}
      ${isStars && html`<${StarsPanel} close=${() => setStars(false)} />`}
      ${isReminders && html`<${RemindersPanel} close=${() => setReminders(false)} />`}
      ${isToAcknowledge && html`<${ToAcknowledgePanel} close=${() => setToAcknowledge(false)} />`}
      ${isThreads && html`<${ThreadsPanel} close=${() => setThreads(false)} />`}
      ${isCreating && html`<${NewChat} close=${() => setCreating(false)} />`}
    </aside>
  `;
}

function FolderItem({ folder: { id, name }, chats }) {
  const unread = chats.reduce((sum, chat) => sum + noticed(chat), 0);
  return html`
    <details
      class="folder"
      data-testid="folder"
      open=${!isFolded(id)}
      onToggle=${({ target }) => setFolded(id, !target.open)}
    >
      <summary>
        <span dir="auto">${name}</span>
        ${unread > 0 && html`<span class="badge" role="img" aria-label="${badge(unread)} unread">${badge(unread)}</span>`}
      </summary>
      ${chats.map((chat) => html`<${ChatItem} key=${chat.id} chat=${chat} />`)}
      ${chats.length === 0 && html`<p class="empty">No chats in it</p>`}
    </details>
  `;
}

function ChatItem({ chat }) {
  const isOpen = chat.id === openId.value;
  const { unread, mentions } = chat.id === readingId.value ? { unread: 0, mentions: 0 } : chat;
  const title = titleOf(chat);
  return html`
    <a
      class="chat-item ${unread > 0 ? "is-new" : ""} ${isQuiet(chat) ? "is-quiet" : ""}"
      data-testid="chat-${chat.id}"
      href=${routeTo(chat.id)}
      aria-current=${isOpen ? "true" : undefined}
    >
      <${PresenceMark} id=${chat.peer?.id}><${Avatar} id=${chat.peer?.id ?? chat.id} name=${title} /><//>
      <span class="chat-name" dir="auto">${title}</span>
      ${chat.last_message_at &&
      html`<time datetime=${chat.last_message_at}>${shortMoment(chat.last_message_at, Date.now())}</time>`}
      <span class="preview" dir="auto">${preview(chat)}</span>
      <span class="badges">
        ${chat.is_favourite &&
        html`<span role="img" data-testid="favourite-mark" aria-label="Favourite"><${Icon} name="favourite" /></span>`}
        ${mentions > 0 && html`<span class="badge" role="img" aria-label="You are mentioned">@</span>`}
        ${unread > 0 && html`<span class="badge" role="img" aria-label="${badge(unread)} unread">${badge(unread)}</span>`}
      </span>
    </a>
  `;
}

// Where a person writes, or a dialog is open, a slash is a slash.
function isSearchKey({ key, ctrlKey, metaKey, altKey, target }) {
  const isWritten = target.closest("input, textarea, select, dialog") !== null;
  return key === "/" && !ctrlKey && !metaKey && !altKey && !isWritten && !document.querySelector("dialog[open]");
}

function preview({ last_message: last }) {
  if (!last) return "No messages yet";
  const senderId = last.sender?.id;
  const sender = senderId === me.value.id ? "You" : nameOf(senderId);
  return `${sender}: ${withoutSpoilers(last.content)}`;
}

function signOutUnlessUnsent() {
  const count = unsent.value.length;
  const question = `${count === 1 ? "One message was" : `${count} messages were`} not sent and will be lost. Sign out?`;
  if (count === 0 || confirm(question)) signOut();
}
