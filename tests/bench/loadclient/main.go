// Loadclient drives one server with many WebSockets from one thread.
//
// It reads its plan from the JSON file named on the command line, checks every
// frame it counts, and prints one line of JSON. It is one epoll loop without
// locks, so that it needs less of its core than the server does of its own.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
)

// A plan says what to connect to and what to do in which order.
type plan struct {
	Port    int      `json:"port"`
	Pid     int      `json:"pid"`     // the server, whose CPU time is read
	Core    int      `json:"core"`    // which core that is on
	Dialect string   `json:"dialect"` // which of the dialects the server speaks
	Hold    bool     `json:"hold"`    // after the phases, stay connected until standard input ends
	Bytes   int      `json:"bytes"`   // of a message's content
	Sockets []socket `json:"sockets"` // in the order they take turns at a given rate
	Phases  []phase  `json:"phases"`
}

type socket struct {
	Token  string   `json:"token"`
	Ticket string   `json:"ticket"` // in place of the token
	Room   string   `json:"room"`
	Rooms  []string `json:"rooms"` // heard beside that, by the same frame
	Deaf   bool     `json:"deaf"`  // reads nothing once it hears its rooms; the last of its room
	Storm  bool     `json:"storm"` // says nothing; is cut by a phase that says so, and comes back
}

// A phase sends for a while after a warm-up. It is measured until everything sent has come to everybody:
// work that the server puts off counts as its work.
type phase struct {
	Rate    float64 `json:"rate"`    // sends a second offered by all together; 0 is as fast as the window lets
	Window  int     `json:"window"`  // un-acked sends of one socket, where there is no rate
	Senders int     `json:"senders"` // of a room, its first members; 0 is all
	Heard   bool    `json:"heard"`   // the window is a room's, of messages that not everybody in it has heard
	Cut     bool    `json:"cut"`     // once it is measured, all of the storm are cut, and come back
	WarmUp  float64 `json:"warm_up"` // seconds
	Seconds float64 `json:"seconds"` // of sending, measured
}

func main() {
	runtime.LockOSThread()
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: loadclient PLAN.json")
		os.Exit(2)
	}
	text, err := os.ReadFile(os.Args[1])
	var todo plan
	if err == nil {
		err = json.Unmarshal(text, &todo)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	load, err := newLoad(todo)
	if err == nil {
		err = load.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
