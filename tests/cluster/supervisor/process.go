// One child process: started with its output in a log file, killed, paused,
// resumed. Children die with the supervisor, even when it is killed outright.
package supervisor

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

type process struct {
	name    string
	logPath string
	command *exec.Cmd
	paused  bool
	exited  chan struct{} // closed once the process is gone
}

// startProcess runs argv with output appended to logPath. It must be called
// from a goroutine locked to its thread: the kernel kills the child when the
// thread that started it ends.
func startProcess(name string, argv []string, logPath string) (*process, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", name, err)
	}
	defer log.Close()
	command := exec.Command(argv[0], argv[1:]...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = childAttributes()
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	started := &process{name: name, logPath: logPath, command: command, exited: make(chan struct{})}
	go func() {
		_ = command.Wait() // how it ended is in ProcessState
		close(started.exited)
	}()
	return started, nil
}

// kill ends the process at once and waits until it is gone; killing one that
// has ended does nothing.
func (p *process) kill() {
	if p == nil {
		return
	}
	_ = p.command.Process.Kill()
	<-p.exited
}

func (p *process) pause() error {
	if err := p.command.Process.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("pausing %s: %w", p.name, err)
	}
	p.paused = true
	return nil
}

func (p *process) resume() error {
	if err := p.command.Process.Signal(syscall.SIGCONT); err != nil {
		return fmt.Errorf("resuming %s: %w", p.name, err)
	}
	p.paused = false
	return nil
}

// gone is closed when the process ends; never, for one that does not run.
func (p *process) gone() <-chan struct{} {
	if p == nil {
		return nil
	}
	return p.exited
}

func (p *process) state() string {
	if p == nil {
		return "stopped"
	}
	select {
	case <-p.exited:
		return "exited"
	default:
	}
	if p.paused {
		return "paused"
	}
	return "running"
}

// failure says how the process ended and shows the end of its log.
func (p *process) failure() error {
	return fmt.Errorf("%s ended (%s); the end of %s:\n%s",
		p.name, p.command.ProcessState, p.logPath, lastLines(p.logPath, 15))
}

func lastLines(path string, count int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimRight(text, "\n"), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-count):], []byte("\n")))
}
