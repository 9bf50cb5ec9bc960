// The chat of Socket.IO's tutorial on its Redis adapter: what everybody with Node begins with.
//
// It numbers its messages, so that the load client finds what is lost or out of order; it keeps nothing.
// `node socketio.mjs PACKAGES`, a folder with node_modules; Redis is at $CHAT_TEST_REDIS.

import { createServer } from "node:http";
import { createRequire } from "node:module";

const require = createRequire(`${process.argv[2]}/`);
const { createAdapter } = require("@socket.io/redis-adapter");
const { createClient } = require("redis");
const { Server } = require("socket.io");

const publisher = createClient({ url: process.env.CHAT_TEST_REDIS });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const http = createServer();
const io = new Server(http, {
  adapter: createAdapter(publisher, subscriber),
  transports: ["websocket"],
  serveClient: false,
});

let said = 0; // in the one room there is

io.on("connection", (socket) => {
  let room;

  socket.on("join", async (name) => {
    room = name;
    await socket.join(room);
    socket.emit("joined", said);
  });

  socket.on("say", (content, ack) => {
    said += 1;
    io.to(room).emit("message", {
      messageId: String(said),
      content,
      ts: Date.now() / 1000,
      pos: said,
      prev: said - 1,
    });
    ack();
  });
});

http.listen({ port: 0, host: "127.0.0.1", backlog: 2048 }, () => {
  console.log(`Socket.IO is at http://127.0.0.1:${http.address().port}/`);
});
