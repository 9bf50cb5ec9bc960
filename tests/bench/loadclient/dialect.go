package main

import "time"

// A dialect is how one kind of server is spoken to over a WebSocket: how a member comes into a room, says
// something there, and hears of it.
type dialect interface {
	path() string
	header(c *conn) string                                // lines of the handshake
	rooms() bool                                          // whether a message comes to all of its room
	connected(c *conn)                                    // after the handshake
	send(c *conn, frame []byte, due time.Duration) []byte // appends the member's next message
	hear(c *conn, text []byte) error                      // whatever is not exactly what was to come is an error
}

var dialects = map[string]dialect{"ours": ours{}, "injecting": injecting{}, "echo": echo{}, "socketio": socketio{}, "xmpp": xmpp{}}
