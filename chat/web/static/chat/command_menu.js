import { Avatar } from "chat/avatar";
import { html } from "chat/html";

/** What the bots of the chat can be asked to do; the field above keeps the focus and says which one is active. */
export function CommandMenu({ id, commands, active, choose }) {
  return html`
    <ul class="mention-menu commands" id=${id} role="listbox" aria-label="Ask a bot">
      ${commands.map(
        (one, index) => html`
          <li
            key=${`${one.name} ${one.bot.id}`}
            id=${`${id}-${index}`}
            role="option"
            aria-selected=${index === active}
            onMouseDown=${(event) => {
              // The field would lose the focus before the click.
              event.preventDefault();
              choose(one);
            }}
          >
            <${Avatar} id=${one.bot.id} name=${one.bot.name} />
            <span class="command-text">
              <span><strong>/${one.name}</strong> <span class="hint" dir="auto">${one.usage}</span></span>
              <span class="hint" dir="auto">${one.description} · ${one.bot.name}</span>
            </span>
          </li>
        `,
      )}
    </ul>
  `;
}
