import { useEffect, useState } from "preact/hooks";
import { useAsk } from "chat/ask";
import { fullTime } from "chat/dates";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import { MessageText } from "chat/message_text";
import { pinMessage } from "chat/open_chat";
import { nameOf } from "chat/people";
import { isPinned, pinCount, readPins } from "chat/pins";
import { may } from "chat/policy";
import { routeTo } from "chat/route";

/** A dialog with the pinned messages of the open chat, the latest pin first. */
export function PinsPanel({ chat, close }) {
  const [pinned, setPinned] = useState(null);
  const [ask, isBusy, problem] = useAsk();
  const count = pinCount();
  useEffect(() => {
    ask(async () => setPinned(await readPins()));
  }, [count]);
  const shown = pinned?.filter(({ message }) => isPinned(message.id));
  return html`
    <${Dialog} title="Pinned messages" close=${close} wide>
      ${problem}
      ${shown?.length === 0 && html`<p class="hint">Nothing is pinned here.</p>`}
      <ul class="pins">
        ${shown?.map(
          ({ message, pinned_by: by, pinned_at: at }) => html`
            <li key=${message.id} data-testid="pinned">
              <p class="hint">
                <strong dir="auto">${nameOf(message.sender?.id)}</strong> · pinned by ${nameOf(by?.id)}, ${fullTime(at)}
              </p>
              <${MessageText} content=${message.content} markup=${message.html} mentions=${message.mentions} />
              <a href=${routeTo(chat.id, message.id)} onClick=${close}>Show</a>
              ${may(chat, "pin") &&
              html`
                <button class="quiet" disabled=${isBusy} onClick=${() => ask(() => pinMessage(message.id, false))}>
                  Unpin
                </button>
              `}
            </li>
          `,
        )}
      </ul>
    <//>
  `;
}
