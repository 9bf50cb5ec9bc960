import { useEffect, useState } from "preact/hooks";
import { useAsk } from "chat/ask";
import { titleOf } from "chat/chats";
import { fullTime } from "chat/dates";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import { MessageText } from "chat/message_text";
import { nameOf } from "chat/people";
import { routeTo } from "chat/route";
import { readStars, starChanges, starMessage } from "chat/stars";
import { chats } from "chat/state";

/** A dialog with what the person has starred in all chats, the latest star first. */
export function StarsPanel({ close }) {
  const [found, setFound] = useState(null);
  const [ask, isBusy, problem] = useAsk();
  const changes = starChanges.value;
  useEffect(() => {
    ask(async () => setFound(await readStars()));
  }, [changes]);
  const more = () =>
    ask(async () => {
      const { stars, next } = await readStars(found.next);
      setFound({ stars: [...found.stars, ...stars], next });
    });
  return html`
    <${Dialog} title="Starred messages" close=${close} wide>
      ${problem}
      ${found?.stars.length === 0 && html`<p class="hint">Nothing is starred. Only you see your stars.</p>`}
      <ul class="pins">
        ${found?.stars.map(({ message }) => html`<${Starred} key=${message.id} message=${message} close=${close} />`)}
      </ul>
      ${found?.next &&
      html`<button type="button" class="secondary" disabled=${isBusy} onClick=${more}>Show older ones</button>`}
    <//>
  `;
}

function Starred({ message, close }) {
  const chat = chats.value.get(message.chat_id);
  return html`
    <li data-testid="starred">
      <p class="hint">
        <strong dir="auto">${nameOf(message.sender?.id)}</strong>
        ${chat && html` · <span dir="auto">${titleOf(chat)}</span>`} · ${fullTime(message.created_at)}
      </p>
      <${MessageText} content=${message.content} markup=${message.html} mentions=${message.mentions} />
      <a href=${routeTo(message.chat_id, message.id)} onClick=${close}>Show</a>
      <button class="quiet" onClick=${() => starMessage(message.chat_id, message.id, false)}>Take the star away</button>
    </li>
  `;
}
