import { useEffect, useState } from "preact/hooks";
import { useAsk } from "chat/ask";
import { titleOf } from "chat/chats";
import { fullTime } from "chat/dates";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import { MessageText } from "chat/message_text";
import { nameOf } from "chat/people";
import { chats } from "chat/state";
import { goToThread, readThreads, threadChanges } from "chat/threads";
import { badge } from "chat/unread";

/** A dialog with the threads that the person follows, the latest reply first. */
export function ThreadsPanel({ close }) {
  const [found, setFound] = useState(null);
  const [ask, isBusy, problem] = useAsk();
  const changes = threadChanges.value;
  useEffect(() => {
    ask(async () => setFound(await readThreads()));
  }, [changes]);
  const more = () =>
    ask(async () => {
      const { threads, next } = await readThreads(found.next);
      setFound({ threads: [...found.threads, ...threads], next });
    });
  return html`
    <${Dialog} title="Threads" close=${close} wide>
      ${problem}
      ${found?.threads.length === 0 &&
      html`<p class="hint">You follow no thread. You do once you reply in one, or somebody replies to you in one.</p>`}
      <ul class="pins">
        ${found?.threads.map((root) => html`<${Followed} key=${root.id} root=${root} close=${close} />`)}
      </ul>
      ${found?.next &&
      html`<button type="button" class="secondary" disabled=${isBusy} onClick=${more}>Show older ones</button>`}
    <//>
  `;
}

function Followed({ root, close }) {
  const chat = chats.value.get(root.chat_id);
  const { replies, unread, last_reply_at: at } = root.thread;
  const show = () => {
    close();
    goToThread(root.chat_id, root.id);
  };
  return html`
    <li data-testid="followed">
      <p class="hint">
        <strong dir="auto">${nameOf(root.sender?.id)}</strong>
        ${chat && html` · <span dir="auto">${titleOf(chat)}</span>`} ${at && html` · ${fullTime(at)}`}
      </p>
      <${MessageText} content=${root.content} markup=${root.html} mentions=${root.mentions} />
      <button class="quiet" onClick=${show}>${replies === 1 ? "1 reply" : `${replies} replies`}</button>
      ${unread > 0 && html`<span class="badge" aria-label="${badge(unread)} unread">${badge(unread)}</span>`}
    </li>
  `;
}
