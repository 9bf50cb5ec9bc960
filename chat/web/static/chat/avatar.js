import { html } from "chat/html";

const TONES = 8;

/** A round mark with the initials of a name, in a colour that stays with `id`. */
export function Avatar({ id, name }) {
  const words = name.trim().split(/\s+/);
  // Spread into code points: a name may start with an emoji.
  const initials = [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...word][0] ?? "").join("");
  const tone = [...id].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 9973, 7) % TONES;
  return html`<span class="avatar tone-${tone}" aria-hidden="true">${initials.toUpperCase()}</span>`;
}
