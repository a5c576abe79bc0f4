// Tests of the control protocol, with an ordinary program as the API server.
package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestPauseResumeStopAreSeenInStatus(t *testing.T) {
	c := &cluster{apiserver: startForTest(t, "sleep", "600")}
	for _, step := range []struct{ command, state string }{
		{"status", "running"}, {"pause-apiserver", "paused"}, {"resume-apiserver", "running"}, {"stop-apiserver", "stopped"},
	} {
		if _, err := c.obey(context.Background(), step.command); err != nil {
			t.Fatal(step.command, err)
		}
		if got := c.status()["apiserver"]; got != step.state {
			t.Fatalf("after %s: %s", step.command, got)
		}
	}
}

func TestCommandsOutOfPlaceAreErrors(t *testing.T) {
	stopped, running := &cluster{}, &cluster{apiserver: startForTest(t, "sleep", "600")}
	for command, c := range map[string]*cluster{
		"stop-apiserver": stopped, "restart-apiserver": stopped, "pause-apiserver": stopped,
		"resume-apiserver": stopped, "start-apiserver": running, "dance": running, "": running,
	} {
		if _, err := c.obey(context.Background(), command); err == nil {
			t.Errorf("%q was obeyed", command)
		}
	}
}

func TestReplies(t *testing.T) {
	var out strings.Builder
	_ = reply(&out, "compact", answer{"revision": int64(7)}, nil)
	_ = reply(&out, "compact", answer{"revision": int64(0)}, errors.New("no\nway"))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || lines[0] != `{"done":"compact","revision":7}` {
		t.Fatalf("%q", lines)
	}
	var second map[string]string
	if err := json.Unmarshal([]byte(lines[1]), &second); err != nil || second["error"] != "no\nway" || second["done"] != "" {
		t.Fatal(second, err)
	}
}
