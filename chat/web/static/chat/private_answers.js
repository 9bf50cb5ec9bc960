import { Avatar } from "chat/avatar";
import { dismissAnswer, privateAnswers } from "chat/bot_commands";
import { html } from "chat/html";
import { Icon } from "chat/icon";
import { MessageText } from "chat/message_text";
import { nameOf } from "chat/people";

/** What bots answered to this person alone in a chat; it is in no history, so it goes with the page. */
export function PrivateAnswers({ chatId }) {
  const here = privateAnswers.value.filter(({ roomId }) => roomId === chatId);
  return html`
    <div class="private-answers" aria-live="polite">
      ${here.map(
        ({ id, botId, command, content, html: markup }) => html`
          <article key=${id} data-testid="private-answer">
            <${Avatar} id=${botId} name=${nameOf(botId)} />
            <div class="body">
              <p class="hint"><strong dir="auto">${nameOf(botId)}</strong> · /${command} · Only you see this</p>
              <${MessageText} content=${content} markup=${markup} />
            </div>
            <button class="icon-button" aria-label="Dismiss" title="Dismiss" onClick=${() => dismissAnswer(id)}>
              <${Icon} name="close" />
            </button>
          </article>
        `,
      )}
    </div>
  `;
}
