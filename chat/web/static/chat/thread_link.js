import { html } from "chat/html";
import { Icon } from "chat/icon";
import { threadUnder } from "chat/threads";

/** Below a message: how many replies are in its thread, and whether there are unread ones. */
export function ThreadLink({ messageId, open }) {
  const under = threadUnder(messageId);
  if (!under?.replies) return null;
  const { replies, unread } = under;
  return html`
    <button class="as-text thread-link" data-testid="thread-link" onClick=${open}>
      <${Icon} name="thread" /> ${replies === 1 ? "1 reply" : `${replies} replies`}
      ${unread > 0 && html`<span class="news-dot" role="img" data-testid="thread-news" aria-label="${unread} unread"></span>`}
    </button>
  `;
}
