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
