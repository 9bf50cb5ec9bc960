import { html } from "chat/html";
import { Icon } from "chat/icon";
import { removePreviews } from "chat/open_chat";
import { may } from "chat/policy";
import { me, openChat } from "chat/state";

/** What the links of a message lead to: a card each, with a way to take them away for who may. */
export function LinkPreviews({ message: { id, senderId, previews } }) {
  const chat = openChat.value;
  const mayRemove = chat !== null && (may(chat, "delete_any") || (senderId === me.value.id && !chat.is_archived));
  return html`
    <div class="previews" data-testid="previews">
      ${previews.map(
        ({ url, title, description, site }) => html`
          <div class="link-preview" key=${url} data-testid="preview">
            <span class="site" dir="auto">${[site, hostOf(url)].filter(Boolean).join(" · ")}</span>
            <a href=${url} target="_blank" rel="noopener noreferrer nofollow" tabindex="-1" dir="auto">${title}</a>
            ${description !== null && html`<p dir="auto">${description}</p>`}
          </div>
        `,
      )}
      ${mayRemove &&
      html`
        <button
          class="icon-button"
          tabindex="-1"
          aria-label="Remove previews"
          title="Remove previews for everybody"
          data-testid="remove-previews"
          onClick=${() => removePreviews(id)}
        >
          <${Icon} name="close" />
        </button>
      `}
    </div>
  `;
}

// A page may call itself anything: where a link leads is always said.
function hostOf(url) {
  return URL.canParse(url) ? new URL(url).host : "";
}
