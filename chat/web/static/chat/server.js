/** The server as the signed-in person talks to it: REST and the live connection. */
import { ChatClient, Outbox } from "chat-client";
import { Api } from "chat/api";

let ended = () => {};

/** The REST API. */
export const api = new Api({ signedOut: () => ended() });

/** The live connection, and what is on its way out; null while nobody is signed in. */
export const live = { connection: null, outbox: null };

/** Names what happens when the server ends the session. */
export function whenSessionEnds(work) {
  ended = work;
}

/** Opens the connection of a person; `on` hears what the client tells. */
export function connect(userId, on) {
  live.outbox = new Outbox({ storage: localStorage, owner: userId });
  live.connection = new ChatClient({ url: socketUrl(), ticket: (how) => api.ticket(how), outbox: live.outbox, on });
}

/** Closes it. */
export function disconnect() {
  live.connection?.stop();
  live.connection = live.outbox = null;
}

function socketUrl() {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/ws/chat/`;
}
