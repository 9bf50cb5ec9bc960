import { useEffect, useState } from "preact/hooks";
import { useAsk } from "chat/ask";
import { endTime } from "chat/dates";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import { CHOICES, STRETCHES, endOf, holds } from "chat/presence";
import { choose, ownChoice, readChoice } from "chat/presences";

// The server counts code points, the field UTF-16 units, of which a text never has fewer.
const LONGEST = 200;

/** A dialog to choose what others see: a status, a text, and for how long. */
export function StatusPanel({ close }) {
  const [ask, isBusy, problem] = useAsk();
  const [isRead, setRead] = useState(false);
  useEffect(() => {
    ask(async () => {
      await readChoice();
      setRead(true);
    });
  }, []);
  return html`
    <${Dialog} title="Your status" close=${close}>
      ${isRead && html`<${Choice} choice=${ownChoice.value} close=${close} />`} ${!isRead && (isBusy ? "Loading…" : problem)}
    <//>
  `;
}

function Choice({ choice, close }) {
  const lasts = holds(choice, Date.now());
  const [status, setStatus] = useState(lasts ? choice.status : "ONLINE");
  const [text, setText] = useState(lasts ? choice.text : "");
  // A stretch that has begun goes on, unless another is chosen.
  const [stretch, setStretch] = useState(lasts && choice.until ? "as it is" : "");
  const [ask, isBusy, problem] = useAsk();
  const save = (event) => {
    event.preventDefault();
    const until = stretch === "as it is" ? choice.until : endOf(stretch, Date.now());
    ask(async () => {
      await choose({ status, text: text.trim(), until });
      close();
    });
  };
  return html`
    <form class="stack" onSubmit=${save}>
      <fieldset class="kinds is-list">
        <legend>Others see you as</legend>
        ${CHOICES.map(
          (one) => html`
            <label key=${one.status}>
              <input
                type="radio"
                name="status"
                checked=${status === one.status}
                onChange=${() => setStatus(one.status)}
              />
              <span>${one.word}${one.help && html` <span class="hint">${one.help}</span>`}</span>
            </label>
          `,
        )}
      </fieldset>
      <label>
        What you are about
        <input
          name="text"
          dir="auto"
          autocomplete="off"
          placeholder="In a meeting"
          maxlength=${LONGEST}
          value=${text}
          onInput=${({ target }) => setText(target.value)}
        />
      </label>
      <label class="choice">
        For how long
        <select value=${stretch} onChange=${({ target }) => setStretch(target.value)}>
          ${lasts && choice.until && html`<option value="as it is">Until ${endTime(choice.until, Date.now())}</option>`}
          ${STRETCHES.map((one) => html`<option key=${one.stretch} value=${one.stretch}>${one.word}</option>`)}
        </select>
      </label>
      <button class="primary" disabled=${isBusy}>Save status</button>
      ${problem}
    </form>
  `;
}
