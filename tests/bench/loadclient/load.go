package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

const (
	shakingAtOnce = 64                // handshakes under way: under every backlog
	drainFor      = 60 * time.Second  // for what is still on its way after a phase; then it is lost
	bufferBytes   = 1 << 20           // of one read: above what one socket may have waiting
	tick          = time.Second / 100 // the kernel's unit of CPU time in /proc
)

type stage int

const (
	connecting stage = iota
	warming
	measuring
	draining
	holding
)

// A load is the one loop over all sockets, and what it counts.
type load struct {
	plan   plan
	speak  dialect
	conns  map[int]*conn
	order  []*conn // who talks, in turns; behind them who is of the storm
	talk   []*conn // the first of them
	storm  storm
	epoll  int
	timer  int
	buffer []byte
	frame  []byte
	filler []byte
	seed   uint64
	start  time.Time
	now    time.Duration

	stage  stage
	phase  int
	until  time.Duration
	due    time.Duration // of the next send, where there is a rate
	turn   int
	live   int
	result result

	sent, acked, delivered  int
	ackTimes, deliveryTimes times
	before                  tally
	began                   time.Duration // the server's CPU time, before anybody connected
	answered                int           // sends while the phase was still sending
}

// A tally is what was counted up to a moment.
type tally struct {
	at               time.Duration
	acked, delivered int
	server, client   time.Duration
	core             time.Duration // what all processes took of the server's core
}

type result struct {
	ConnectSeconds float64    `json:"connect_seconds"`
	ConnectCPU     float64    `json:"connect_cpu"` // seconds of the server
	Sent           int        `json:"sent"`
	Acked          int        `json:"acked"`
	Delivered      int        `json:"delivered"`
	Phases         []measured `json:"phases"`
}

type measured struct {
	Seconds   float64 `json:"seconds"`
	Acked     int     `json:"acked"`
	Delivered int     `json:"delivered"`
	Answered  int     `json:"answered"`   // of the acked, while still sending
	ServerCPU float64 `json:"server_cpu"` // seconds
	ClientCPU float64 `json:"client_cpu"`
	OthersCPU float64 `json:"others_cpu"` // of the server's core
	BackIn    float64 `json:"back_in"`    // seconds after the cut until all of the storm were back
	Refused   int     `json:"refused"`    // tries to come back that the server refused
	AckP50    float64 `json:"ack_p50"`    // ms
	AckP99    float64 `json:"ack_p99"`
	HeardP50  float64 `json:"delivery_p50"`
	HeardP99  float64 `json:"delivery_p99"`
}

