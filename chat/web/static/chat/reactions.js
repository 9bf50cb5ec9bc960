import { useState } from "preact/hooks";
import { Dialog } from "chat/dialog";
import { html } from "chat/html";
import { react } from "chat/open_chat";
import { nameOf, people } from "chat/people";
import { mayReact } from "chat/policy";
import { me, openChat } from "chat/state";

// What people mostly answer with, each a button; the picker of the system offers the rest in any field.
const OFFERED =
  "👍 👎 👌 👏 🙌 🙏 💪 👋 🤝 👀 ✅ ❌ ❗ ❓ 💯 🎉 🎂 🏆 🚀 🔥 💡 🐛 ⏳ ☕ " +
  "❤️ 💔 😀 😂 🤣 😊 😍 😎 🤔 😐 🙄 😮 😢 😭 😡 😱 🥳 🤯 😴 🤷 🌱 ⭐ ☀️ 🌈";

/** The emojis that a message was given, each a button that gives it too or takes it back. */
export function Reactions({ message }) {
  const { id, reactions } = message;
  const chat = openChat.value;
  if (reactions.length === 0 || chat === null) return null;
  const isRefused = !mayReact(chat, Date.now());
  return html`
    <div class="reactions" data-testid="reactions">
      ${reactions.map(({ emoji, count, userIds }) => {
        const isMine = userIds.includes(me.value.id);
        const names = namesOf(userIds, count);
        return html`
          <button
            key=${emoji}
            class="reaction"
            tabindex="-1"
            aria-pressed=${isMine}
            aria-label="${emoji} ${names}"
            title=${names}
            disabled=${isRefused && !isMine}
            onClick=${() => react(id, emoji, !isMine)}
          >
            <span aria-hidden="true">${emoji}</span> ${count}
          </button>
        `;
      })}
    </div>
  `;
}

/** Names those of a number of people that are known: "You, Ben and 3 more". */
export function namesOf(userIds, count) {
  const known = userIds.map((id) => (id === me.value.id ? "You" : people.value.has(id) ? nameOf(id) : null));
  const names = known.filter(Boolean);
  const others = count - names.length;
  if (names.length === 0) return `${count}`;
  return others > 0 ? `${names.join(", ")} and ${others} more` : names.join(", ");
}

/** A dialog in which an emoji for a message is chosen. */
export function EmojiPicker({ message, close }) {
  const [chosen, setChosen] = useState(null);
  const choose = async (emoji) => {
    setChosen(emoji);
    await react(message.id, emoji, true);
    close();
  };
  return html`
    <${Dialog} title="React" close=${close}>
      <div class="emojis" data-testid="emojis">
        ${OFFERED.split(" ").map(
          (emoji) => html`
            <button key=${emoji} class="emoji" disabled=${chosen !== null} onClick=${() => choose(emoji)}>${emoji}</button>
          `,
        )}
      </div>
    <//>
  `;
}
