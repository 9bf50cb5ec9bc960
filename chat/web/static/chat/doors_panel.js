import { useRef, useState } from "preact/hooks";
import { useList } from "chat/ask";
import { fullTime } from "chat/dates";
import { html } from "chat/html";
import { liftBan, makeInvite, members, readBans, readInvites, revokeInvite } from "chat/members";
import { learn, nameOf } from "chat/people";
import { may } from "chat/policy";
import { inviteRoute } from "chat/route";
import { me } from "chat/state";

/** The links that let people into the chat. */
export function InvitesPanel({ chat }) {
  const { list: invites, then, isBusy, problem } = useList(readInvites);
  return html`
    <section class="stack" aria-label="Invite links">
      <h3>Invite links</h3>
      ${invites.map(
        (invite) => html`
          <${Invite}
            key=${invite.code}
            invite=${invite}
            isBusy=${isBusy}
            revoke=${mayRevoke(chat, invite) && (() => then(() => revokeInvite(invite.code)))}
          />
        `,
      )}
      <button class="secondary" disabled=${isBusy} onClick=${() => then(makeInvite)}>Make a link</button>
      ${problem}
    </section>
  `;
}

function mayRevoke(chat, invite) {
  return invite.created_by === me.value.id || may(chat, "manage_people");
}

function Invite({ invite, isBusy, revoke }) {
  const [isCopied, setCopied] = useState(false);
  const address = `${location.origin}${location.pathname}${inviteRoute(invite.code)}`;
  const field = useRef(null);
  // Without https there is no clipboard, and a browser may refuse it: the field can be copied by hand.
  const copy = () =>
    navigator.clipboard.writeText(address).then(
      () => setCopied(true),
      () => field.current.focus(),
    );
  return html`
    <div class="invite" data-testid="invite">
      <input ref=${field} readonly aria-label="Invite link" value=${address} onFocus=${({ target }) => target.select()} />
      <p class="hint">
        Until ${fullTime(invite.expires_at)}, used ${invite.uses}${invite.max_uses ? ` of ${invite.max_uses}` : ""} times.
      </p>
      <div class="inline">
        ${navigator.clipboard && html`<button class="quiet" onClick=${copy}>${isCopied ? "Copied" : "Copy"}</button>`}
        ${revoke && html`<button class="quiet" disabled=${isBusy} onClick=${revoke}>Revoke</button>`}
      </div>
    </div>
  `;
}

/** Who may not come back, for who may change that. */
export function BansPanel() {
  const read = async () => {
    const found = await readBans();
    learn(found.map(({ user }) => user));
    return found;
  };
  // Whoever is banned is a member no more.
  const { list: bans, then, isBusy, problem } = useList(read, [members.value.size]);
  const lift = (userId) => then(() => liftBan(userId));
  if (bans.length === 0) return problem;
  return html`
    <section class="stack" aria-label="Banned">
      <h3>Banned</h3>
      <ul class="members">
        ${bans.map(
          ({ user, reason }) => html`
            <li class="person" key=${user.id} data-testid="ban">
              <span class="person-name" dir="auto">${nameOf(user.id)}</span>
              ${reason && html`<span class="hint">${reason}</span>`}
              <button class="quiet" disabled=${isBusy} onClick=${() => lift(user.id)}>Lift the ban</button>
            </li>
          `,
        )}
      </ul>
      ${problem}
    </section>
  `;
}
