import { useEffect, useState } from "preact/hooks";
import { changeName, changePassword, endSession, readSessions } from "chat/account";
import { useAsk } from "chat/ask";
import { fullTime } from "chat/dates";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import { nameOf } from "chat/people";
import { me } from "chat/state";
import { TokensPanel } from "chat/tokens_panel";
import { deviceOf } from "chat/user_agent";

/** A dialog about oneself: name, password, where one is signed in, and what programs show. */
export function AccountPanel({ close }) {
  return html`
    <${Dialog} title="Your account" close=${close} wide>
      <${Name} />
      <${Password} />
      <${Sessions} />
      <${TokensPanel} />
    <//>
  `;
}

function Name() {
  const [name, setName] = useState(nameOf(me.value.id));
  const [ask, isBusy, problem] = useAsk();
  const save = (event) => {
    event.preventDefault();
    ask(() => changeName(name.trim()));
  };
  return html`
    <form class="stack" onSubmit=${save}>
      <label>
        Your name
        <input
          name="name"
          required
          maxlength="150"
          dir="auto"
          autocomplete="name"
          value=${name}
          onInput=${({ target }) => setName(target.value)}
        />
      </label>
      <button class="secondary" disabled=${isBusy || !name.trim() || name.trim() === nameOf(me.value.id)}>Save name</button>
      ${problem}
    </form>
  `;
}

function Password() {
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const [isDone, setDone] = useState(false);
  const [ask, isBusy, problem] = useAsk();
  const save = (event) => {
    event.preventDefault();
    setDone(false);
    ask(async () => {
      await changePassword(old, fresh);
      setOld("");
      setFresh("");
      setDone(true);
    });
  };
  const field = (label, name, value, set, hint) => html`
    <label>
      ${label}
      <input
        type="password"
        name=${name}
        required
        autocomplete=${hint}
        value=${value}
        onInput=${({ target }) => set(target.value)}
      />
    </label>
  `;
  return html`
    <form class="stack" onSubmit=${save} aria-label="Password">
      <h3>Password</h3>
      ${field("Current password", "old", old, setOld, "current-password")}
      ${field("New password", "new", fresh, setFresh, "new-password")}
      <button class="secondary" disabled=${isBusy || !old || !fresh}>Change password</button>
      ${problem} ${isDone && html`<p role="status">The password is changed. You are signed out everywhere else.</p>`}
    </form>
  `;
}

function Sessions() {
  const [sessions, setSessions] = useState([]);
  const [ask, isBusy, problem] = useAsk();
  const read = async () => setSessions(await readSessions());
  useEffect(() => {
    ask(read);
  }, []);
  const end = (id) =>
    ask(async () => {
      await endSession(id);
      await read();
    });
  return html`
    <section class="stack" aria-label="Signed in">
      <h3>Where you are signed in</h3>
      <ul class="members">
        ${sessions.map(
          (one) => html`
            <li class="person" key=${one.id} data-testid="session">
              <span class="session">
                <span title=${one.user_agent}>${deviceOf(one.user_agent)}</span>
                <span class="hint">${one.address || "address unknown"}, used ${fullTime(one.used_at)}</span>
              </span>
              ${one.current
                ? html`<span class="hint">this one</span>`
                : html`<button class="quiet" disabled=${isBusy} onClick=${() => end(one.id)}>Sign out</button>`}
            </li>
          `,
        )}
      </ul>
      ${problem}
    </section>
  `;
}
