/** What a browser says it is, in words for people. Pure. */

// In the order of asking: each says that it is those after it, too.
const BROWSERS = { "Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari" };
const SYSTEMS = { Android: "Android", iPhone: "iPhone", iPad: "iPad", Windows: "Windows", "Mac OS X": "Mac", Linux: "Linux" };

/** Names browser and system of a user agent, or says what it says where neither is known. */
export function deviceOf(userAgent) {
  const named = (table) => Object.entries(table).find(([mark]) => userAgent.includes(mark))?.[1];
  const parts = [named(BROWSERS), named(SYSTEMS)].filter(Boolean);
  return parts.join(" on ") || userAgent.slice(0, 60) || "Unknown device";
}
