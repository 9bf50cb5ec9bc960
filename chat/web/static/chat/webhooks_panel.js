import { useState } from "preact/hooks";
import { useList } from "chat/ask";
import { html } from "chat/html";
import { deleteWebhook, makeWebhook, readWebhooks } from "chat/members";

/** The addresses that programs post to, for who manages the chat. */
export function WebhooksPanel() {
  const { list: webhooks, then, isBusy, problem } = useList(readWebhooks);
  const [address, setAddress] = useState(null);
  const make = (event) => {
    event.preventDefault();
    const form = event.target;
    then(async () => {
      setAddress(await makeWebhook(new FormData(form).get("webhook-name").trim()));
      form.reset();
    });
  };
  const end = (id) => then(() => deleteWebhook(id));
  return html`
    <section class="stack" aria-label="Webhooks">
      <h3>Webhooks</h3>
      ${webhooks.length > 0 &&
      html`
        <ul class="members">
          ${webhooks.map(
            ({ id, bot }) => html`
              <li class="person" key=${id} data-testid="webhook">
                <span class="person-name" dir="auto">${bot.name}</span>
                <button class="quiet" disabled=${isBusy} onClick=${() => end(id)}>Delete webhook</button>
              </li>
            `,
          )}
        </ul>
      `}
      ${address &&
      html`
        <label>
          Programs post {"content": "..."} to this address. It is shown only now.
          <input name="address" readonly value=${address} onFocus=${({ target }) => target.select()} />
        </label>
      `}
      <form class="inline" onSubmit=${make}>
        <label>Name of a new webhook <input name="webhook-name" required maxlength="100" dir="auto" /></label>
        <button class="secondary" disabled=${isBusy}>Make webhook</button>
      </form>
      ${problem}
    </section>
  `;
}
