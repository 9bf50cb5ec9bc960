import { useEffect, useRef, useState } from "preact/hooks";
import { useAsk } from "chat/ask";
import { useFocus } from "chat/focus";
import { html } from "chat/html";
import { dropBotCommands, readBotCommands, setBotCommand } from "chat/staff";

/** What people can ask a bot to do, for staff; a bot that says so itself has what it said last. */
export function CommandsPanel({ botId }) {
  const [commands, setCommands] = useState([]);
  const [edited, setEdited] = useState(null);
  const [ask, isBusy, problem] = useAsk();
  const section = useRef(null);
  useEffect(() => {
    ask(async () => setCommands(await readBotCommands(botId)));
  }, []);
  const save = (command) =>
    ask(async () => {
      setCommands(await setBotCommand(botId, edited.name, command));
      setEdited(null);
    });
  const dropping = (work) =>
    ask(async () => {
      setCommands(await work());
      setEdited(null);
      // The button that had the focus goes.
      section.current?.focus();
    });
  const dropAll = () => confirm("Delete all commands of this bot?") && dropping(() => dropBotCommands(botId));
  const isMaking = edited?.name === "";
  return html`
    <section class="stack" aria-label="Commands" ref=${section} tabindex="-1">
      <h3>Commands</h3>
      <ul class="members">
        ${commands.map(
          (one) => html`
            <li class="person" key=${one.name} data-testid="command">
              <span class="session">
                <span>/${one.name} <span class="hint" dir="auto">${one.usage}</span></span>
                <span class="hint" dir="auto">${one.description}</span>
              </span>
              <button class="quiet" aria-label="Change ${one.name}" onClick=${() => setEdited(one)}>Change</button>
              <button
                class="quiet"
                aria-label="Delete ${one.name}"
                disabled=${isBusy}
                onClick=${() => dropping(() => setBotCommand(botId, one.name, null))}
              >
                Delete
              </button>
            </li>
          `,
        )}
      </ul>
      <p class="inline">
        <button class="secondary" aria-expanded=${isMaking} onClick=${() => setEdited(isMaking ? null : NEW)}>New command</button>
        ${commands.length > 1 &&
        html`<button class="quiet" disabled=${isBusy} onClick=${dropAll}>Delete all</button>`}
      </p>
      ${edited && html`<${CommandForm} key=${edited.name} command=${edited} save=${save} cancel=${() => setEdited(null)} isBusy=${isBusy} />`}
      ${problem}
    </section>
  `;
}

// What is to be made.
const NEW = { name: "", description: "", usage: "" };

function CommandForm({ command: { name, description, usage }, save, cancel, isBusy }) {
  const field = useFocus();
  const submit = (event) => {
    event.preventDefault();
    const given = Object.entries(Object.fromEntries(new FormData(event.target)));
    save(Object.fromEntries(given.map(([key, text]) => [key, text.trim()])));
  };
  return html`
    <form class="stack" aria-label=${name ? `Change ${name}` : "New command"} onSubmit=${submit}>
      <label>
        What one writes after the /
        <input
          ref=${field}
          name="name"
          required
          maxlength="32"
          pattern="[a-z0-9_\\-]+"
          title="a-z, 0-9, _ and -"
          autocapitalize="none"
          autocomplete="off"
          defaultValue=${name}
        />
      </label>
      <label>What it does <input name="description" required maxlength="200" dir="auto" autocomplete="off" defaultValue=${description} /></label>
      <label>
        What follows it, if anything
        <input name="usage" maxlength="200" dir="auto" placeholder="BRANCH" autocomplete="off" defaultValue=${usage} />
      </label>
      <p class="inline">
        <button class="secondary" disabled=${isBusy}>Save command</button>
        <button type="button" class="quiet" onClick=${cancel}>Cancel</button>
      </p>
    </form>
  `;
}
