/**
 * Splits plain text into `{text}` and `{text, href}` pieces: web addresses become links.
 *
 * Only http and https are links, and the pieces are rendered as text nodes: nothing here ever becomes markup.
 */
export function pieces(text) {
  const found = [];
  let end = 0;
  for (const match of text.matchAll(/\bhttps?:\/\/[^\s<>"]+/gi)) {
    const address = withoutSentenceEnd(match[0]);
    if (!URL.canParse(address)) continue;
    if (match.index > end) found.push({ text: text.slice(end, match.index) });
    found.push({ text: address, href: new URL(address).href });
    end = match.index + address.length;
  }
  if (end < text.length) found.push({ text: text.slice(end) });
  return found;
}

// A full stop or an unopened bracket after an address belongs to the sentence around it.
function withoutSentenceEnd(address) {
  let kept = address.replace(/[.,:;!?'*_~]+$/, "");
  while (kept.endsWith(")") && kept.split(")").length > kept.split("(").length) {
    kept = kept.slice(0, -1).replace(/[.,:;!?'*_~]+$/, "");
  }
  return kept;
}

/** Puts a mark on both sides of a selection, or takes it away: `{text, start, end}` with what is selected then. */
export function marked(text, start, end, mark) {
  const size = mark.length;
  const before = text.slice(0, start);
  const after = text.slice(end);
  const within = text.slice(start, end);
  if (before.endsWith(mark) && after.startsWith(mark)) {
    return { text: before.slice(0, -size) + within + after.slice(size), start: start - size, end: end - size };
  }
  return { text: before + mark + within + mark + after, start: start + size, end: end + size };
}

/** Returns a text for where only its first words are shown, without what its spoilers hide. */
export function withoutSpoilers(text) {
  return text.replace(/\|\|(?=\S)[^|]*(?:\|[^|]+)*?\|\|/g, "▒▒▒");
}
