import { useState } from "preact/hooks";
import { useAsk } from "chat/ask";
import { createChat, openDirect } from "chat/chats";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import { JoinChat } from "chat/join_chat";
import { PeopleSearch, Person } from "chat/people_search";
import { me } from "chat/state";

const KINDS = { direct: "One person", group: "Group", announcement: "Announcements" };
const OF_A_COMPANY = { public: "Public", join: "Join a public one" };

/** A dialog that starts a chat, with one person, with several or for whoever likes to come, or leads into one. */
export function NewChat({ close }) {
  const [kind, setKind] = useState("group");
  const { companies, is_staff: isStaff } = me.value;
  const kinds = { ...KINDS, ...(companies.length && OF_A_COMPANY), ...(companies.length && isStaff && { company: "Everybody" }) };
  return html`
    <${Dialog} title="New chat" close=${close}>
      <fieldset class="kinds">
        <legend class="unseen">Kind of chat</legend>
        ${Object.entries(kinds).map(
          ([value, label]) => html`
            <label key=${value}>
              <input type="radio" name="kind" checked=${kind === value} onChange=${() => setKind(value)} /> ${label}
            </label>
          `,
        )}
      </fieldset>
      ${kind === "direct" && html`<${NewDirect} close=${close} />`}
      ${kind === "join" && html`<${JoinChat} close=${close} />`}
      ${!["direct", "join"].includes(kind) && html`<${NewGroup} kind=${kind} close=${close} />`}
    <//>
  `;
}

function NewDirect({ close }) {
  const [ask, isBusy, problem] = useAsk();
  const start = (user) =>
    ask(async () => {
      await openDirect(user.id);
      close();
    });
  const row = (user) => html`
    <button type="button" class="person" key=${user.id} disabled=${isBusy} onClick=${() => start(user)}>
      <${Person} user=${user} />
    </button>
  `;
  return html`<div class="stack"><${PeopleSearch} label="Talk to" row=${row} />${problem}</div>`;
}

function NewGroup({ kind, close }) {
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState([]);
  const [ask, isBusy, problem] = useAsk();
  const isOfAll = kind === "company";

  const toggle = (user) => {
    const without = chosen.filter(({ id }) => id !== user.id);
    setChosen(without.length < chosen.length ? without : [...chosen, user]);
  };
  const submit = (event) => {
    event.preventDefault();
    ask(async () => {
      await createChat({ kind, name: name.trim(), userIds: isOfAll ? [] : chosen.map(({ id }) => id) });
      close();
    });
  };
  const row = (user) => html`
    <label class="person" key=${user.id}>
      <input type="checkbox" checked=${chosen.some(({ id }) => id === user.id)} onChange=${() => toggle(user)} />
      <${Person} user=${user} />
    </label>
  `;
  return html`
    <form onSubmit=${submit} data-testid="new-chat">
      <label>
        Name
        <input
          name="name"
          required
          autofocus
          maxlength="200"
          dir="auto"
          value=${name}
          onInput=${(event) => setName(event.target.value)}
        />
      </label>
      ${isOfAll
        ? html`<p class="hint">Everybody of your company is in it, and nobody leaves it.</p>`
        : html`<${PeopleSearch} label="People" chosen=${chosen} row=${row} />`}
      ${kind === "public" && html`<p class="hint">Anybody of your company finds it and may join.</p>`}
      ${problem}
      <button class="primary" disabled=${isBusy || !name.trim()}>Create chat</button>
    </form>
  `;
}
