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
	if c.Token == "" {
		return ""
	}
	return "Authorization: Bearer " + c.Token + "\r\n"
}

func (ours) rooms() bool { return true }

func (ours) connected(*conn) {} // The server speaks first.

func (ours) send(c *conn, frame []byte, due time.Duration) []byte {
	frame = append(frame, `{"type":"SEND_MESSAGE","ref":"`...)
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
		c.queue(opText, []byte(`{"type":"SUBSCRIBE","roomId":"`+c.Room+`"}`))
		return nil
	case bytes.HasPrefix(kind, []byte(`SUBSCRIBED"`)):
		c.ready(number(fieldOf(text, `"pos":`)))
		return nil
	}
	return fmt.Errorf("%.300s", text)
}

// numbered takes a message in JSON whose server numbers it; its place stands last, behind the content.
func (c *conn) numbered(text []byte) error {
	id, prev, pos := fieldOf(text, `"messageId":"`), lastField(text, `,"prev":`), lastField(text, `,"pos":`)
	return c.message(text, fieldOf(text, `"content":"`), number(id), number(prev), number(pos))
}
