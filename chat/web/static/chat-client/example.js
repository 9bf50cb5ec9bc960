/** A whole client: signs in, shows the chat that the hash names (or the person's first) as it goes on, and sends. */
import { ChatClient, fold, fromRest, ordered, withMessages } from "./chat-client.js";

const [door, state, list, composer] = ["door", "state", "messages", "composer"].map((id) => document.getElementById(id));
let tokens = null;
let messages = new Map();

async function call(method, path, body) {
  const headers = { "Content-Type": "application/json" };
  if (tokens) headers.Authorization = `Bearer ${tokens.access}`;
  const response = await fetch(`/api/${path}`, { method, headers, body: body && JSON.stringify(body) });
  if (!response.ok) throw Object.assign(new Error(path), { status: response.status });
  return response.json();
}

async function ticket({ renew }) {
  if (renew) tokens = await call("POST", "auth/token/refresh", { refresh: tokens.refresh });
  return (await call("POST", "auth/ws-ticket", {})).ticket;
}

function show(newer) {
  messages = newer;
  const line = ({ content }) => Object.assign(document.createElement("li"), { textContent: content });
  list.replaceChildren(...ordered(messages).map(line));
}

async function read(roomId) {
  const page = await call("GET", `chats/${roomId}/messages?at_least=${client.cursor(roomId).pos}`);
  show(withMessages(messages, page.messages.map(fromRest)));
}

const client = new ChatClient({
  url: `${location.origin.replace("http", "ws")}/ws/chat/`,
  ticket,
  on: {
    event: (frame) => show(fold(messages, frame)),
    fresh: read,
    reload(roomId) {
      messages = new Map();
      return read(roomId);
    },
    state: ({ state: now }) => (state.textContent = now),
    signedOut: () => location.reload(),
  },
});

door.addEventListener("submit", async (submitted) => {
  submitted.preventDefault();
  tokens = await call("POST", "auth/token", Object.fromEntries(new FormData(door)));
  const roomId = location.hash.slice(1) || (await call("GET", "chats")).chats[0].id;
  client.follow([roomId]);
  client.start();
  [door.hidden, composer.hidden] = [true, false];
  composer.addEventListener("submit", (sent) => {
    sent.preventDefault();
    client.post({ roomId, content: composer.content.value });
    composer.reset();
  });
});
