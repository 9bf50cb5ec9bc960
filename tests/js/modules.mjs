/** Lets Node import the modules of the page by the names of its import map: `await load("text")`. */
import { register } from "node:module";

const folder = new URL("../../chat/web/static/", import.meta.url);

const hooks = `
  const folder = ${JSON.stringify(folder.href)};
  const named = {
    "preact": "chat/vendor/preact.js",
    "preact/hooks": "chat/vendor/preact-hooks.js",
    "@preact/signals": "chat/vendor/signals.js",
    "@preact/signals-core": "chat/vendor/signals-core.js",
    "chat-client": "chat-client/chat-client.js",
  };
  export async function resolve(name, context, next) {
    if (name in named) return { url: folder + named[name], shortCircuit: true };
    if (name.startsWith("chat/")) return { url: folder + name + ".js", shortCircuit: true };
    return next(name, context);
  }
  export async function load(url, context, next) {
    return next(url, url.startsWith(folder) ? { ...context, format: "module" } : context);
  }
`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

/** Imports one module of the page by its name without "chat/". */
export function load(name) {
  return import(`chat/${name}`);
}
