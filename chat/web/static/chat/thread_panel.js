import { Composer } from "chat/composer";
import { html } from "chat/html";
import { Icon } from "chat/icon";
import { Message } from "chat/message";
import { MessageList } from "chat/message_list";
import { may } from "chat/policy";
import { Silence } from "chat/silence";
import { openChat } from "chat/state";
import { closeThread, followThread, openThread, threadUnder } from "chat/threads";

/** Beside the conversation: a message, what is said under it, and where to reply. */
export function ThreadPanel() {
  const { chatId, rootId, history, root } = openThread.value;
  const chat = openChat.value;
  if (chat === null) return null;
  const isFollowing = threadUnder(rootId)?.following ?? false;
  const label = isFollowing ? "Follow this thread no longer" : "Follow this thread";
  return html`
    <aside class="thread" data-testid="thread-panel" aria-label="Thread">
      <header class="bar">
        <h2 class="title">Thread</h2>
        <button
          class="icon-button"
          data-testid="follow"
          aria-label=${label}
          aria-pressed=${isFollowing ? "true" : "false"}
          title=${label}
          onClick=${() => followThread(!isFollowing)}
        >
          <${Icon} name="bell" />
        </button>
        <button class="icon-button" aria-label="Close the thread" title="Close the thread" onClick=${closeThread}>
          <${Icon} name="close" />
        </button>
      </header>
      ${root && html`<div class="root"><${Message} key=${root.id} message=${root} inThread /></div>`}
      <${MessageList} key=${rootId} history=${history} chatName="this thread" threadId=${rootId} />
      ${root?.isDeleted || !may(chat, "reply")
        ? html`<p class="silence">${root?.isDeleted ? "The message was deleted: nobody can reply." : "You may not reply here."}</p>`
        : html`
            <${Silence} chat=${chat}>
              <${Composer} key=${`composer-${rootId}`} chatId=${chatId} chatName="this thread" threadId=${rootId} />
            <//>
          `}
    </aside>
  `;
}
