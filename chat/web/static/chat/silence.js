import { useEffect, useState } from "preact/hooks";
import { fullTime } from "chat/dates";
import { html } from "chat/html";
import { lowestFor, silence } from "chat/policy";

// The longest wait that a timer of the browser takes.
const LONGEST_MS = 2 ** 31 - 1;

/** Where one writes, or the reason why one may not. */
export function Silence({ chat, children }) {
  const [, wake] = useState(0);
  const why = silence(chat, Date.now());
  useEffect(() => {
    if (why !== "muted") return undefined;
    const left = Date.parse(chat.muted_until) - Date.now() + 500;
    const timer = setTimeout(() => wake(Date.now()), Math.min(left, LONGEST_MS));
    return () => clearTimeout(timer);
  }, [why, chat.muted_until]);
  if (why === null) return children;
  return html`<p class="silence" role="status" data-testid="silence">${sentence(why, chat)}</p>`;
}

function sentence(why, chat) {
  if (why === "archived") return "This chat is archived. It can be read, and nothing is added.";
  if (why === "muted") return `You may write again ${fullTime(chat.muted_until)}.`;
  return `Only a ${lowestFor(chat, "post")} or above may write here.`;
}
