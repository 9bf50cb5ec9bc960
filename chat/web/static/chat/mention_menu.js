import { Avatar } from "chat/avatar";
import { html } from "chat/html";

/** Who may be meant by what is typed; the field above keeps the focus and says which one is active. */
export function MentionMenu({ id, people, active, choose }) {
  return html`
    <ul class="mention-menu" id=${id} role="listbox" aria-label="Mention somebody">
      ${people.map(
        (one, index) => html`
          <li
            key=${one.id}
            id=${`${id}-${index}`}
            role="option"
            aria-selected=${index === active}
            onMouseDown=${(event) => {
              // The field would lose the focus before the click.
              event.preventDefault();
              choose(one);
            }}
          >
            <${Avatar} id=${one.id} name=${one.name} />
            <span class="person-name" dir="auto">${one.name}</span>
            <span class="hint">${one.hint}</span>
          </li>
        `,
      )}
    </ul>
  `;
}
