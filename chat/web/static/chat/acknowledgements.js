import { useEffect, useState } from "preact/hooks";
import { useAsk } from "chat/ask";
import { fullTime } from "chat/dates";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import { readAcknowledgements } from "chat/open_chat";
import { namesOf } from "chat/reactions";
import { me, openChat, openId } from "chat/state";
import { acknowledge } from "chat/to_acknowledge";

/** What stands under an important message: how many have taken note, who, and the button to do so. */
export function Acknowledgements({ message }) {
  const [isOpen, setOpen] = useState(false);
  const [ask, isBusy, problem] = useAsk();
  const { id, senderId, acknowledged } = message;
  const { count, userIds } = acknowledged;
  const isDone = userIds.includes(me.value.id);
  const mayStill = senderId !== me.value.id && !isDone && openChat.value?.is_archived === false;
  return html`
    <div class="acknowledgements" data-testid="acknowledgements">
      ${mayStill &&
      html`
        <button
          class="secondary"
          data-testid="acknowledge"
          disabled=${isBusy}
          onClick=${() => ask(() => acknowledge(openId.value, id))}
        >
          Acknowledge
        </button>
      `}
      <button
        class="as-text"
        tabindex="-1"
        data-testid="acknowledged"
        title=${count > 0 ? namesOf(userIds, count) : "Nobody yet"}
        onClick=${() => setOpen(true)}
      >
        ${isDone ? "You have acknowledged this · " : ""}${count} acknowledged
      </button>
      ${problem}
      ${isOpen && html`<${Acknowledgers} message=${message} close=${() => setOpen(false)} />`}
    </div>
  `;
}

// Who has taken note, and for the sender who has not yet.
function Acknowledgers({ message, close }) {
  const [found, setFound] = useState(null);
  const [ask, isBusy, problem] = useAsk();
  const { count } = message.acknowledged;
  useEffect(() => {
    ask(async () => setFound(await readAcknowledgements(message.id)));
  }, [count]);
  const more = () =>
    ask(async () => {
      const next = await readAcknowledgements(message.id, found.next);
      setFound({ ...next, acknowledgements: [...found.acknowledgements, ...next.acknowledgements] });
    });
  return html`
    <${Dialog} title="Acknowledgements" close=${close}>
      ${problem}
      ${found?.waiting &&
      html`
        <h3>Not yet: ${found.waiting.count}</h3>
        <ul class="members" data-testid="waiting">
          ${found.waiting.users.map((user) => html`<li class="person" key=${user.id} dir="auto">${user.name}</li>`)}
        </ul>
      `}
      <h3>Acknowledged: ${count}</h3>
      <ul class="members" data-testid="acknowledgers">
        ${found?.acknowledgements.map(
          ({ user, acknowledged_at: at }) => html`
            <li class="person" key=${user.id}>
              <span class="session">
                <span dir="auto">${user.name ?? "Somebody who is gone"}</span>
                <span class="hint">${fullTime(at)}</span>
              </span>
            </li>
          `,
        )}
      </ul>
      ${found?.next &&
      html`<button type="button" class="secondary" disabled=${isBusy} onClick=${more}>Show more</button>`}
    <//>
  `;
}
