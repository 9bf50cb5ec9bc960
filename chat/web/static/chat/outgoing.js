/** Addresses of programs that are told what happens in the open chat: over REST. */
import { api } from "chat/server";
import { openId } from "chat/state";

/** What a program may be told of, in the words of who chooses. */
export const TOPICS = {
  "new messages": ["chat.message.sent.v1"],
  "edited and deleted messages": ["chat.message.edited.v1", "chat.message.deleted.v1"],
  reactions: ["chat.reaction.added.v1", "chat.reaction.removed.v1"],
  pins: ["chat.pin.added.v1", "chat.pin.removed.v1"],
  "who comes and goes": [
    "chat.member.added.v1",
    "chat.member.removed.v1",
    "chat.member.left.v1",
    "chat.member.banned.v1",
  ],
};

/** Reads those that are there. */
export async function readOutgoing() {
  return (await api.get(path())).webhooks;
}

/** Has an address told of events; answers the secret that proves it, which is shown once. */
export async function makeOutgoing(url, events) {
  return (await api.post(path(), { url, events })).secret;
}

/** Ends one, with what waits for its address. */
export function deleteOutgoing(id) {
  return api.delete(path(id));
}

/** Lets one go on that was stopped. */
export function resumeOutgoing(id) {
  return api.post(path(`${id}/resume`), {});
}

/** Reads what one was told of late, the newest first. */
export async function readDeliveries(id) {
  return (await api.get(path(`${id}/deliveries`))).deliveries;
}

/** Delivers something once more. */
export function replayDelivery(id, deliveryId) {
  return api.post(path(`${id}/deliveries/${deliveryId}/replay`), {});
}

function path(rest = "") {
  const base = `chats/${openId.value}/outgoing-webhooks`;
  return rest ? `${base}/${rest}` : base;
}
