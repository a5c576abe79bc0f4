// Tests of child processes, on ordinary programs.
package supervisor

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestKillEndsAPausedProcess(t *testing.T) {
	child := startForTest(t, "sleep", "600")
	if child.state() != "running" {
		t.Fatal(child.state())
	}
	if err := child.pause(); err != nil || child.state() != "paused" {
		t.Fatal(err, child.state())
	}
	child.kill()
	if child.state() != "exited" {
		t.Fatal(child.state())
	}
	child.kill() // once more does nothing
}

func TestResume(t *testing.T) {
	child := startForTest(t, "cat") // ends by itself: its stdin is empty
	_ = child.pause()
	_ = child.resume()
	select {
	case <-child.exited:
	case <-time.After(30 * time.Second):
		t.Fatal("still not ended")
	}
}

func TestFailureShowsTheLog(t *testing.T) {
	child := startForTest(t, "sh", "-c", "echo the reason >&2; exit 3")
	<-child.exited
	if text := child.failure().Error(); !strings.Contains(text, "the reason") || !strings.Contains(text, "exit status 3") {
		t.Fatal(text)
	}
}

func TestAbsentProcessIsStopped(t *testing.T) {
	var none *process
	none.kill()
	if none.state() != "stopped" {
		t.Fatal(none.state())
	}
}

func startForTest(t *testing.T, argv ...string) *process {
	t.Helper()
	child, err := startProcess(argv[0], argv, filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(child.kill)
	return child
}
