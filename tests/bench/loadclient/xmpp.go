package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"time"
)

const (
	xmppHost = "localhost"
	xmppOpen = `<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="` + xmppHost + `" version="1.0"/>`
	xmppBind = `<iq type="set" id="bind"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`
)

// Xmpp is XMPP over a WebSocket (RFC 7395) with rooms of several users (XEP-0045) that are archived (XEP-0313).
// A token is a user's name, and the password too. A send counts as acked when it comes back to who sent it.
type xmpp struct{}

func (xmpp) path() string { return "/xmpp" }

func (xmpp) header(*conn) string { return "Sec-WebSocket-Protocol: xmpp\r\n" }

func (xmpp) rooms() bool { return true }

func (xmpp) connected(c *conn) { c.queue(opText, []byte(xmppOpen)) }

func (xmpp) send(c *conn, frame []byte, due time.Duration) []byte {
	frame = append(frame, `<message xmlns="jabber:client" type="groupchat" to="`...)
	frame = append(append(frame, c.Room...), `"><body>`...)
	return append(c.content(frame, due), `</body></message>`...)
}

func (xmpp) hear(c *conn, text []byte) error {
	switch {
	case bytes.Contains(text, []byte(`type='error'`)):
		return fmt.Errorf("%.300s", text)
	case bytes.HasPrefix(text, []byte(`<message `)):
		if bytes.Contains(text, []byte(`<subject`)) { // the last of what a room says to who comes in
			return c.ready(0)
		}
		return c.archived(text)
	case bytes.HasPrefix(text, []byte(`<presence `)), bytes.HasPrefix(text, []byte(`<open `)):
		return nil
	case bytes.Contains(text, []byte(`<mechanism>PLAIN<`)):
		plain := base64.StdEncoding.EncodeToString([]byte("\x00" + c.Token + "\x00" + c.Token))
		c.queue(opText, []byte(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">`+plain+`</auth>`))
		return nil
	case bytes.HasPrefix(text, []byte(`<success `)):
		c.queue(opText, []byte(xmppOpen))
		return nil
	case bytes.Contains(text, []byte(`<bind `)) && bytes.Contains(text, []byte(`features`)):
		c.queue(opText, []byte(xmppBind))
		return nil
	case bytes.HasPrefix(text, []byte(`<iq `)) && bytes.Contains(text, []byte(`<jid>`)):
		c.queue(opText, []byte(`<presence to="`+c.Room+`/`+c.Token+`"><x xmlns="http://jabber.org/protocol/muc"/></presence>`))
		return nil
	}
	return fmt.Errorf("%.300s", text)
}

// archived takes a message that has its place in the archive: an id that only rises. As it names nothing before
// it, all members are compared with the first to hear it.
func (c *conn) archived(text []byte) error {
	id := number(fieldOf(fieldOf(text, `<stanza-id `), ` id='`))
	content := fieldOf(text, `<body>`)
	if c.pos == int64(len(c.room.order)) {
		c.room.order = append(c.room.order, id)
	}
	if first := c.room.order[c.pos]; first != id {
		return fmt.Errorf("message %d where others heard %d: %.300s", id, first, text)
	}
	if err := c.message(text, content, id, c.pos, c.pos+1); err != nil {
		return err
	}
	if int(number(content[seatAt:])) == c.seat {
		c.acknowledged(number(content))
	}
	return nil
}
