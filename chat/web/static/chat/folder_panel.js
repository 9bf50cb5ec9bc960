import { useState } from "preact/hooks";
import { useAsk } from "chat/ask";
import { deleteFolder, folders, makeFolder, putInFolder, renameFolder } from "chat/folders";
import { html } from "chat/html";

const NEW = "new";

/** Where a chat is in the person's own list. */
export function FolderPanel({ chat }) {
  const [isNaming, setNaming] = useState(false);
  const [ask, isBusy, problem] = useAsk();
  const folder = folders.value.find(({ id }) => id === chat.folder_id);
  const choose = ({ target }) => {
    setNaming(target.value === NEW);
    if (target.value !== NEW) ask(() => putInFolder(target.value || null));
  };
  const submit = (event) => {
    event.preventDefault();
    ask(async () => {
      await makeFolder(new FormData(event.target).get("name").trim());
      setNaming(false);
    });
  };
  return html`
    <section class="stack" aria-label="Folder">
      <h3>Folder</h3>
      <label>
        In my list it is in
        <select value=${isNaming ? NEW : (folder?.id ?? "")} disabled=${isBusy} onChange=${choose}>
          <option value="">no folder</option>
          ${folders.value.map(({ id, name }) => html`<option key=${id} value=${id}>${name}</option>`)}
          <option value=${NEW}>a new folder…</option>
        </select>
      </label>
      ${isNaming &&
      html`
        <form class="inline" onSubmit=${submit}>
          <label>Name of the folder <input name="name" required autofocus maxlength="60" dir="auto" /></label>
          <button class="secondary" disabled=${isBusy}>Make folder</button>
        </form>
      `}
      ${folder &&
      !isNaming &&
      html`
        <p class="inline">
          <button class="quiet" disabled=${isBusy} onClick=${() => ask(() => rename(folder))}>Rename folder</button>
          <button class="quiet" disabled=${isBusy} onClick=${() => ask(() => deleteFolder(folder.id))}>Delete folder</button>
        </p>
      `}
      ${problem}
    </section>
  `;
}

async function rename({ id, name }) {
  const other = prompt("Name of the folder", name)?.trim();
  if (other && other !== name) await renameFolder(id, other);
}
