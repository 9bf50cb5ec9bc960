package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"syscall"
)

const (
	opText  = 0x1
	opClose = 0x8
	opPing  = 0x9
	opPong  = 0xA
)

// A conn is one WebSocket over a socket that never blocks.
type conn struct {
	member // who sits at it
	fd     int
	load   *load
	shaken bool   // the handshake is over
	rest   []byte // the start of a frame that has not come whole
	out    []byte // what the kernel did not take yet
}

func (c *conn) dial(port int) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	c.fd = fd
	if c.Deaf {
		// As little as there is may wait in the system, so that what it does not read waits in the server.
		if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1); err != nil {
			return err
		}
	}
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		return err
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		return err
	}
	var key [16]byte
	binary.LittleEndian.PutUint64(key[:], c.load.random())
	binary.LittleEndian.PutUint64(key[8:], c.load.random())
	c.out = append(c.out, "GET "+c.load.speak.path()+" HTTP/1.1\r\nHost: 127.0.0.1:"+strconv.Itoa(port)+"\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: "+base64.StdEncoding.EncodeToString(key[:])+"\r\n"...)
	c.out = append(c.out, c.load.speak.header(c)+"\r\n"...)
	return c.flush()
}

// readable takes what has come; it answers an error when the connection is over.
func (c *conn) readable() error {
	buffer := c.load.buffer
	kept := copy(buffer, c.rest)
	n, err := syscall.Read(c.fd, buffer[kept:])
	if err == syscall.EAGAIN || err == syscall.EINTR {
		return nil
	}
	if err != nil {
		return err
	}
	if n == 0 {
		return errors.New("the server hung up")
	}
	data := buffer[:kept+n]
	if !c.shaken {
		if end := bytes.Index(data, []byte("\r\n\r\n")); end >= 0 {
			if !bytes.HasPrefix(data, []byte("HTTP/1.1 101 ")) {
				return fmt.Errorf("the handshake was answered %.40q", data)
			}
			data, c.shaken = data[end+4:], true
			c.load.speak.connected(c)
		}
	}
	for c.shaken {
		size, payload, opcode := cutFrame(data)
		if size == 0 {
			break
		}
		if err := c.take(opcode, payload); err != nil {
			return err
		}
		data = data[size:]
	}
	c.rest = append(c.rest[:0], data...)
	return c.flush()
}

// cutFrame finds the first whole frame of a server, which does not mask; size 0 where it has not come whole.
func cutFrame(data []byte) (size int, payload []byte, opcode byte) {
	if len(data) < 2 {
		return 0, nil, 0
	}
	head, length := 2, int(data[1])
	switch {
	case length == 126 && len(data) >= 4:
		head, length = 4, int(binary.BigEndian.Uint16(data[2:]))
	case length == 127 && len(data) >= 10:
		head, length = 10, int(binary.BigEndian.Uint64(data[2:]))
	case length > 125:
		return 0, nil, 0
	}
	if len(data) < head+length {
		return 0, nil, 0
	}
	return head + length, data[head : head+length], data[0]
}

func (c *conn) take(first byte, payload []byte) error {
	switch first {
	case 0x80 | opText:
		return c.load.speak.hear(c, payload)
	case 0x80 | opPing:
		c.queue(opPong, payload)
		return nil
	case 0x80 | opClose:
		code := 1005
		if len(payload) >= 2 {
			code = int(binary.BigEndian.Uint16(payload))
		}
		return fmt.Errorf("the server closed with %d", code)
	}
	return fmt.Errorf("a frame began with 0x%x", first)
}

// queue masks a frame behind what already waits; flush sends all of it in one write.
func (c *conn) queue(opcode byte, payload []byte) {
	c.out = append(c.out, 0x80|opcode)
	switch n := len(payload); {
	case n < 126:
		c.out = append(c.out, 0x80|byte(n))
	default:
		c.out = append(c.out, 0x80|126, byte(n>>8), byte(n))
	}
	key := uint32(c.load.random())
	c.out = binary.LittleEndian.AppendUint32(c.out, key)
	start := len(c.out)
	c.out = append(c.out, payload...)
	body, wide := c.out[start:], uint64(key)<<32|uint64(key)
	for len(body) >= 8 {
		binary.LittleEndian.PutUint64(body, binary.LittleEndian.Uint64(body)^wide)
		body = body[8:]
	}
	for i := range body {
		body[i] ^= byte(key >> (8 * (i % 4)))
	}
}

func (c *conn) flush() error {
	for len(c.out) > 0 {
		n, err := syscall.Write(c.fd, c.out)
		switch err {
		case nil:
			c.out = append(c.out[:0], c.out[n:]...)
		case syscall.EINTR:
		case syscall.EAGAIN:
			return c.load.watch(c, syscall.EPOLL_CTL_MOD, syscall.EPOLLIN|syscall.EPOLLOUT)
		default:
			return err
		}
	}
	return nil
}
