import { useState } from "preact/hooks";
import { changeName, changePassword, endSession, readSessions, showReads } from "chat/account";
import { useAsk, useList } from "chat/ask";
import { fullTime } from "chat/dates";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import { MailsSection } from "chat/mails_panel";
import { NotificationsSection } from "chat/notifications_panel";
import { nameOf } from "chat/people";
import { StaffPanel } from "chat/staff_panel";
import { me } from "chat/state";
import { TokensPanel } from "chat/tokens_panel";
import { deviceOf } from "chat/user_agent";

/** A dialog about oneself: name, password, notifications, mails, what others see, where one is signed in, and what programs show. */
export function AccountPanel({ close }) {
  return html`
    <${Dialog} title="Your account" close=${close} wide>
      <${Name} />
      <${Password} />
      <${NotificationsSection} />
      <${MailsSection} />
      <${Reads} />
      <${Sessions} />
      <${TokensPanel} />
      ${me.value.is_staff && me.value.companies.length > 0 && html`<${StaffPanel} />`}
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

function Reads() {
  const [ask, isBusy, problem] = useAsk();
  return html`
    <section class="stack" aria-label="Privacy">
      <h3>Privacy</h3>
      <label class="choice">
        <input
          type="checkbox"
          name="shows-reads"
          checked=${me.value.shows_reads}
          disabled=${isBusy}
          onChange=${({ target }) => ask(() => showReads(target.checked))}
        />
        Others see how far I have read
      </label>
      ${problem}
    </section>
  `;
}

function Sessions() {
  const { list: sessions, then, isBusy, problem } = useList(readSessions);
  const end = (id) => then(() => endSession(id));
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
