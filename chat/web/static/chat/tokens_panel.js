import { useState } from "preact/hooks";
import { makeToken, readTokens, revokeToken } from "chat/account";
import { useList } from "chat/ask";
import { fullTime } from "chat/dates";
import { html } from "chat/html";

// What a token may do, by the server's name of it.
const SCOPES = {
  "messages:read": "read messages",
  "messages:write": "write messages",
  "chats:read": "see chats",
  "chats:write": "change chats",
  "people:read": "see people",
  flag: "report messages",
  connect: "connect like this page",
};
const LIVES = { 7: "a week", 90: "90 days", 366: "a year" };

/** The API tokens of the person, or of a bot: what programs show that act for them. */
export function TokensPanel({ at = "me/tokens" }) {
  const { list: tokens, then, isBusy, problem } = useList(() => readTokens(at));
  const [made, setMade] = useState(null);
  const make = (event) => {
    event.preventDefault();
    const form = event.target;
    const given = new FormData(form);
    then(async () => {
      const name = given.get("token-name").trim();
      setMade(await makeToken(at, { name, scopes: given.getAll("scope"), days: Number(given.get("life")) }));
      form.reset();
    });
  };
  const revoke = (id) => then(() => revokeToken(at, id));
  return html`
    <section class="stack" aria-label="API tokens">
      <h3>API tokens</h3>
      <ul class="members">
        ${tokens.map(
          (one) => html`
            <li class="person" key=${one.id} data-testid="api-token">
              <span class="session">
                <span dir="auto">${one.name}</span>
                <span class="hint">${one.scopes.map((scope) => SCOPES[scope]).join(", ")}; until ${fullTime(one.expires_at)}</span>
              </span>
              <button class="quiet" disabled=${isBusy} onClick=${() => revoke(one.id)}>Revoke</button>
            </li>
          `,
        )}
      </ul>
      ${made &&
      html`
        <label>
          Your new token. It is shown only now.
          <input name="token" readonly value=${made} onFocus=${({ target }) => target.select()} />
        </label>
      `}
      <details>
        <summary>Make a token</summary>
        <form class="stack" onSubmit=${make}>
          <label>What for <input name="token-name" required maxlength="100" dir="auto" /></label>
          <fieldset class="kinds">
            <legend>It may</legend>
            ${Object.entries(SCOPES).map(
              ([scope, label]) => html`<label key=${scope}><input type="checkbox" name="scope" value=${scope} /> ${label}</label>`,
            )}
          </fieldset>
          <label>
            It is good for
            <select name="life">
              ${Object.entries(LIVES).map(
                ([days, label]) => html`<option key=${days} value=${days} selected=${days === "90"}>${label}</option>`,
              )}
            </select>
          </label>
          <button class="secondary" disabled=${isBusy}>Make token</button>
        </form>
      </details>
      ${problem}
    </section>
  `;
}
