import { useState } from "preact/hooks";
import { newNonce } from "chat-client";
import { useAsk } from "chat/ask";
import { Avatar } from "chat/avatar";
import { titleOf } from "chat/chats";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import { forwardMessage } from "chat/open_chat";
import { silence } from "chat/policy";
import { sortedChats } from "chat/state";

// Of one request; the server takes no more.
const MOST = 20;

/** A dialog to forward a message: chats in which one may write, with those first that were talked in last. */
export function ForwardPanel({ message, close }) {
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState([]);
  // Of all tries of this dialog: a chat that has the copy already gets no second one.
  const [nonce] = useState(newNonce);
  const [ask, isBusy, problem] = useAsk();

  const wanted = query.trim().toLocaleLowerCase();
  const offered = sortedChats.value.filter(
    (chat) =>
      chosen.includes(chat.id) ||
      (silence(chat, Date.now()) === null && titleOf(chat).toLocaleLowerCase().includes(wanted)),
  );
  const toggle = (id) => setChosen(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id]);
  const submit = (event) => {
    event.preventDefault();
    ask(async () => {
      const refused = (await forwardMessage(message.id, chosen, nonce)).filter(({ error }) => error !== null);
      if (refused.length === 0) return close();
      setChosen(refused.map(({ chat_id: id }) => id));
      throw new Error(refused.map(({ chat_id: id, error }) => `${titleById(id)}: ${error.detail}`).join(" "));
    });
  };
  return html`
    <${Dialog} title="Forward" close=${close}>
      <form onSubmit=${submit} data-testid="forward-form">
        <label>
          To
          <input
            type="search"
            placeholder="Search chats"
            value=${query}
            onInput=${(event) => setQuery(event.target.value)}
          />
        </label>
        <div class="people" role="group" aria-label="Chats">
          ${offered.map(
            (chat) => html`
              <label class="person" key=${chat.id}>
                <input type="checkbox" checked=${chosen.includes(chat.id)} onChange=${() => toggle(chat.id)} />
                <${Avatar} id=${chat.peer?.id ?? chat.id} name=${titleOf(chat)} />
                <span class="person-name" dir="auto">${titleOf(chat)}</span>
              </label>
            `,
          )}
          ${offered.length === 0 && html`<p class="empty">No chat found</p>`}
        </div>
        ${problem}
        <button class="primary" disabled=${isBusy || chosen.length === 0 || chosen.length > MOST}>Forward</button>
      </form>
    <//>
  `;
}

function titleById(id) {
  const chat = sortedChats.value.find((one) => one.id === id);
  return chat ? titleOf(chat) : "A chat";
}
