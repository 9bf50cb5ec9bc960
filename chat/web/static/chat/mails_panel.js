import { useEffect, useState } from "preact/hooks";
import { chooseMailDigest, readMailDigest, tryMailDigest } from "chat/account";
import { useAsk } from "chat/ask";
import { html } from "chat/html";

const FREQUENCIES = { never: "never", hourly: "once an hour at most", daily: "once a day" };

/** How often the person is mailed what they missed; nothing where the server mails it to nobody. */
export function MailsSection() {
  const [digest, setDigest] = useState(null);
  const [tried, setTried] = useState(false);
  const [ask, isBusy, problem] = useAsk();
  useEffect(() => {
    ask(async () => setDigest(await readMailDigest()));
  }, []);
  if (!digest?.is_available) return problem;
  const choose = ({ target }) => ask(async () => setDigest(await chooseMailDigest(target.value)));
  const test = () =>
    ask(async () => {
      await tryMailDigest();
      setTried(true);
    });
  return html`
    <section class="stack" aria-label="Mails">
      <h3>Mails</h3>
      <p class="hint">
        ${digest.has_address
          ? "While you are away a mail can tell how much you missed in direct chats, and how often you were named; never what was said."
          : "Your account has no mail address to tell what you missed."}
      </p>
      <label>
        Mail me what I missed
        <select name="mail-digest" value=${digest.frequency} disabled=${isBusy || !digest.has_address} onChange=${choose}>
          ${Object.entries(FREQUENCIES).map(([value, label]) => html`<option key=${value} value=${value}>${label}</option>`)}
        </select>
      </label>
      ${digest.frequency !== "never" && html`<button class="secondary" disabled=${isBusy} onClick=${test}>Send me a test mail</button>`}
      ${tried && html`<p class="hint" role="status">A test is on its way to your mail address.</p>`} ${problem}
    </section>
  `;
}
