import { useMemo, useState } from "preact/hooks";
import { html } from "chat/html";
import { mentionPieces } from "chat/mentions";
import { pieces } from "chat/text";
import { namedBy } from "chat/user_groups";

// The tags of chat/markdown.py; whatever else may come is shown as the text within it.
const TAGS = new Set("p br strong em s code pre blockquote ul ol li a span".split(" "));
const SCHEMES = ["http:", "https:", "mailto:"];

/** What a message says: as the server has rendered it, or as it was written where it has no marks or is on its way. */
export function MessageText({ content, markup = null, mentions = [] }) {
  const names = mentions.map(namedBy).filter(Boolean);
  if (markup !== null) return html`<${Rendered} markup=${markup} names=${names} />`;
  const all = pieces(content).flatMap((piece) => (piece.href ? [piece] : mentionPieces(piece.text, names)));
  return html`<span class="text" dir="auto">${all.map(asPiece)}</span>`;
}

function asPiece({ text, href, isMention }) {
  if (href) return html`<${Link} href=${href}>${text}<//>`;
  return isMention ? html`<strong class="mention">${text}</strong>` : text;
}

// A document of its own runs nothing and loads nothing, and of its nodes only those we know are built again.
function Rendered({ markup, names }) {
  const body = useMemo(() => new DOMParser().parseFromString(markup, "text/html").body, [markup]);
  return html`<div class="text rich" dir="auto">${built(body, names)}</div>`;
}

function built(node, names) {
  return [...node.childNodes].map((child) => {
    if (child.nodeType === Node.TEXT_NODE) return mentionPieces(child.data, names).map(asPiece);
    return child.nodeType === Node.ELEMENT_NODE ? element(child, names) : null;
  });
}

function element(node, names) {
  const tag = node.localName;
  if (tag === "br") return html`<br />`;
  const within = built(node, tag === "code" ? [] : names);
  if (tag === "span" && node.className === "spoiler") return html`<${Spoiler}>${within}<//>`;
  if (tag === "a") return html`<${Link} href=${node.getAttribute("href")}>${within}<//>`;
  if (tag === "pre") return html`<pre dir="ltr" tabindex="-1">${within}</pre>`;
  if (tag === "ol") return html`<ol start=${node.start}>${within}</ol>`;
  return TAGS.has(tag) ? html`<${tag}>${within}<//>` : within;
}

function Link({ href, children }) {
  if (!URL.canParse(href) || !SCHEMES.includes(new URL(href).protocol)) return children;
  return html`<a href=${href} target="_blank" rel="noopener noreferrer nofollow">${children}</a>`;
}

// Until it is clicked nothing of what it holds can be seen, read out or followed.
function Spoiler({ children }) {
  const [isOpen, setOpen] = useState(false);
  if (isOpen) return html`<span class="spoiler open" data-testid="spoiler" tabindex="-1">${children}</span>`;
  const open = (event) => {
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    setOpen(true);
  };
  return html`
    <span
      class="spoiler"
      data-testid="spoiler"
      role="button"
      tabindex="0"
      aria-label="Spoiler, show it"
      title="Show it"
      onClick=${open}
      onKeyDown=${open}
    >
      <span class="hidden" aria-hidden="true">${children}</span>
    </span>
  `;
}
