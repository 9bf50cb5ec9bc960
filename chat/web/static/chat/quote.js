import { useEffect } from "preact/hooks";
import { html } from "chat/html";
import { showMessage } from "chat/open_chat";
import { nameOf } from "chat/people";
import { quotedMessage, readQuoted } from "chat/quotes";
import { routeTo } from "chat/route";
import { openId } from "chat/state";
import { withoutSpoilers } from "chat/text";

/** The message that another one answers, in short; a click leads to it. */
export function Quote({ id }) {
  const message = quotedMessage(id);
  useEffect(() => {
    if (message === undefined) readQuoted(id);
  }, [id, message === undefined]);
  if (message === undefined) return html`<div class="quote" data-testid="quote"><span class="hint">…</span></div>`;
  if (message === null) {
    return html`<div class="quote" data-testid="quote"><span class="hint">The message is not there any more.</span></div>`;
  }
  const show = (event) => {
    // An address that is open already would lead nowhere.
    event.preventDefault();
    showMessage(id);
  };
  return html`
    <a class="quote" data-testid="quote" href=${routeTo(openId.value, id)} tabindex="-1" onClick=${show}>
      <${QuotedText} message=${message} />
    </a>
  `;
}

/** Who said a message, and its first words. */
export function QuotedText({ message }) {
  return html`
    <strong dir="auto">${nameOf(message.senderId)}</strong>
    <span class="quoted" dir="auto">${message.isDeleted ? "This message was deleted." : withoutSpoilers(message.content)}</span>
  `;
}
