import { html } from "chat/html";
import { choiceLine, presenceLine } from "chat/presence";
import { ownChoice, presences } from "chat/presences";

/** A dot on what stands in it (an avatar) that says whether somebody is there; nothing of who is not. */
export function PresenceMark({ id, children }) {
  const shown = presences.value.get(id);
  const isThere = shown && shown.status !== "OFFLINE";
  return html`
    <span class="marked" data-testid="presence-${id}" data-status=${shown?.status ?? "OFFLINE"}>
      ${children}
      ${isThere && html`<span class="dot is-${shown.status}" role="img" aria-label=${presenceLine(shown, Date.now())} />`}
    </span>
  `;
}

/** How somebody is there in words, or when they were seen last. */
export function PresenceLine({ id }) {
  return html`<span data-testid="presence-line">${presenceLine(presences.value.get(id), Date.now())}</span>`;
}

/** What the person shows by choice, in words. */
export function ChoiceLine() {
  return html`<span class="hint" data-testid="own-choice">${choiceLine(ownChoice.value, Date.now())}</span>`;
}
