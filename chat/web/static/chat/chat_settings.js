import { useState } from "preact/hooks";
import { useAsk } from "chat/ask";
import { fullTime } from "chat/dates";
import { html } from "chat/html";
import { archiveChat, changeSettings, eraseChat, keepQuiet, leaveChat, restoreChat, setLevel } from "chat/members";
import { SPANS } from "chat/members_panel";
import { lowestFor, may, mayLeave, ROLES } from "chat/policy";
import { isMuted } from "chat/reading";
import { features } from "chat/state";

const LEVELS = { all: "all messages", mentions: "messages that mention me", nothing: "nothing" };

// What stands for "until I say otherwise".
const ALWAYS = Date.UTC(2100, 0, 1);

const RULES = { post: "Who may write", invite: "Who may invite", mention_all: "Who may mention everybody" };

// Seconds between two messages of one person.
const PAUSES = { 0: "off", 10: "10 seconds", 60: "1 minute", 300: "5 minutes", 3600: "1 hour" };

// Seconds after which messages go by themselves.
const LIVES = { 0: "never", 3600: "after an hour", 86400: "after a day", 604800: "after a week", 2592000: "after 30 days" };

/** Name, description and rules of the chat, for who may change them. */
export function ChatSettings({ chat }) {
  const [draft, setDraft] = useState({});
  const [ask, isBusy, problem] = useAsk();
  const value = (field) => draft[field] ?? chat[field];
  const isChanged = Object.keys(draft).length > 0;
  const set = (field) => (event) => setDraft({ ...draft, [field]: event.target.value });
  const save = (event) => {
    event.preventDefault();
    ask(async () => {
      await changeSettings(draft);
      setDraft({});
    });
  };
  const rule = (action) => (event) =>
    ask(() => changeSettings({ permissions: { ...chat.permissions, [action]: event.target.value } }));
  const pauses = chat.slow_mode_seconds in PAUSES ? PAUSES : { ...PAUSES, [chat.slow_mode_seconds]: "other" };
  const lives = chat.expire_seconds in LIVES ? LIVES : { ...LIVES, [chat.expire_seconds]: "after a while" };
  return html`
    <form class="stack" onSubmit=${save} aria-label="Settings">
      <h3>Settings</h3>
      <label>
        Name
        <input name="name" required maxlength="255" dir="auto" value=${value("name")} onInput=${set("name")} />
      </label>
      <label>
        Description
        <textarea
          rows="2"
          maxlength="1000"
          dir="auto"
          value=${value("description")}
          onInput=${set("description")}
        ></textarea>
      </label>
      <button class="secondary" disabled=${isBusy || !isChanged || !value("name").trim()}>Save</button>
      ${Object.entries(RULES).map(
        ([action, label]) => html`
          <${Choice} key=${action} label=${label} value=${lowestFor(chat, action)} change=${rule(action)} isBusy=${isBusy}>
            ${ROLES.map((role) => html`<option key=${role} value=${role}>${fromRole(role)}</option>`)}
          <//>
        `,
      )}
      <${Choice}
        label="Slow mode"
        value=${String(chat.slow_mode_seconds)}
        change=${({ target }) => ask(() => changeSettings({ slow_mode_seconds: Number(target.value) }))}
        isBusy=${isBusy}
      >
        ${Object.entries(pauses).map(([seconds, label]) => html`<option key=${seconds} value=${seconds}>${label}</option>`)}
      <//>
      <${Choice}
        label="Messages disappear"
        value=${String(chat.expire_seconds)}
        change=${({ target }) => ask(() => changeSettings({ expire_seconds: Number(target.value) }))}
        isBusy=${isBusy}
      >
        ${Object.entries(lives).map(([seconds, label]) => html`<option key=${seconds} value=${seconds}>${label}</option>`)}
      <//>
      ${(features.value.includes("link_previews") || chat.link_previews) &&
      html`
        <label class="choice">
          <input
            type="checkbox"
            name="link-previews"
            checked=${chat.link_previews}
            disabled=${isBusy}
            onChange=${({ target }) => ask(() => changeSettings({ link_previews: target.checked }))}
          />
          Show what links lead to
        </label>
      `}
      ${problem}
    </form>
  `;
}

function fromRole(role) {
  return role === "guest" ? "everybody" : `${role} and above`;
}

function Choice({ label, value, change, isBusy, children }) {
  return html`
    <label class="choice">
      ${label}<select value=${value} disabled=${isBusy} onChange=${change}>${children}</select>
    </label>
  `;
}

/** Quiet for oneself. */
export function QuietPanel({ chat }) {
  const [ask, isBusy, problem] = useAsk();
  const spans = Object.entries(SPANS).map(([label, ms]) => [label, Date.now() + ms]);
  const button = (label, until) => html`
    <button class="quiet" key=${label} disabled=${isBusy} onClick=${() => ask(() => keepQuiet(until))}>${label}</button>
  `;
  return html`
    <section class="stack" aria-label="Notifications">
      <h3>Notifications</h3>
      <label>
        Notify me of
        <select value=${chat.notification_level} disabled=${isBusy} onChange=${({ target }) => ask(() => setLevel(target.value))}>
          ${Object.entries(LEVELS).map(([level, label]) => html`<option key=${level} value=${level}>${label}</option>`)}
        </select>
      </label>
      ${isMuted(chat)
        ? html`<p class="inline">Quiet${until(chat.notifications_muted_until)}. ${button("Turn on", null)}</p>`
        : html`<p class="inline">Keep quiet for ${spans.map(([label, at]) => button(label, at))}
            ${button("until I turn it off", ALWAYS)}</p>`}
      ${problem}
    </section>
  `;
}

function until(moment) {
  return Date.parse(moment) >= ALWAYS ? "" : ` until ${fullTime(moment)}`;
}

/** Ways out of the chat: leave, archive, delete for good. */
export function PartingPanel({ chat }) {
  const [typed, setTyped] = useState("");
  const [ask, isBusy, problem] = useAsk();
  const mayOwn = may(chat, "own");
  const leave = async () => confirm(`Leave ${chat.name}?`) && leaveChat();
  return html`
    <section class="stack" aria-label="Leaving">
      <p class="inline">
        ${mayLeave(chat) && html`<button class="quiet" disabled=${isBusy} onClick=${() => ask(leave)}>Leave chat</button>`}
        ${mayOwn &&
        (chat.is_archived
          ? html`<button class="quiet" disabled=${isBusy} onClick=${() => ask(restoreChat)}>Restore chat</button>`
          : html`<button class="quiet" disabled=${isBusy} onClick=${() => ask(archiveChat)}>Archive chat</button>`)}
      </p>
      ${mayOwn &&
      html`
        <details>
          <summary>Delete for good</summary>
          <div class="stack">
            <label>
              Type the name of the chat. Everything in it goes, for everybody.
              <input name="confirmed" dir="auto" value=${typed} onInput=${(event) => setTyped(event.target.value)} />
            </label>
            <button class="danger" disabled=${isBusy || typed !== chat.name} onClick=${() => ask(eraseChat)}>
              Delete chat
            </button>
          </div>
        </details>
      `}
      ${problem}
    </section>
  `;
}
