package main

import (
	"fmt"
	"time"
)

// Echo is a server that sends back what it gets and knows no rooms; its handshake is ours.
type echo struct{ ours }

func (echo) rooms() bool { return false }

func (echo) connected(c *conn) { c.ready(0) }

func (echo) send(c *conn, frame []byte, due time.Duration) []byte { return c.content(frame, due) }

func (echo) hear(c *conn, text []byte) error {
	if len(text) < contentHead {
		return fmt.Errorf("the echo was %.80q", text)
	}
	if n := int(number(text[numberAt:])); n != c.acked+1 {
		return fmt.Errorf("the echo of %d came after that of %d", n, c.acked)
	}
	c.acknowledged(number(text))
	return nil
}
