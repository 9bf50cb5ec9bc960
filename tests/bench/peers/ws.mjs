// One room on ws, as its documentation broadcasts: the least that a server on Node does.
//
// It speaks as the load client does to ours, numbers its messages, and keeps nothing. `node ws.mjs PACKAGES`.

import { createRequire } from "node:module";

const { WebSocketServer } = createRequire(`${process.argv[2]}/`)("ws");

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: 2048 });
let said = 0; // in the one room there is

server.on("connection", (socket) => {
  const say = (frame) => socket.send(JSON.stringify(frame));

  socket.on("message", (data) => {
    const { type, roomId, ref, content } = JSON.parse(data);
    if (type === "SUBSCRIBE") {
      say({ type: "SUBSCRIBED", roomId, pos: said });
      return;
    }
    said += 1;
    const message = JSON.stringify({
      type: "MESSAGE",
      roomId,
      messageId: String(said),
      content,
      ts: Date.now() / 1000,
      pos: said,
      prev: said - 1,
    });
    for (const client of server.clients) client.send(message);
    say({ type: "ACK", ref });
  });

  say({ type: "READY" });
});

server.on("listening", () => {
  console.log(`ws is at http://127.0.0.1:${server.address().port}/`);
});