func newLoad(todo plan) (*load, error) {
	l := &load{plan: todo, conns: map[int]*conn{}, buffer: make([]byte, bufferBytes), seed: 0x9E3779B97F4A7C15, start: time.Now()}
	if l.speak = dialects[todo.Dialect]; l.speak == nil {
		return nil, fmt.Errorf("there is no dialect %q", todo.Dialect)
	}
	l.ackTimes.load, l.deliveryTimes.load = l, l
	l.filler = bytes.Repeat([]byte("x"), todo.Bytes-contentHead)
	rooms := map[string]*room{}
	for _, socket := range todo.Sockets {
		in := rooms[socket.Room]
		if in == nil {
			in = &room{}
			rooms[socket.Room] = in
		}
		c := &conn{load: l, member: member{socket: socket, room: in, seat: in.members}}
		if in.first == nil {
			in.first = c
		}
		l.order = append(l.order, c)
		if !socket.Storm {
			l.talk = append(l.talk, c)
		}
		in.members++
		if socket.Deaf {
			in.deaf++
		}
	}
	var err error
	if l.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	if l.began, err = serverTime(todo.Pid); err != nil {
		return nil, err
	}
	timer, _, errno := syscall.Syscall(syscall.SYS_TIMERFD_CREATE, 1, 0, 0) // CLOCK_MONOTONIC
	if errno != 0 {
		return nil, errno
	}
	l.timer = int(timer)
	for _, fd := range []int{l.timer, 0} {
		if err := syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// run connects everybody, goes through the phases, and prints the result.
func (l *load) run() error {
	events := make([]syscall.EpollEvent, 1024)
	for {
		done, err := l.advance()
		if done || err != nil {
			return err
		}
		n, err := syscall.EpollWait(l.epoll, events, -1)
		if err != nil && err != syscall.EINTR {
			return err
		}
		for _, event := range events[:max(n, 0)] {
			l.now = time.Since(l.start)
			switch fd := int(event.Fd); fd {
			case l.timer:
				var expirations [8]byte
				if _, err := syscall.Read(l.timer, expirations[:]); err != nil {
					return err
				}
			case 0:
				return nil // Whoever started us has gone, or has seen enough.
			default:
				c := l.conns[fd]
				if c == nil {
					continue // It was cut in this turn.
				}
				if err := l.serve(c, event.Events); err != nil && !l.tryAgain(c) {
					return fmt.Errorf("socket %d: %w", c.seat, err)
				}
			}
		}
	}
}

func (l *load) serve(c *conn, events uint32) error {
	if events&syscall.EPOLLOUT != 0 {
		if err := l.watch(c, syscall.EPOLL_CTL_MOD, syscall.EPOLLIN); err != nil {
			return err
		}
		return c.flush()
	}
	return c.readable()
}

func (l *load) watch(c *conn, operation int, events uint32) error {
	return syscall.EpollCtl(l.epoll, operation, c.fd, &syscall.EpollEvent{Events: events, Fd: int32(c.fd)})
}

// advance does what is due now and sets the timer to what is due next.
func (l *load) advance() (done bool, err error) {
	l.now = time.Since(l.start)
	switch l.stage {
	case connecting:
		return l.connectMore()
	case warming:
		if l.now >= l.until {
			l.ackTimes.us, l.deliveryTimes.us = nil, nil
			if l.before, err = l.count(); err != nil {
				return false, err
			}
			l.stage, l.until = measuring, l.now+seconds(l.plan.Phases[l.phase].Seconds)
			if l.plan.Phases[l.phase].Cut {
				if err := l.cut(); err != nil {
					return false, err
				}
			}
		}
	case measuring:
		if l.now >= l.until {
			l.stage, l.until, l.answered = draining, l.now+drainFor, l.acked-l.before.acked
		}
	}
	if l.stage == draining {
		missing := l.missing()
		if missing == nil {
			if err := l.report(); err != nil {
				return false, err
			}
			l.phase++
			return l.begin()
		}
		if l.now >= l.until {
			return false, missing
		}
	}
	if err := l.comeBack(); err != nil {
		return false, err
	}
	if err := l.sendDue(); err != nil {
		return false, err
	}
	return false, l.arm()
}

func (l *load) connectMore() (done bool, err error) {
	for len(l.conns) < len(l.order) && len(l.conns)-l.live < shakingAtOnce {
		c := l.order[len(l.conns)]
		if err := c.dial(l.plan.Port); err != nil {
			return false, err
		}
		l.conns[c.fd] = c
		if err := l.watch(c, syscall.EPOLL_CTL_ADD, syscall.EPOLLIN); err != nil {
			return false, err
		}
	}
	if l.live < len(l.order) {
		return false, nil
	}
	l.result.ConnectSeconds = l.now.Seconds()
	now, err := serverTime(l.plan.Pid)
	if err != nil {
		return false, err
	}
	l.result.ConnectCPU = (now - l.began).Seconds()
	return l.begin()
}

// begin starts the next phase; after the last one it prints the result.
func (l *load) begin() (done bool, err error) {
	if l.phase == len(l.plan.Phases) {
		l.stage = holding
		l.result.Sent, l.result.Acked, l.result.Delivered = l.sent, l.acked, l.delivered
		if l.result.Phases == nil {
			l.result.Phases = []measured{}
		}
		return !l.plan.Hold, json.NewEncoder(os.Stdout).Encode(l.result)
	}
	now := l.plan.Phases[l.phase]
	l.stage, l.until, l.due = warming, l.now+seconds(now.WarmUp), l.now
	if now.Rate == 0 {
		for _, c := range l.talk {
			if now.Heard && c != c.room.first {
				continue
			}
			for i := 0; i < now.Window; i++ {
				c.say(l.now)
			}
			if err := c.flush(); err != nil {
				return false, err
			}
		}
	}
	return false, l.arm()
}

func (l *load) sending() bool {
	return l.stage == warming || l.stage == measuring
}

// refilling answers whether an answered send makes room for the next one.
func (l *load) refilling() bool {
	return l.sending() && l.plan.Phases[l.phase].Rate == 0
}

func (l *load) sendDue() error {
	if !l.sending() || l.plan.Phases[l.phase].Rate == 0 {
		return nil
	}
	for ; l.due <= l.now; l.due += seconds(1 / l.plan.Phases[l.phase].Rate) {
		c := l.talk[l.turn%len(l.talk)]
		l.turn++
		if senders := l.plan.Phases[l.phase].Senders; senders > 0 && c.seat >= senders {
			l.turn, c = 1, l.talk[0]
		}
		c.say(l.due)
		if err := c.flush(); err != nil {
			return err
		}
	}
	return nil
}

func (l *load) arm() error {
	next := l.until
	if l.sending() && l.plan.Phases[l.phase].Rate > 0 && l.due < next {
		next = l.due
	}
	if l.stage == holding {
		return nil
	}
	if at, waits := l.storm.next(); waits && at < next {
		next = at
	}
	in := next - l.now
	if in < 1 {
		in = 1
	}
	spec := [2]syscall.Timespec{1: syscall.NsecToTimespec(int64(in))}
	_, _, errno := syscall.Syscall6(syscall.SYS_TIMERFD_SETTIME, uintptr(l.timer), 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// missing is the first member who waits for something, nil when nobody does.
func (l *load) missing() error {
	if l.acked < l.sent {
		return fmt.Errorf("%d of %d sends were answered", l.acked, l.sent)
	}
	for _, c := range l.talk {
		if err := c.complete(); err != nil {
			return err
		}
	}
	if l.storm.away > 0 {
		return fmt.Errorf("%d of the storm are not back, after %d refusals", l.storm.away, l.storm.refused)
	}
	return nil
}

func (l *load) count() (tally, error) {
	server, err := serverTime(l.plan.Pid)
	if err != nil {
		return tally{}, err
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return tally{}, err
	}
	client := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	core, err := coreTime(l.plan.Core)
	return tally{l.now, l.acked, l.delivered, server, client, core}, err
}

func (l *load) report() error {
	after, err := l.count()
	if err != nil {
		return err
	}
	l.result.Phases = append(l.result.Phases, measured{
		Seconds:   (after.at - l.before.at).Seconds(),
		Acked:     after.acked - l.before.acked,
		Delivered: after.delivered - l.before.delivered,
		Answered:  l.answered,
		ServerCPU: (after.server - l.before.server).Seconds(),
		ClientCPU: (after.client - l.before.client).Seconds(),
		BackIn:    l.storm.backIn.Seconds(),
		Refused:   l.storm.refused,
		OthersCPU: (after.core - l.before.core - after.server + l.before.server).Seconds(),
		AckP50:    l.ackTimes.percentile(50),
		AckP99:    l.ackTimes.percentile(99),
		HeardP50:  l.deliveryTimes.percentile(50),
		HeardP99:  l.deliveryTimes.percentile(99),
	})
	return nil
}

// serverTime is the user and system time of a process.
func serverTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+2:])
	return time.Duration(number(fields[11])+number(fields[12])) * tick, nil
}

// coreTime is how long a core was not idle; the kernel's work for a socket counts for its process.
func coreTime(core int) (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(fieldOf(text, "cpu"+strconv.Itoa(core)+" "))
	busy := int64(0)
	for _, kind := range []int{0, 1, 2, 5, 6} { // user, nice, system, irq, softirq
		busy += number(fields[kind])
	}
	return time.Duration(busy) * tick, nil
}

// times holds how long things took, in microseconds, while it is measured.
type times struct {
	load *load
	us   []int32
}

func (t *times) note(since int64) {
	if t.load.stage != warming {
		t.us = append(t.us, int32((int64(t.load.now)-since)/1_000))
	}
}

// percentile answers in milliseconds; 0 where nothing was measured.
func (t *times) percentile(percent int) float64 {
	if len(t.us) == 0 {
		return 0
	}
	sort.Slice(t.us, func(i, j int) bool { return t.us[i] < t.us[j] })
	return float64(t.us[(len(t.us)-1)*percent/100]) / 1_000
}

// random is enough for masks and keys: nobody is to be kept from guessing them here.
func (l *load) random() uint64 {
	l.seed ^= l.seed << 13
	l.seed ^= l.seed >> 7
	l.seed ^= l.seed << 17
	return l.seed
}

func seconds(n float64) time.Duration {
	return time.Duration(n * float64(time.Second))
}

func max(a, b int) int {
	if a > b {
		return a
	}
	return b
}
