import { useEffect, useRef } from "preact/hooks";
import { useAsk } from "chat/ask";
import { titleOf } from "chat/chats";
import { fullTime } from "chat/dates";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import { MessageText } from "chat/message_text";
import { nameOf } from "chat/people";
import { routeTo } from "chat/route";
import { chats } from "chat/state";
import {
  acknowledge,
  areMoreToAcknowledge,
  readOlderToAcknowledge,
  readToAcknowledge,
  toAcknowledge,
} from "chat/to_acknowledge";

/** A dialog with what waits for the person's acknowledgement in all chats, the newest first. */
export function ToAcknowledgePanel({ close }) {
  const [ask, isBusy, problem] = useAsk();
  const list = useRef(null);
  useEffect(() => {
    ask(readToAcknowledge);
  }, []);
  // The button that had the focus goes with its row.
  const done = () => list.current?.focus();
  const isEmpty = toAcknowledge.value.length === 0 && !isBusy && !problem;
  return html`
    <${Dialog} title="To acknowledge" close=${close} wide>
      ${problem}
      ${isEmpty && html`<p class="hint">Nothing waits for you. Important messages that you have not acknowledged stand here.</p>`}
      <ul class="pins" ref=${list} tabindex="-1" aria-label="To acknowledge">
        ${toAcknowledge.value.map((message) => html`<${Asked} key=${message.id} message=${message} close=${close} done=${done} />`)}
      </ul>
      ${areMoreToAcknowledge.value &&
      html`<button type="button" class="secondary" disabled=${isBusy} onClick=${() => ask(readOlderToAcknowledge)}>Show older ones</button>`}
    <//>
  `;
}

function Asked({ message, close, done }) {
  const [ask, isBusy, problem] = useAsk();
  const { id, chatId, senderId, createdAt, content, html: markup, mentions } = message;
  const chat = chats.value.get(chatId);
  const name = nameOf(senderId);
  const take = () =>
    ask(async () => {
      await acknowledge(chatId, id);
      done();
    });
  return html`
    <li data-testid="to-acknowledge-row">
      <p class="hint">
        <strong dir="auto">${name}</strong> · <span dir="auto">${titleOf(chat)}</span> · ${fullTime(createdAt)}
      </p>
      <${MessageText} content=${content} markup=${markup} mentions=${mentions} />
      <a href=${routeTo(chatId, id)} onClick=${close}>Show</a>
      <button class="quiet" disabled=${isBusy} aria-label="Acknowledge what ${name} said" onClick=${take}>Acknowledge</button>
      ${problem}
    </li>
  `;
}
