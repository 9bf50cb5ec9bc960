package main

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// Ours is the chat's own protocol.
type ours struct{}

func (ours) path() string { return "/ws/chat/" }

func (ours) header(c *conn) string {
	if c.Ticket != "" {
		return "Sec-WebSocket-Protocol: chat.v1, ticket." + c.Ticket + "\r\n"
	}
	if c.Token == "" {
		return ""
	}
	return "Authorization: Bearer " + c.Token + "\r\n"
}

func (ours) rooms() bool { return true }

func (ours) connected(*conn) {} // The server speaks first.

func (ours) send(c *conn, frame []byte, due time.Duration) []byte {
	return c.sending(frame, "SEND_MESSAGE", due)
}

// Injecting is ours with messages that the server passes on as if they came from its log.
type injecting struct{ ours }

func (injecting) send(c *conn, frame []byte, due time.Duration) []byte {
	return c.sending(frame, "INJECT", due)
}

func (c *conn) sending(frame []byte, kind string, due time.Duration) []byte {
	frame = append(append(append(frame, `{"type":"`...), kind...), `","ref":"`...)
	frame = padded(frame, int64(due), stampWidth)
	frame = append(frame, `","roomId":"`...)
	frame = append(frame, c.Room...)
	frame = append(frame, `","nonce":"`...)
	frame = strconv.AppendInt(frame, int64(c.sent), 10)
	frame = append(frame, `","content":"`...)
	frame = c.content(frame, due)
	return append(frame, `"}`...)
}

func (ours) hear(c *conn, text []byte) error {
	switch kind := fieldOf(text, `{"type":"`); {
	case bytes.HasPrefix(kind, []byte(`MESSAGE"`)):
		return c.numbered(text)
	case bytes.HasPrefix(kind, []byte(`ACK"`)):
		c.acknowledged(number(fieldOf(text, `"ref":"`)))
		return nil
	case bytes.HasPrefix(kind, []byte(`READY"`)):
		c.queue(opText, c.subscribe())
		return nil
	case bytes.HasPrefix(kind, []byte(`SUBSCRIBED"`)):
		return c.subscribed(text)
	case bytes.HasPrefix(kind, []byte(`PRESENCE"`)):
		return nil // Who is there: nobody counts it.
	}
	return fmt.Errorf("%.300s", text)
}

// subscribe is the frame that asks for all rooms of a member.
func (c *conn) subscribe() []byte {
	if len(c.Rooms) == 0 {
		return []byte(`{"type":"SUBSCRIBE","roomId":"` + c.Room + `"}`)
	}
	rooms := `"` + c.Room + `":null`
	for _, room := range c.Rooms {
		rooms += `,"` + room + `":null`
	}
	return []byte(`{"type":"SUBSCRIBE","rooms":{` + rooms + `}}`)
}

// subscribed takes the answer for one room; the member is there once each of its rooms was answered, in order.
func (c *conn) subscribed(text []byte) error {
	room := c.Room
	if c.subscriptions > 0 {
		room = c.Rooms[c.subscriptions-1]
	} else {
		c.pos = number(fieldOf(text, `"pos":`))
	}
	if !bytes.HasPrefix(fieldOf(text, `"roomId":"`), []byte(room+`"`)) {
		return fmt.Errorf("room %s was to be answered, and this was: %.300s", room, text)
	}
	if c.subscriptions++; c.subscriptions > len(c.Rooms) {
		return c.ready(c.pos)
	}
	return nil
}

// numbered takes a message in JSON whose server numbers it; its place stands last, behind the content.
func (c *conn) numbered(text []byte) error {
	id, prev, pos := fieldOf(text, `"messageId":"`), lastField(text, `,"prev":`), lastField(text, `,"pos":`)
	return c.message(text, fieldOf(text, `"content":"`), number(id), number(prev), number(pos))
}
