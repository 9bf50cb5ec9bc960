import { useState } from "preact/hooks";
import { useAsk } from "chat/ask";
import { createChat, openDirect } from "chat/chats";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import { JoinChat } from "chat/join_chat";
import { PeopleSearch, usePeople } from "chat/people_search";
import { me } from "chat/state";

const KINDS = { direct: "Direct", group: "Group", announcement: "Announcements" };
const MOST_OTHERS = 8; // of a direct chat
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
  const [chosen, row] = usePeople();
  const [ask, isBusy, problem] = useAsk();
  const submit = (event) => {
    event.preventDefault();
    ask(async () => {
      await openDirect(chosen.map(({ id }) => id));
      close();
    });
  };
  return html`
    <form onSubmit=${submit} data-testid="new-direct">
      <${PeopleSearch} label="Talk to" chosen=${chosen} row=${row} />
      ${problem}
      <button class="primary" disabled=${isBusy || chosen.length === 0 || chosen.length > MOST_OTHERS}>
        ${chosen.length > MOST_OTHERS ? `At most ${MOST_OTHERS}` : "Open chat"}
      </button>
    </form>
  `;
}

function NewGroup({ kind, close }) {
  const [name, setName] = useState("");
  const [chosen, row] = usePeople();
  const [ask, isBusy, problem] = useAsk();
  const isOfAll = kind === "company";

  const submit = (event) => {
    event.preventDefault();
    ask(async () => {
      await createChat({ kind, name: name.trim(), userIds: isOfAll ? [] : chosen.map(({ id }) => id) });
      close();
    });
  };
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
