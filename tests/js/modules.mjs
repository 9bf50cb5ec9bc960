/** Lets Node import the modules of the page by the names of its import map: `await load("fold")`. */
import { register } from "node:module";

const folder = new URL("../../chat/web/static/chat/", import.meta.url);

const hooks = `
  const folder = ${JSON.stringify(folder.href)};
  const vendored = {
    "preact": "vendor/preact.js",
    "preact/hooks": "vendor/preact-hooks.js",
    "@preact/signals": "vendor/signals.js",
    "@preact/signals-core": "vendor/signals-core.js",
  };
  export async function resolve(name, context, next) {
    if (name in vendored) return { url: folder + vendored[name], shortCircuit: true };
    if (name.startsWith("chat/")) return { url: folder + name.slice(5) + ".js", shortCircuit: true };
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
