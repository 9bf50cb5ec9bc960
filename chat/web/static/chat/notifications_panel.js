import { useEffect, useState } from "preact/hooks";
import { useAsk } from "chat/ask";
import { html } from "chat/html";
import { permission, showTexts, turnOff, turnOn, wanted } from "chat/notifications";
import { canBePushed, pushed, pushTexts, readKey, renewPush, tryPush, turnPushOff, turnPushOn } from "chat/push";

const WHY_NOT = {
  unsupported: "This browser shows no notifications, or not for a page that came over plain http.",
  denied: "The browser keeps notifications from you. Its settings of this page let them in again.",
};

/** Whether this browser notifies, open or closed, and of how much; the browser is asked by the buttons alone. */
export function NotificationsSection() {
  const [ask, isBusy, problem] = useAsk();
  const why = WHY_NOT[permission.value];
  return html`
    <section class="stack" aria-label="Notifications">
      <h3>Notifications</h3>
      ${why ? html`<p class="hint" role="status">${why}</p>` : html`<${Choices} ask=${ask} isBusy=${isBusy} />`} ${problem}
    </section>
  `;
}

function Choices({ ask, isBusy }) {
  const isGranted = permission.value === "granted";
  const { isOn, isPushed, hasTexts } = wanted.value;
  const choose = (texts) => {
    showTexts(texts);
    ask(() => pushTexts(texts));
  };
  return html`
    <${Open} ask=${ask} isBusy=${isBusy} isOn=${isGranted && isOn} />
    <${Closed} ask=${ask} isBusy=${isBusy} isOn=${isGranted && isPushed} />
    ${isGranted &&
    (isOn || isPushed) &&
    html`
      <label class="choice">
        <input type="checkbox" name="notification-texts" checked=${hasTexts} onChange=${({ target }) => choose(target.checked)} />
        Show what messages say
      </label>
    `}
  `;
}

function Open({ ask, isBusy, isOn }) {
  if (isOn) return html`<button class="secondary" onClick=${turnOff}>Notify me no more in this browser</button>`;
  return html`
    <p class="hint">While no window of the chat is looked at, this browser can tell you what is new.</p>
    <button class="secondary" disabled=${isBusy} onClick=${() => ask(turnOn)}>Notify me in this browser</button>
  `;
}

/** Web Push: what is told by way of the push service of the browser's maker. */
function Closed({ ask, isBusy, isOn }) {
  const [key, setKey] = useState(undefined);
  const [tried, setTried] = useState(null);
  const can = canBePushed.value;
  useEffect(() => {
    if (!can) return;
    ask(async () => {
      setKey(await readKey());
      if (isOn) await renewPush();
    });
  }, [can]);
  if (!can) return html`<p class="hint">While no window of the chat is open, this browser cannot be told.</p>`;
  if (key === undefined) return null;
  if (key === null) return html`<p class="hint">While no window of the chat is open, this server tells no browser.</p>`;
  if (!isOn || pushed.value === null) {
    return html`
      <p class="hint">
        It can be told while no window of the chat is open, too. The push service of its maker hands that over, and cannot read it.
      </p>
      <button class="secondary" disabled=${isBusy} onClick=${() => ask(turnPushOn)}>Notify this browser when it is closed</button>
    `;
  }
  return html`
    <p class="hint">It is told while no window of the chat is open, too.</p>
    <div class="inline">
      <button class="secondary" disabled=${isBusy} onClick=${() => ask(async () => setTried(await tryPush()))}>Send me a test</button>
      <button class="secondary" disabled=${isBusy} onClick=${() => ask(turnPushOff)}>Not when it is closed</button>
    </div>
    ${tried && html`<p class="hint" role="status">${tried}</p>`}
  `;
}
