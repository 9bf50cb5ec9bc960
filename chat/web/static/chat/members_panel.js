import { useState } from "preact/hooks";
import { useAsk } from "chat/ask";
import { Avatar } from "chat/avatar";
import { fullTime } from "chat/dates";
import { html } from "chat/html";
import { addMember, banMember, changeRole, members, muteMember, removeMember } from "chat/members";
import { isBot, nameOf } from "chat/people";
import { PeopleSearch, Person } from "chat/people_search";
import { isAbove, may, mayLeave, rolesToGive } from "chat/policy";
import { PresenceLine, PresenceMark } from "chat/presence_mark";
import { me } from "chat/state";

const HOUR_MS = 3_600_000;

/** For how long one may be muted, in ms. */
export const SPANS = { "1 hour": HOUR_MS, "8 hours": 8 * HOUR_MS, "1 week": 168 * HOUR_MS };

/** Who is in the chat, with what the person may do about each. */
export function MembersPanel({ chat }) {
  const [isAdding, setAdding] = useState(false);
  const rows = [...members.value.entries()];
  return html`
    <section class="stack" aria-label="Members">
      <ul class="members">
        ${rows.map(([id, member]) => html`<${Member} key=${id} chat=${chat} id=${id} member=${member} />`)}
      </ul>
      ${may(chat, "manage_people") &&
      (isAdding
        ? html`<${AddMember} />`
        : html`<button class="secondary" onClick=${() => setAdding(true)}>Add somebody</button>`)}
    </section>
  `;
}

function AddMember() {
  const [ask, isBusy, problem] = useAsk();
  const row = (user) =>
    !members.value.has(user.id) &&
    html`
      <button class="person" key=${user.id} disabled=${isBusy} onClick=${() => ask(() => addMember(user.id))}>
        <${Person} user=${user} />
      </button>
    `;
  return html`<${PeopleSearch} label="Add" row=${row} />${problem}`;
}

function Member({ chat, id, member }) {
  const name = nameOf(id);
  const isMuted = member.muted_until && Date.parse(member.muted_until) > Date.now();
  const mayChange = id !== me.value.id && isAbove(chat.role, member.role);
  const canDo = mayChange && (may(chat, "mute") || may(chat, "manage_people"));
  const who = html`
    <${PresenceMark} id=${id}><${Avatar} id=${id} name=${name} /><//>
    <span class="person-name" dir="auto">
      ${name}${id === me.value.id && " (you)"}${isBot(id) && " (bot)"}
      <span class="hint is-line"><${PresenceLine} id=${id} /></span>
    </span>
    ${isMuted && html`<span class="hint" title="until ${fullTime(member.muted_until)}">muted</span>`}
    <span class="hint role">${member.role}</span>
  `;
  if (!canDo) return html`<li class="person" data-testid="member">${who}</li>`;
  return html`
    <li data-testid="member">
      <details>
        <summary class="person">${who}</summary>
        <${MemberTools} chat=${chat} id=${id} member=${member} name=${name} isMuted=${isMuted} />
      </details>
    </li>
  `;
}

function MemberTools({ chat, id, member, name, isMuted }) {
  const [ask, isBusy, problem] = useAsk();
  const muteFor = (ms) => ask(() => muteMember(id, Date.now() + ms));
  const button = (label, work) => html`
    <button class="quiet" disabled=${isBusy} onClick=${() => ask(work)}>${label}</button>
  `;
  return html`
    <div class="member-tools">
      ${may(chat, "manage_people") &&
      html`
        <label class="inline">
          Role
          <select
            aria-label="Role of ${name}"
            value=${member.role}
            disabled=${isBusy}
            onChange=${({ target }) => ask(() => changeRole(id, target.value))}
          >
            ${rolesToGive(chat.role).map((role) => html`<option key=${role} value=${role}>${role}</option>`)}
          </select>
        </label>
      `}
      ${may(chat, "mute") &&
      (isMuted
        ? button("Let speak again", () => muteMember(id, null))
        : html`
            <span class="inline">
              Mute for
              ${Object.entries(SPANS).map(
                ([label, ms]) => html`
                  <button class="quiet" key=${label} disabled=${isBusy} onClick=${() => muteFor(ms)}>${label}</button>
                `,
              )}
            </span>
          `)}
      ${may(chat, "manage_people") &&
      mayLeave(chat) &&
      html`
        ${button("Remove", () => removeMember(id))}
        ${button("Ban", async () => confirm(`Ban ${name} from this chat?`) && banMember(id))}
      `}
      ${problem}
    </div>
  `;
}
