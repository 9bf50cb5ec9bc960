import { useState } from "preact/hooks";
import { useAsk, useList } from "chat/ask";
import { fullTime } from "chat/dates";
import { html } from "chat/html";
import {
  deleteOutgoing,
  makeOutgoing,
  readDeliveries,
  readOutgoing,
  replayDelivery,
  resumeOutgoing,
  TOPICS,
} from "chat/outgoing";

/** The addresses of programs that are told what happens in the chat, for who manages it. */
export function OutgoingPanel() {
  const { list: webhooks, read, then, isBusy, problem } = useList(readOutgoing);
  const [secret, setSecret] = useState(null);
  const make = (event) => {
    event.preventDefault();
    const form = event.target;
    const fields = new FormData(form);
    then(async () => {
      setSecret(await makeOutgoing(fields.get("url").trim(), fields.getAll("topic").flatMap((topic) => TOPICS[topic])));
      form.reset();
    });
  };
  return html`
    <section class="stack" aria-label="Programs that are told">
      <h3>Programs that are told</h3>
      <ul class="pins">
        ${webhooks.map((one) => html`<${Outgoing} key=${one.id} webhook=${one} read=${read} />`)}
      </ul>
      ${secret &&
      html`
        <label>
          What they are told is signed with this secret. It is shown only now.
          <input name="secret" readonly value=${secret} onFocus=${({ target }) => target.select()} />
        </label>
      `}
      <form class="stack" onSubmit=${make}>
        <label>
          Address <input name="url" type="url" required placeholder="https://ci.example.org/chat" maxlength="2000" />
        </label>
        <fieldset class="kinds">
          <legend>Tell it of</legend>
          ${Object.keys(TOPICS).map(
            (topic, place) => html`
              <label key=${topic}>
                <input type="checkbox" name="topic" value=${topic} defaultChecked=${place === 0} /> ${topic}
              </label>
            `,
          )}
        </fieldset>
        <button class="secondary" disabled=${isBusy}>Tell this address</button>
      </form>
      ${problem}
    </section>
  `;
}

function Outgoing({ webhook, read }) {
  const [deliveries, setDeliveries] = useState(null);
  const [ask, isBusy, problem] = useAsk();
  const { id, url, is_active: isActive, ended_why: why, failing_since: failing } = webhook;
  const look = async () => setDeliveries(await readDeliveries(id));
  const then = (work) =>
    ask(async () => {
      await work();
      await read();
    });
  return html`
    <li data-testid="outgoing">
      <p class="excerpt">${url}</p>
      <p class="hint">
        ${isActive ? (failing ? `failing since ${fullTime(failing)}` : "works") : `stopped: ${why}`}
      </p>
      ${!isActive &&
      html`<button class="quiet" disabled=${isBusy} onClick=${() => then(() => resumeOutgoing(id))}>Go on</button>`}
      <button class="quiet" disabled=${isBusy} onClick=${() => (deliveries ? setDeliveries(null) : ask(look))}>
        ${deliveries ? "Hide deliveries" : "Deliveries"}
      </button>
      <button class="quiet" disabled=${isBusy} onClick=${() => then(() => deleteOutgoing(id))}>Delete</button>
      ${deliveries &&
      html`
        <ul class="members">
          ${deliveries.length === 0 && html`<li class="hint">It was told nothing yet.</li>`}
          ${deliveries.map(
            (one) => html`
              <li class="person" key=${one.id} data-testid="delivery">
                <span class="session">
                  <span>${one.event_type}</span>
                  <span class="hint">${fullTime(one.created_at)}, ${outcome(one)}</span>
                </span>
                <button
                  class="quiet"
                  disabled=${isBusy}
                  onClick=${() =>
                    ask(async () => {
                      await replayDelivery(id, one.id);
                      await look();
                    })}
                >
                  Again
                </button>
              </li>
            `,
          )}
        </ul>
      `}
      ${problem}
    </li>
  `;
}

function outcome({ delivered_at: at, status, error, attempts }) {
  if (at) return `delivered (${status})`;
  if (attempts === 0) return "waits";
  return `${error || `answered ${status}`}, tried ${attempts === 1 ? "once" : `${attempts} times`}`;
}
