import { useState } from "preact/hooks";
import { useAsk } from "chat/ask";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import { reportMessage } from "chat/open_chat";

// By the server's names of them.
const REASONS = {
  spam: "Spam",
  abuse: "Abuse",
  harassment: "Harassment",
  illegal: "Against the law",
  other: "Something else",
};

// Characters of what is said beside the reason; the server takes no more.
const LONGEST_TEXT = 1_000;

/** A dialog to report a message to those who look after the server; nobody in the chat hears of it. */
export function ReportPanel({ message, close }) {
  const [reason, setReason] = useState(null);
  const [isDone, setDone] = useState(false);
  const [ask, isBusy, problem] = useAsk();
  const submit = (event) => {
    event.preventDefault();
    const text = new FormData(event.target).get("text").trim();
    ask(async () => {
      await reportMessage(message.id, reason, text);
      setDone(true);
    });
  };
  return html`
    <${Dialog} title="Report this message" close=${close}>
      ${isDone
        ? html`
            <p role="status">Thank you. Those who look after this server will see it.</p>
            <button class="primary" onClick=${close}>Close</button>
          `
        : html`
            <form onSubmit=${submit} data-testid="report-form">
              <p class="hint">Those who look after this server see the message and who reported it. Nobody in the chat does.</p>
              <fieldset class="kinds is-list">
                <legend>What is wrong with it?</legend>
                ${Object.entries(REASONS).map(
                  ([name, label]) => html`
                    <label key=${name}>
                      <input type="radio" name="reason" checked=${reason === name} onChange=${() => setReason(name)} />
                      ${label}
                    </label>
                  `,
                )}
              </fieldset>
              <label>
                Anything to add
                <textarea name="text" rows="3" dir="auto" maxlength=${LONGEST_TEXT}></textarea>
              </label>
              ${problem}
              <button class="primary" disabled=${isBusy || reason === null}>Report</button>
            </form>
          `}
    <//>
  `;
}
