import { useState } from "preact/hooks";
import { newNonce } from "chat-client";
import { useAsk } from "chat/ask";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import { askPoll } from "chat/open_chat";

// The server takes no more, and none that is longer.
const MOST_OPTIONS = 100;
const LONGEST_OPTION = 200;

/** A dialog of the composer to ask a question; `text` is what is written there, `write` puts a text in its place. */
export function PollPanel({ threadId, text, write, close }) {
  const [question, setQuestion] = useState(text.trim());
  const [options, setOptions] = useState(["", ""]);
  const [multiple, setMultiple] = useState(false);
  const [anonymous, setAnonymous] = useState(false);
  const [closesAt, setClosesAt] = useState("");
  // Of all tries of this dialog: what was asked is asked once.
  const [nonce] = useState(newNonce);
  const [ask, isBusy, problem] = useAsk();
  const texts = options.map((one) => one.trim()).filter(Boolean);
  const canAsk = question.trim() !== "" && texts.length >= 2;
  // There is always an empty field to go on in.
  const change = (number, value) => {
    const next = options.map((one, index) => (index === number ? value : one));
    setOptions(next.at(-1) !== "" && next.length < MOST_OPTIONS ? [...next, ""] : next);
  };
  const submit = (event) => {
    event.preventDefault();
    ask(async () => {
      const moment = closesAt === "" ? {} : { closes_at: new Date(closesAt).toISOString() };
      await askPoll(question.trim(), { options: texts, multiple, anonymous, ...moment }, { threadId, nonce });
      if (text.trim() !== "") write("");
      close();
    });
  };
  return html`
    <${Dialog} title="Poll" close=${close}>
      <form onSubmit=${submit} data-testid="poll-form">
        <label>
          Question
          <textarea rows="2" required dir="auto" value=${question} onInput=${({ target }) => setQuestion(target.value)}></textarea>
        </label>
        <fieldset class="stack poll-options">
          <legend>Options</legend>
          ${options.map(
            (option, number) => html`
              <input
                key=${number}
                aria-label="Option ${number + 1}"
                placeholder=${number < 2 ? `Option ${number + 1}` : "One more"}
                required=${number < 2}
                maxlength=${LONGEST_OPTION}
                dir="auto"
                value=${option}
                onInput=${({ target }) => change(number, target.value)}
              />
            `,
          )}
        </fieldset>
        <label class="inline">
          <input type="checkbox" checked=${multiple} onChange=${({ target }) => setMultiple(target.checked)} />
          Several answers
        </label>
        <label class="inline">
          <input type="checkbox" checked=${anonymous} onChange=${({ target }) => setAnonymous(target.checked)} />
          Anonymous: nobody sees who voted for what
        </label>
        <label>
          Closes at, if you like
          <input type="datetime-local" value=${closesAt} onInput=${({ target }) => setClosesAt(target.value)} />
        </label>
        ${problem}
        <button class="primary" disabled=${isBusy || !canAsk}>Ask</button>
      </form>
    <//>
  `;
}
