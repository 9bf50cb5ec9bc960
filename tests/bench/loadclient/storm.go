package main

import (
	"container/heap"
	"syscall"
	"time"
)

const (
	firstJitter = time.Second      // within which everybody tries again first; it doubles with each refusal
	lastJitter  = 60 * time.Second // as the protocol's clients do
	dialAtOnce  = 512              // handshakes under way in a storm: under every backlog
)

// A storm is those that were cut at once and are not back yet.
type storm struct {
	returning returning // who is to dial again, by when
	shaking   int       // of those that have dialled
	away      int
	refused   int
	cutAt     time.Duration
	backIn    time.Duration
}

type returning []*conn

func (r returning) Len() int           { return len(r) }
func (r returning) Less(i, j int) bool { return r[i].backAt < r[j].backAt }
func (r returning) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }
func (r *returning) Push(c any)        { *r = append(*r, c.(*conn)) }
func (r *returning) Pop() any {
	last := (*r)[len(*r)-1]
	*r = (*r)[:len(*r)-1]
	return last
}

// next is when the next of them dials, where one may.
func (s *storm) next() (time.Duration, bool) {
	if len(s.returning) == 0 || s.shaking >= dialAtOnce {
		return 0, false
	}
	return s.returning[0].backAt, true
}

// cut closes all sockets of the storm without a word.
func (l *load) cut() error {
	l.storm = storm{cutAt: l.now}
	for _, c := range l.order[len(l.talk):] {
		if err := l.drop(c); err != nil {
			return err
		}
		l.storm.away++
		l.live--
		c.tries = 0
		l.jitter(c)
	}
	return nil
}

func (l *load) drop(c *conn) error {
	delete(l.conns, c.fd)
	c.shaken, c.rest, c.out, c.subscriptions, c.live = false, nil, nil, 0, false
	return syscall.Close(c.fd)
}

// jitter lets a client dial again at any moment of a span that doubles with each try.
func (l *load) jitter(c *conn) {
	span := firstJitter << c.tries
	if span > lastJitter {
		span = lastJitter
	}
	c.tries++
	c.backAt = l.now + time.Duration(l.random()%uint64(span))
	heap.Push(&l.storm.returning, c)
}

func (l *load) comeBack() error {
	for {
		at, waits := l.storm.next()
		if !waits || at > l.now {
			return nil
		}
		c := heap.Pop(&l.storm.returning).(*conn)
		if err := c.dial(l.plan.Port); err != nil {
			return err
		}
		l.conns[c.fd] = c
		l.storm.shaking++
		if err := l.watch(c, syscall.EPOLL_CTL_ADD, syscall.EPOLLIN); err != nil {
			return err
		}
	}
}

// isBack counts a member of the storm that hears its rooms again.
func (l *load) isBack() {
	if l.storm.away == 0 {
		return
	}
	l.storm.shaking--
	if l.storm.away--; l.storm.away == 0 {
		l.storm.backIn = l.now - l.storm.cutAt
	}
}

// tryAgain lets a client of the storm come again that was refused; false where it was not on its way back.
func (l *load) tryAgain(c *conn) bool {
	if !c.Storm || c.live || l.storm.away == 0 {
		return false
	}
	l.storm.shaking--
	l.storm.refused++
	if l.drop(c) != nil {
		return false
	}
	l.jitter(c)
	return true
}
