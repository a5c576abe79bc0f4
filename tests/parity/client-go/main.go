// Command parity is client-go on stdin and stdout: it runs shared informers as it is told, and tells what their handlers
// are called with. Each line of its input is one JSON command, each line of its output one JSON line of a trace. As
// `parity queues` it plays workqueues, each line of its input a whole scenario.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"k8s.io/klog/v2"
)

// command is one line of input.
type command struct {
	Scenario string `json:"scenario"`
	Do       string `json:"do"`
	// Of all but "make": what to say when it is done.
	Number int `json:"number"`
	// Of "make".
	Options options `json:"options"`
	// Of "handler", "remove", "synced" and "check".
	Name string `json:"name"`
	// Of "handler": how often it wants to be told everything again; -1 is the informer's default.
	ResyncMilliseconds int64 `json:"resync_ms"`
}

// line is one line of output.
type line struct {
	Scenario string `json:"scenario"`
	Text     string `json:"text"`
}

func main() {
	// client-go's log is no part of a trace.
	klog.SetLogger(klog.Logger{})
	var writing sync.Mutex
	output := json.NewEncoder(os.Stdout)
	tell := func(scenario, text string) {
		writing.Lock()
		defer writing.Unlock()
		if err := output.Encode(line{scenario, text}); err != nil {
			os.Exit(1)
		}
	}
	if len(os.Args) > 1 && os.Args[1] == "queues" {
		playQueues(os.Stdin, tell)
	}
	players := map[string]*player{}
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<20)
	for input.Scan() {
		var next command
		if err := json.Unmarshal(input.Bytes(), &next); err != nil {
			fail(err)
		}
		if next.Do == "make" {
			scenario := next.Scenario
			made, err := newPlayer(next.Options, func(text string) { tell(scenario, text) })
			if err != nil {
				fail(err)
			}
			players[scenario] = made
			continue
		}
		if err := players[next.Scenario].do(next); err != nil {
			fail(fmt.Errorf("%s: %s: %w", next.Scenario, next.Do, err))
		}
		tell(next.Scenario, fmt.Sprintf("did %d", next.Number))
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "parity:", err)
	os.Exit(1)
}
