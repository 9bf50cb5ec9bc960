import { useEffect, useRef, useState } from "preact/hooks";
import { Avatar } from "chat/avatar";
import { createChat } from "chat/chats";
import { html } from "chat/html";
import { Icon } from "chat/icon";
import { findPeople } from "chat/people";

// Long enough that a word typed at speed is one search.
const TYPING_PAUSE_MS = 250;

/** A dialog that creates a group: its name, and the people to put in. */
export function NewChat({ close }) {
  const dialog = useRef(null);
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState([]);
  const [problem, setProblem] = useState(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => dialog.current.showModal(), []);

  const toggle = (user) => {
    const without = chosen.filter(({ id }) => id !== user.id);
    setChosen(without.length < chosen.length ? without : [...chosen, user]);
  };
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await createChat({ kind: "group", name: name.trim(), userIds: chosen.map(({ id }) => id) });
      close();
    } catch ({ message }) {
      setProblem(message);
      setBusy(false);
    }
  };

  return html`
    <dialog class="card" ref=${dialog} onClose=${close} aria-labelledby="new-chat-title">
      <form onSubmit=${submit} data-testid="new-chat">
        <div class="bar">
          <h2 id="new-chat-title">New chat</h2>
          <button type="button" class="icon-button" aria-label="Close" onClick=${() => dialog.current.close()}>
            <${Icon} name="close" />
          </button>
        </div>
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
        <${PeopleSearch} chosen=${chosen} toggle=${toggle} />
        ${problem && html`<p class="problem" role="alert">${problem}</p>`}
        <button class="primary" disabled=${isBusy || !name.trim()}>Create chat</button>
      </form>
    </dialog>
  `;
}

function PeopleSearch({ chosen, toggle }) {
  const [query, setQuery] = useState("");
  const [found, setFound] = useState([]);
  useEffect(() => {
    let isCurrent = true;
    const timer = setTimeout(async () => {
      const users = await findPeople(query.trim()).catch(() => []);
      if (isCurrent) setFound(users);
    }, TYPING_PAUSE_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [query]);

  const isChosen = (user) => chosen.some(({ id }) => id === user.id);
  const rows = [...chosen, ...found.filter((user) => !isChosen(user))];
  return html`
    <label>
      People
      <input
        type="search"
        placeholder="Search by name"
        value=${query}
        onInput=${(event) => setQuery(event.target.value)}
      />
    </label>
    <div class="people" role="group" aria-label="People to add">
      ${rows.map(
        (user) => html`
          <label class="person" key=${user.id}>
            <input type="checkbox" checked=${isChosen(user)} onChange=${() => toggle(user)} />
            <${Avatar} id=${user.id} name=${user.name || user.username} />
            <span dir="auto">${user.name || user.username}</span>
            <span class="hint">@${user.username}</span>
          </label>
        `,
      )}
      ${rows.length === 0 && html`<p class="empty">Nobody found</p>`}
    </div>
  `;
}
