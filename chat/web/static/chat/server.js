/** The server as the signed-in person talks to it: REST and the live connection. */
import { ChatClient, Outbox } from "chat-client";
import { Api } from "chat/api";

let ended = () => {};

/** The REST API. */
export const api = new Api({ signedOut: () => ended() });

/** The live connection, or null while nobody is signed in. */
export let connection = null;

/** What is on its way out, or null while nobody is signed in. */
export let outbox = null;

/** Names what happens when the server ends the session. */
export function whenSessionEnds(work) {
  ended = work;
}

/** Opens the connection of a person; `on` hears what the client tells. */
export function connect(userId, on) {
  outbox = new Outbox({ storage: localStorage, owner: userId });
  connection = new ChatClient({ url: socketUrl(), ticket: (how) => api.ticket(how), outbox, on });
}

/** Closes it. */
export function disconnect() {
  connection?.stop();
  connection = outbox = null;
}

function socketUrl() {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/ws/chat/`;
}
