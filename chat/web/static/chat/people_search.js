import { useEffect, useState } from "preact/hooks";
import { Avatar } from "chat/avatar";
import { html } from "chat/html";
import { findPeople } from "chat/people";

// Long enough that a word typed at speed is one search.
const TYPING_PAUSE_MS = 250;

/**
 * A field to search colleagues by name, and whom it found.
 *
 * `chosen` are users that stay in the list; `row` renders what a user can be chosen with.
 */
export function PeopleSearch({ label, chosen = [], row }) {
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

  const rows = [...chosen, ...found.filter((user) => !chosen.some(({ id }) => id === user.id))];
  return html`
    <label>
      ${label}
      <input
        type="search"
        placeholder="Search by name"
        value=${query}
        onInput=${(event) => setQuery(event.target.value)}
      />
    </label>
    <div class="people" role="group" aria-label=${label}>
      ${rows.map(row)} ${rows.length === 0 && html`<p class="empty">Nobody found</p>`}
    </div>
  `;
}

/** People who are ticked in a search, and the `row` of it that ticks them: `[chosen, row]`. */
export function usePeople(before = []) {
  const [chosen, setChosen] = useState(before);
  const toggle = (user) => {
    const without = chosen.filter(({ id }) => id !== user.id);
    setChosen(without.length < chosen.length ? without : [...chosen, user]);
  };
  const row = (user) => html`
    <label class="person" key=${user.id}>
      <input type="checkbox" checked=${chosen.some(({ id }) => id === user.id)} onChange=${() => toggle(user)} />
      <${Person} user=${user} />
    </label>
  `;
  return [chosen, row];
}

/** A user with their names, as lists of people show them. */
export function Person({ user }) {
  const name = user.name || user.username;
  return html`
    <${Avatar} id=${user.id} name=${name} />
    <span class="person-name" dir="auto">${name}</span>
    <span class="hint">@${user.username}</span>
  `;
}
