package main

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// Packets of Engine.IO 4, where the first digit is its own and a second one that of Socket.IO 5.
const (
	engineOpen  = "0"
	enginePing  = "2"
	enginePong  = "3"
	ioConnect   = "40"
	ioEvent     = "42"
	ioAck       = "43"
	joinedEvent = ioEvent + `["joined",`
	sentEvent   = ioEvent + `["message",`
)

// Socketio is the dialect of our script on Socket.IO, whose messages are like ours.
type socketio struct{}

func (socketio) path() string { return "/socket.io/?EIO=4&transport=websocket" }

func (socketio) header(*conn) string { return "" }

func (socketio) rooms() bool { return true }

func (socketio) connected(*conn) {} // The server speaks first.

// send asks for an ack by the number behind the packet's type: when the message was due.
func (socketio) send(c *conn, frame []byte, due time.Duration) []byte {
	frame = strconv.AppendInt(append(frame, ioEvent...), int64(due), 10)
	frame = append(frame, `["say","`...)
	return append(c.content(frame, due), `"]`...)
}

func (socketio) hear(c *conn, text []byte) error {
	switch {
	case bytes.HasPrefix(text, []byte(sentEvent)):
		return c.numbered(text)
	case bytes.HasPrefix(text, []byte(ioAck)):
		c.acknowledged(number(text[len(ioAck):]))
		return nil
	case string(text) == enginePing:
		c.queue(opText, []byte(enginePong))
		return nil
	case bytes.HasPrefix(text, []byte(engineOpen)):
		c.queue(opText, []byte(ioConnect))
		return nil
	case bytes.HasPrefix(text, []byte(ioConnect)):
		c.queue(opText, []byte(ioEvent+`["join","`+c.Room+`"]`))
		return nil
	case bytes.HasPrefix(text, []byte(joinedEvent)):
		return c.ready(number(text[len(joinedEvent):]))
	}
	return fmt.Errorf("%.300s", text)
}
