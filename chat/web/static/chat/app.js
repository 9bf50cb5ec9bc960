import { render } from "preact";
import { useEffect } from "preact/hooks";
import { ChatList } from "chat/chat_list";
import { titleOf } from "chat/chats";
import { ConnectionBanner } from "chat/connection_banner";
import { Conversation } from "chat/conversation";
import { html } from "chat/html";
import { Icon } from "chat/icon";
import { unreadInAll } from "chat/reading";
import { start } from "chat/session";
import { SignIn } from "chat/sign_in";
import { notice, openChat, openId, phase } from "chat/state";
import { ThreadPanel } from "chat/thread_panel";
import { openThread } from "chat/threads";
import { badge } from "chat/unread";

function App() {
  const count = unreadInAll.value === 0 ? "" : `(${badge(unreadInAll.value)}) `;
  const title = `${count}${openChat.value ? `${titleOf(openChat.value)} · ` : ""}Chat`;
  useEffect(() => {
    document.title = title;
  }, [title]);

  if (phase.value === "starting") return html`<p class="starting" role="status">${notice.value ?? "Loading…"}</p>`;
  if (phase.value === "signedOut") return html`<${SignIn} />`;
  const hasThread = openThread.value !== null && openChat.value !== null;
  return html`
    <div class="app ${openId.value === null ? "" : "is-open"} ${hasThread ? "has-thread" : ""}">
      <${ConnectionBanner} />
      <${ChatList} />
      <${Conversation} />
      ${hasThread && html`<${ThreadPanel} key=${openThread.value.rootId} />`}
      ${notice.value && html`<${Notice} />`}
    </div>
  `;
}

function Notice() {
  return html`
    <div class="notice" role="alert">
      ${notice}
      <button class="icon-button" aria-label="Close" onClick=${() => (notice.value = null)}>
        <${Icon} name="close" />
      </button>
    </div>
  `;
}

render(html`<${App} />`, document.getElementById("app"));
start();
