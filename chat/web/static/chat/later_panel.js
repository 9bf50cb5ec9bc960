import { useEffect, useState } from "preact/hooks";
import { useAsk } from "chat/ask";
import { fullTime } from "chat/dates";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import {
  cancelScheduled,
  deleteTemplate,
  fillTemplate,
  laterHeard,
  makeTemplate,
  readScheduled,
  readTemplates,
  schedule,
} from "chat/later";

const HOUR_MS = 3_600_000;

/**
 * A dialog of the composer: to send what is written later, and to write what one often does.
 *
 * `draft` is `{text, replyToId, mentions}`; `write` puts a text in its place.
 */
export function LaterPanel({ chatId, draft, write, close }) {
  return html`
    <${Dialog} title="Later and often" close=${close} wide>
      <${SendLater} chatId=${chatId} draft=${draft} write=${write} />
      <${Templates} chatId=${chatId} draft=${draft} write=${write} close=${close} />
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

function Templates({ chatId, draft, write, close }) {
  const [templates, setTemplates] = useState([]);
  const [chosen, setChosen] = useState(null);
  const [ask, isBusy, problem] = useAsk();
  const read = async () => setTemplates(await readTemplates(chatId));
  useEffect(() => {
    ask(read);
  }, []);
  const use = (template, values) =>
    ask(async () => {
      write(await fillTemplate(template.id, values));
      close();
    });
  const choose = (template) => (template.places.length > 0 ? setChosen(template) : use(template, {}));
  const fill = (event) => {
    event.preventDefault();
    use(chosen, Object.fromEntries(new FormData(event.target)));
  };
  const keep = (event) => {
    event.preventDefault();
    const form = event.target;
    ask(async () => {
      await makeTemplate(new FormData(form).get("template-name").trim(), draft.text.trim());
      form.reset();
      await read();
    });
  };
  const drop = (id) =>
    ask(async () => {
      await deleteTemplate(id);
      await read();
    });
  return html`
    <section class="stack" aria-label="Templates">
      <h3>Templates</h3>
      <ul class="members">
        ${templates.map(
          (one) => html`
            <li class="person" key=${one.id} data-testid="template">
              <button class="person" disabled=${isBusy} onClick=${() => choose(one)}>
                <span class="session">
                  <span dir="auto">${one.name}</span>
                  <span class="hint excerpt" dir="auto">${one.content}</span>
                </span>
              </button>
              ${one.chat_id === null &&
              one.company_id === null &&
              html`<button class="quiet" disabled=${isBusy} onClick=${() => drop(one.id)}>Delete</button>`}
            </li>
          `,
        )}
      </ul>
      ${chosen &&
      html`
        <form class="stack" onSubmit=${fill} aria-label=${chosen.name}>
          ${chosen.places.map(
            (place) => html`<label key=${place}>${place} <input name=${place} required maxlength="1000" dir="auto" /></label>`,
          )}
          <button class="secondary" disabled=${isBusy}>Write it</button>
        </form>
      `}
      ${draft.text.trim() &&
      html`
        <form class="inline" onSubmit=${keep}>
          <label>Keep what I wrote as <input name="template-name" required maxlength="60" dir="auto" /></label>
          <button class="secondary" disabled=${isBusy}>Keep template</button>
        </form>
        <p class="hint">A word in braces, like {name}, is asked for each time.</p>
      `}
      ${problem}
    </section>
  `;
}

// What a field of a date and time shows, in the reader's own zone, to the minute.
function localValue(moment) {
  const local = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}
