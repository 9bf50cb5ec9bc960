import { useEffect, useState } from "preact/hooks";
import { html } from "chat/html";
import { connectNow } from "chat/session";
import { link } from "chat/state";

/** Says how the connection stands; it shows nothing while all is well. */
export function ConnectionBanner() {
  const { state, retryAt, reason } = link.value;
  return html`
    <div class="connection" data-testid="connection" data-state=${state}>
      <span role="status">${state === "online" ? "" : describe(state, reason)}</span>
      ${retryAt !== null &&
      html`
        <${Countdown} until=${retryAt} />
        <button class="quiet" onClick=${connectNow}>Try now</button>
      `}
    </div>
  `;
}

function describe(state, reason) {
  if (reason !== null) return "The server refuses this connection. Sign out and in again.";
  if (state === "connecting") return "Connecting…";
  if (state === "offline") return "You are offline. What you write is sent when you are back.";
  return "Connection lost. What you write is sent when it is back.";
}

// Outside the status, or a screen reader would count along.
function Countdown({ until }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, []);
  return html`<span class="countdown" aria-hidden="true">Next try in ${Math.max(0, Math.ceil((until - now) / 1000))} s</span>`;
}
