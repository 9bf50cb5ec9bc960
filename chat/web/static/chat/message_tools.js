import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { html } from "chat/html";
import { Icon } from "chat/icon";
import { pressMark } from "chat/marking";
import { answer, deleteMessage, editMessage, pinMessage } from "chat/open_chat";
import { isPinned } from "chat/pins";
import { may, mayReact, silence } from "chat/policy";
import { markUnread } from "chat/reading";
import { isStarred, starMessage } from "chat/stars";
import { editing, longestText, me, openChat } from "chat/state";
import { showThread } from "chat/threads";

/** What the person may do with one message; nothing with a deleted one. */
export function MessageTools({ message, inThread, showEarlier, showEmojis, showForward, showRemind, showReport }) {
  const isOwn = message.senderId === me.value.id;
  const chat = openChat.value;
  if (message.isDeleted || chat === null) return null;
  const pinned = isPinned(message.id);
  const starred = isStarred(message.id);
  const mayDelete = may(chat, "delete_any") || (isOwn && !chat.is_archived);
  const mayReply = !inThread && may(chat, "reply") && silence(chat, Date.now()) === null;
  return html`
    <span class="tools">
      ${mayReply &&
      html`
        <${Tool} name="reply" label="Reply" run=${() => answer(message.id)} />
        <${Tool} name="thread" label="Reply in thread" run=${() => showThread(message.id)} />
      `}
      ${mayReact(chat, Date.now()) && html`<${Tool} name="react" label="React" run=${showEmojis} />`}
      ${may(chat, "pin") &&
      html`<${Tool} name="pin" label=${pinned ? "Unpin" : "Pin"} run=${() => pinMessage(message.id, !pinned)} />`}
      <${Tool}
        name="star"
        label=${starred ? "Take the star away" : "Star"}
        run=${() => starMessage(chat.id, message.id, !starred)}
      />
      ${message.expiresAt === null && html`<${Tool} name="forward" label="Forward" run=${showForward} />`}
      <${Tool} name="remind" icon="bell" label="Remind me" run=${showRemind} />
      ${!isOwn && html`<${Tool} name="flag" label="Report" run=${showReport} />`}
      ${!isOwn && !inThread && html`<${Tool} name="unread" label="Mark unread from here" run=${() => markUnread(message.id)} />`}
      ${showEarlier && html`<${Tool} name="earlier" label="Earlier texts" run=${showEarlier} />`}
      ${isOwn && !chat.is_archived && message.poll === null && html`<${Tool} name="edit" label="Edit" run=${() => (editing.value = message.id)} />`}
      ${mayDelete && html`<${Tool} name="delete" icon="bin" label="Delete" run=${() => remove(message)} />`}
    </span>
  `;
}

function Tool({ name, icon = name, label, run }) {
  return html`
    <button class="tool" data-testid=${name} aria-label=${label} title=${label} onClick=${run}>
      <${Icon} name=${icon} />
    </button>
  `;
}

function remove(message) {
  if (confirm("Delete this message for everybody?")) deleteMessage(message.id);
}

/** The field in which a message is edited: Enter saves, Escape leaves it as it is. */
export function MessageEditor({ message }) {
  const field = useRef(null);
  const [text, setText] = useState(message.content);
  const canSave = text.trim() !== "" && [...text].length <= longestText.value;

  useLayoutEffect(() => {
    field.current.focus();
    field.current.setSelectionRange(text.length, text.length);
  }, []);
  useLayoutEffect(() => {
    field.current.style.height = "auto";
    field.current.style.height = `${field.current.scrollHeight}px`;
  }, [text]);

  const save = (event) => {
    event.preventDefault();
    if (canSave) editMessage(message, text.trim());
  };
  const press = (event) => {
    if (pressMark(event)) return;
    if (event.key === "Escape") editing.value = null;
    // While an input method composes, Enter chooses a word.
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) save(event);
  };
  return html`
    <form class="editor" onSubmit=${save}>
      <textarea
        ref=${field}
        data-testid="editor"
        rows="1"
        dir="auto"
        aria-label="Edit message"
        value=${text}
        onInput=${(event) => setText(event.target.value)}
        onKeyDown=${press}
      ></textarea>
      <button class="quiet" disabled=${!canSave}>Save</button>
      <button class="quiet" type="button" onClick=${() => (editing.value = null)}>Cancel</button>
    </form>
  `;
}
