package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"time"
)

// A message's content begins with when it was sent (ns), its sender's seat and its number, each of fixed width.
const (
	stampWidth  = 16
	seatAt      = stampWidth + 1
	seatWidth   = 4
	numberAt    = seatAt + seatWidth + 1
	numberWidth = 9
	contentHead = numberAt + numberWidth + 1
)

// A member is somebody in a room: what they sent, and what they heard of everybody.
type member struct {
	socket
	room          *room
	seat          int
	live          bool
	subscriptions int
	tries         int // to come back since it was cut
	backAt        time.Duration
	sent          int
	acked         int
	pos           int64 // of the last message heard here, and its id
	id            int64
	heard         []int // the number of the last message heard from each seat
}

// A room is the members that hear each other.
type room struct {
	members int
	deaf    int
	sent    int
	heard   int // deliveries to all members
	first   *conn
	order   []int64 // ids in the order in which they were heard first, where a server does not number its messages
}

// ready is a member who hears the room from now on, after a message at pos.
func (c *conn) ready(pos int64) error {
	c.live, c.pos, c.id = true, pos, -1<<63
	c.heard = make([]int, c.room.members)
	c.load.live++
	if c.Storm {
		c.load.isBack()
	}
	if c.Deaf {
		return c.load.watch(c, syscall.EPOLL_CTL_DEL, 0)
	}
	return nil
}

// say sends the member's next message, stamped with when it was due.
func (c *conn) say(due time.Duration) {
	c.sent++
	c.room.sent++
	c.load.sent++
	frame := c.load.speak.send(c, c.load.frame[:0], due)
	c.load.frame = frame
	c.queue(opText, frame)
}

func (c *conn) content(frame []byte, due time.Duration) []byte {
	frame = padded(frame, int64(due), stampWidth)
	frame = padded(append(frame, ' '), int64(c.seat), seatWidth)
	frame = padded(append(frame, ' '), int64(c.sent), numberWidth)
	return append(append(frame, ' '), c.load.filler...)
}

func padded(frame []byte, value int64, width int) []byte {
	start := len(frame)
	for i := 0; i < width; i++ {
		frame = append(frame, '0')
	}
	for i := start + width - 1; value > 0; i-- {
		frame[i] = byte('0' + value%10)
		value /= 10
	}
	return frame
}

func (c *conn) acknowledged(due int64) {
	c.acked++
	c.load.acked++
	c.load.ackTimes.note(due)
	if c.load.refilling() && !c.load.plan.Phases[c.load.phase].Heard {
		c.say(c.load.now)
	}
}

// message checks a delivery: it follows the last one, and it is its sender's next.
func (c *conn) message(text, content []byte, id, prev, pos int64) error {
	if len(content) < contentHead {
		return fmt.Errorf("a message without our content: %.300s", text)
	}
	seat, n := int(number(content[seatAt:])), int(number(content[numberAt:]))
	switch {
	case seat >= len(c.heard) || n != c.heard[seat]+1:
		return fmt.Errorf("heard number %d of seat %d after %d: %.300s", n, seat, c.heard[seat], text)
	case prev != c.pos || pos <= prev:
		return fmt.Errorf("prev %d and pos %d after pos %d: %.300s", prev, pos, c.pos, text)
	case id <= c.id:
		return fmt.Errorf("message id %d after %d: %.300s", id, c.id, text)
	}
	c.pos, c.id, c.heard[seat] = pos, id, n
	c.load.delivered++
	c.load.deliveryTimes.note(number(content))
	c.room.heard++
	if c.room.heard%(c.room.members-c.room.deaf) == 0 && c.load.refilling() && c.load.plan.Phases[c.load.phase].Heard {
		c.room.first.say(c.load.now)
		return c.room.first.flush()
	}
	return nil
}

// complete answers whether everything said was answered, and heard by everybody, this member too.
func (c *conn) complete() error {
	heard := 0
	for _, n := range c.heard {
		heard += n
	}
	if c.Deaf {
		return nil
	}
	if c.acked != c.sent || (c.load.speak.rooms() && heard != c.room.sent) {
		return errors.New("room " + c.Room + " seat " + strconv.Itoa(c.seat) + ": " +
			fmt.Sprintf("%d of %d sends answered, %d of %d messages heard", c.acked, c.sent, heard, c.room.sent))
	}
	return nil
}

func fieldOf(text []byte, name string) []byte {
	if at := bytes.Index(text, []byte(name)); at >= 0 {
		return text[at+len(name):]
	}
	return nil
}

func lastField(text []byte, name string) []byte {
	if at := bytes.LastIndex(text, []byte(name)); at >= 0 {
		return text[at+len(name):]
	}
	return nil
}

// number reads the decimal a text begins with.
func number(text []byte) (value int64) {
	for _, digit := range text {
		if digit < '0' || digit > '9' {
			break
		}
		value = value*10 + int64(digit-'0')
	}
	return value
}
