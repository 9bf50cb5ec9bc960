import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { html } from "chat/html";
import { Icon } from "chat/icon";
import { send } from "chat/open_chat";
import { answered } from "chat/reading";
import { drafts, longestText } from "chat/state";

// The room left is shown from this many code points on.
const WARN_BELOW = 200;

/** Where one writes: Enter sends, Shift+Enter breaks the line. */
export function Composer({ chatId, chatName }) {
  const field = useRef(null);
  const [text, setText] = useState(drafts.get(chatId) ?? "");
  const left = longestText.value - [...text].length;
  const canSend = text.trim() !== "" && left >= 0;

  // On a phone the focus would cover half the chat with a keyboard.
  useLayoutEffect(() => {
    if (!matchMedia("(pointer: coarse)").matches) field.current.focus();
  }, []);
  useLayoutEffect(() => {
    field.current.style.height = "auto";
    field.current.style.height = `${field.current.scrollHeight}px`;
  }, [text]);

  const change = (value) => {
    drafts.set(chatId, value);
    setText(value);
  };
  const submit = (event) => {
    event.preventDefault();
    if (!canSend) return;
    send(text.trim());
    answered();
    change("");
    field.current.focus();
  };
  const press = (event) => {
    // While an input method composes, Enter chooses a word.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
  };

  return html`
    <form class="composer" onSubmit=${submit}>
      <textarea
        ref=${field}
        data-testid="composer"
        rows="1"
        dir="auto"
        enterkeyhint="send"
        placeholder="Write a message"
        aria-label="Message to ${chatName}"
        aria-describedby="composer-left"
        value=${text}
        onInput=${(event) => change(event.target.value)}
        onKeyDown=${press}
      ></textarea>
      <span id="composer-left" class=${left < 0 ? "left problem" : "left"}>
        ${left <= WARN_BELOW ? `${left} left` : ""}
      </span>
      <button class="send" data-testid="send" aria-label="Send" title="Send" disabled=${!canSend}>
        <${Icon} name="send" />
      </button>
    </form>
  `;
}
