import { useEffect, useId, useRef } from "preact/hooks";
import { html } from "chat/html";
import { Icon } from "chat/icon";

/** A dialog over the page: the browser keeps the focus in it and closes it with Escape. */
export function Dialog({ title, close, children, wide = false }) {
  const dialog = useRef(null);
  const titleId = useId();
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current.showModal();
    // The dialog is taken out of the page before it could give the focus back by itself.
    return () => opener?.focus?.();
  }, []);
  return html`
    <dialog class=${wide ? "card wide" : "card"} ref=${dialog} onClose=${close} aria-labelledby=${titleId}>
      <div class="bar">
        <h2 id=${titleId} dir="auto">${title}</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick=${() => dialog.current.close()}>
          <${Icon} name="close" />
        </button>
      </div>
      ${children}
    </dialog>
  `;
}
