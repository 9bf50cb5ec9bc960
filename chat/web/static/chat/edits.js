import { useEffect, useState } from "preact/hooks";
import { useAsk } from "chat/ask";
import { fullTime } from "chat/dates";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import { readEdits } from "chat/open_chat";

/** A dialog with what a message said before, oldest first. */
export function EarlierTexts({ message, close }) {
  const [edits, setEdits] = useState(null);
  const [ask, , problem] = useAsk();
  useEffect(() => {
    ask(async () => setEdits(await readEdits(message.id)));
  }, []);
  return html`
    <${Dialog} title="Earlier texts" close=${close}>
      ${problem}
      <ol class="edits">
        ${edits?.map(
          ({ content, edited_at: at, version }, index) => html`
            <li key=${version}>
              <time class="hint" datetime=${at ?? message.createdAt}>${fullTime(index === 0 ? message.createdAt : at)}</time>
              <p class="text" dir="auto">${content}</p>
            </li>
          `,
        )}
        <li>
          <time class="hint" datetime=${message.editedAt}>${fullTime(message.editedAt)} (now)</time>
          <p class="text" dir="auto">${message.content}</p>
        </li>
      </ol>
    <//>
  `;
}
