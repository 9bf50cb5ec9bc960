import { useState } from "preact/hooks";
import { useAsk, useList } from "chat/ask";
import { CommandsPanel } from "chat/commands_panel";
import { html } from "chat/html";
import { learn, nameOf } from "chat/people";
import { PeopleSearch, Person, usePeople } from "chat/people_search";
import { changeGroup, dropGroup, makeBot, makeGroup, readBots, retireBot } from "chat/staff";
import { me } from "chat/state";
import { TemplatesPanel } from "chat/templates_panel";
import { TokensPanel } from "chat/tokens_panel";
import { loadUserGroups, userGroups } from "chat/user_groups";

/** What staff look after for everybody: programs that talk, groups that are mentioned, and texts to say again. */
export function StaffPanel() {
  const [isOpen, setOpen] = useState(false);
  return html`
    <details onToggle=${({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Bots, user groups and templates</summary>
      ${isOpen &&
      html`
        <div class="stack">
          <${Bots} />
          <${Groups} />
          ${me.value.companies.map(
            ({ id, name }) => html`
              <${TemplatesPanel} key=${id} owner=${{ chat_id: null, company_id: id }} title="Templates of ${name}" />
            `,
          )}
        </div>
      `}
    </details>
  `;
}

const WORDS = { tokens: "Tokens", commands: "Commands" };

function Bots() {
  const { list: bots, then, isBusy, problem } = useList(readBots);
  // Which bot is looked at, and what of it.
  const [open, setOpen] = useState({ id: null, what: null });
  const make = (event) => {
    event.preventDefault();
    const form = event.target;
    const given = new FormData(form);
    then(async () => {
      await makeBot(given.get("bot-username").trim(), given.get("bot-name").trim());
      form.reset();
    });
  };
  return html`
    <section class="stack" aria-label="Bots">
      <h3>Bots</h3>
      <ul class="pins">
        ${bots.map(
          (bot) => html`
            <li key=${bot.id} data-testid="bot">
              <p><${Person} user=${bot} /></p>
              ${Object.keys(WORDS).map((what) => {
                const isShown = open.id === bot.id && open.what === what;
                return html`
                  <button
                    class="quiet"
                    key=${what}
                    aria-expanded=${isShown}
                    onClick=${() => setOpen(isShown ? { id: null, what: null } : { id: bot.id, what })}
                  >
                    ${isShown ? `Hide ${what}` : WORDS[what]}
                  </button>
                `;
              })}
              <button class="quiet" disabled=${isBusy} onClick=${() => then(() => retireBot(bot.id))}>Retire</button>
              ${open.id === bot.id && open.what === "tokens" && html`<${TokensPanel} at=${`bots/${bot.id}/tokens`} />`}
              ${open.id === bot.id && open.what === "commands" && html`<${CommandsPanel} botId=${bot.id} />`}
            </li>
          `,
        )}
      </ul>
      <form class="stack" onSubmit=${make}>
        <label>User name of a new bot <input name="bot-username" required maxlength="64" autocomplete="off" /></label>
        <label>Name <input name="bot-name" required maxlength="100" dir="auto" autocomplete="off" /></label>
        <button class="secondary" disabled=${isBusy}>Make bot</button>
      </form>
      ${problem}
    </section>
  `;
}

function Groups() {
  const [edited, setEdited] = useState(null);
  const [ask, isBusy, problem] = useAsk();
  const then = (work) =>
    ask(async () => {
      await work();
      await loadUserGroups();
      setEdited(null);
    });
  const save = ({ id, name, members }) => {
    const userIds = members.map((one) => one.id);
    return then(() => (id ? changeGroup(id, name, userIds) : makeGroup(name, userIds)));
  };
  return html`
    <section class="stack" aria-label="User groups">
      <h3>User groups</h3>
      <ul class="members">
        ${[...userGroups.value.values()].map(
          (group) => html`
            <li class="person" key=${group.id} data-testid="user-group">
              <span class="session">
                <span>@${group.name}</span>
                <span class="hint" dir="auto">${group.members.map(nameOf).join(", ") || "nobody"}</span>
              </span>
              <button class="quiet" onClick=${() => setEdited(editable(group))}>Change</button>
              <button class="quiet" disabled=${isBusy} onClick=${() => then(() => dropGroup(group.id))}>Delete group</button>
            </li>
          `,
        )}
      </ul>
      ${edited === null
        ? html`<button class="secondary" onClick=${() => setEdited({ id: null, name: "", members: [] })}>New group</button>`
        : html`<${GroupForm} key=${edited.id} group=${edited} save=${save} cancel=${() => setEdited(null)} isBusy=${isBusy} />`}
      ${problem}
    </section>
  `;
}

function GroupForm({ group, save, cancel, isBusy }) {
  const [name, setName] = useState(group.name);
  const [members, row] = usePeople(group.members);
  const submit = (event) => {
    event.preventDefault();
    learn(members);
    save({ ...group, name: name.trim(), members });
  };
  return html`
    <form class="stack" onSubmit=${submit}>
      <label>
        Mentioned as @
        <input name="group-name" required maxlength="64" value=${name} onInput=${({ target }) => setName(target.value)} />
      </label>
      <${PeopleSearch} label="Who is in it" chosen=${members} row=${row} />
      <button class="secondary" disabled=${isBusy || !name.trim()}>Save group</button>
      <button type="button" class="quiet" onClick=${cancel}>Cancel</button>
    </form>
  `;
}

function editable({ id, name, members }) {
  return { id, name, members: members.map((userId) => ({ id: userId, name: nameOf(userId), username: nameOf(userId) })) };
}
