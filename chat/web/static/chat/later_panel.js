import { useEffect, useState } from "preact/hooks";
import { useAsk } from "chat/ask";
import { fullTime, localValue } from "chat/dates";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import { cancelScheduled, laterHeard, readScheduled, schedule } from "chat/later";
import { TemplatePicker } from "chat/templates_panel";

const HOUR_MS = 3_600_000;

/**
 * A dialog of the composer: to send what is written later, and to write what one often does.
 *
 * `draft` is `{text, replyToId, mentions, important}`; `write` puts a text in its place.
 */
export function LaterPanel({ chatId, draft, write, close }) {
  return html`
    <${Dialog} title="Later and often" close=${close} wide>
      <${SendLater} chatId=${chatId} draft=${draft} write=${write} />
      <${TemplatePicker} chatId=${chatId} draft=${draft} write=${write} close=${close} />
    <//>
  `;
}

function SendLater({ chatId, draft, write }) {
  const [waiting, setWaiting] = useState([]);
  const [at, setAt] = useState(localValue(new Date(Date.now() + HOUR_MS)));
  const [ask, isBusy, problem] = useAsk();
  useEffect(() => {
    ask(async () => setWaiting(await readScheduled(chatId)));
  }, [laterHeard.value]);
  const submit = (event) => {
    event.preventDefault();
    ask(async () => {
      await schedule(chatId, { ...draft, content: draft.text.trim(), at: new Date(at) });
      write("");
      setWaiting(await readScheduled(chatId));
    });
  };
  return html`
    <section class="stack" aria-label="Send later">
      <h3>Send later</h3>
      ${draft.text.trim()
        ? html`
            <form class="inline" onSubmit=${submit}>
              <label>
                Send what I wrote at
                <input type="datetime-local" required value=${at} onInput=${({ target }) => setAt(target.value)} />
              </label>
              <button class="secondary" disabled=${isBusy}>Send later</button>
            </form>
          `
        : html`<p class="hint">Write something first: it can be sent at a time you choose.</p>`}
      <ul class="members">
        ${waiting.map(
          (one) => html`
            <li class="person" key=${one.id} data-testid="scheduled">
              <span class="session">
                <span class="excerpt" dir="auto">${one.content}</span>
                <span class="hint">
                  ${one.refused_with ? `refused: ${one.refused_with}` : `at ${fullTime(one.send_at)}`}
                </span>
              </span>
              <button class="quiet" disabled=${isBusy} onClick=${() => ask(() => cancelScheduled(one.id))}>
                ${one.refused_with ? "Forget" : "Cancel"}
              </button>
            </li>
          `,
        )}
      </ul>
      ${problem}
    </section>
  `;
}
