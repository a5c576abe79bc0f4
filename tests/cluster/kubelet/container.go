// One container: its command as a process, run again when it is to be; what it
// writes goes to a log in the form of the CRI and to whoever is attached.
package kubelet

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
)

// How long a command that ended waits before it is run again.
const restartDelay = time.Second

type container struct {
	spec      corev1.Container
	directory string
	restarts  bool
	report    func()

	lock     sync.Mutex
	command  *exec.Cmd
	stdin    io.WriteCloser // nil unless the container has one
	terminal *os.File       // nil unless it has one
	attached map[*attachment]bool
	running  bool
	stopped  bool
	runs     int32
	exitCode int32
	started  time.Time
}

// attachment is told what the container writes from now on.
type attachment struct {
	stdout, stderr io.Writer
	ended          chan struct{}
}

func startContainer(spec corev1.Container, directory string, restarts bool, report func()) *container {
	c := &container{
		spec: spec, directory: directory, restarts: restarts, report: report,
		attached: map[*attachment]bool{},
	}
	if len(spec.Command) > 0 {
		go c.live()
	} else {
		c.running, c.started, c.runs = true, time.Now(), 1 // a container that waits for exec
	}
	return c
}

func (c *container) live() {
	for c.begin() {
		code := c.wait()
		c.lock.Lock()
		c.running, c.exitCode = false, code
		for one := range c.attached {
			close(one.ended)
			delete(c.attached, one)
		}
		again := c.restarts && !c.stopped
		c.lock.Unlock()
		if !again {
			break
		}
		c.report()
		time.Sleep(restartDelay)
		if err := os.Rename(c.log(false), c.log(true)); err != nil {
			klog.ErrorS(err, "rotating a log")
		}
	}
	c.report()
}

// begin starts the command; false when it is stopped or cannot be started.
func (c *container) begin() bool {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.stopped {
		return false
	}
	log, err := os.OpenFile(c.log(false), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		klog.ErrorS(err, "opening a log")
		return false
	}
	c.command = process(append(c.spec.Command, c.spec.Args...), c.directory)
	c.running, c.started = true, time.Now()
	c.runs++
	stdout := &output{container: c, log: log, stream: "stdout"}
	if c.spec.TTY {
		c.terminal, err = pty.StartWithAttrs(c.command, nil, terminalAttributes())
		c.stdin = c.terminal
		if err == nil {
			go io.Copy(stdout, c.terminal) // ends with the terminal
		}
	} else {
		c.command.Stdout, c.command.Stderr = stdout, &output{container: c, log: log, stream: "stderr"}
		if c.spec.Stdin {
			c.stdin, err = c.command.StdinPipe()
		}
		if err == nil {
			err = c.command.Start()
		}
	}
	if err != nil {
		klog.ErrorS(err, "starting a container", "command", c.spec.Command)
		c.running, c.exitCode = false, 128 // what container runtimes say of one that never began
		return false
	}
	go c.report()
	return true
}

func (c *container) wait() int32 {
	_ = c.command.Wait() // how it ended is in ProcessState
	return int32(c.command.ProcessState.ExitCode())
}

func (c *container) stop() {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.stopped = true
	if c.running && c.command != nil && c.command.Process != nil {
		_ = syscall.Kill(-c.command.Process.Pid, syscall.SIGKILL) // its whole group
	}
	c.running = false
}

func (c *container) log(previous bool) string {
	if previous {
		return filepath.Join(c.directory, ".previous.log")
	}
	return filepath.Join(c.directory, ".log")
}

func (c *container) isRunning() bool {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.running
}

func (c *container) status(spec corev1.Container) corev1.ContainerStatus {
	c.lock.Lock()
	defer c.lock.Unlock()
	started := c.running
	status := corev1.ContainerStatus{
		Name: spec.Name, Image: spec.Image, ContainerID: "portolan://" + spec.Name,
		Ready: c.running, Started: &started, RestartCount: max(c.runs-1, 0),
	}
	if c.runs == 0 {
		status.State.Waiting = &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}
	} else if c.running {
		status.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(c.started)}
	} else {
		status.State.Terminated = &corev1.ContainerStateTerminated{
			ExitCode: c.exitCode, StartedAt: metav1.NewTime(c.started), FinishedAt: metav1.Now(),
		}
	}
	return status
}

// attach tells to what is written until the container ends or detach.
func (c *container) attach(to *attachment) (stdin io.Writer, terminal *os.File, err error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if !c.running {
		return nil, nil, fmt.Errorf("the container is not running")
	}
	c.attached[to] = true
	return c.stdin, c.terminal, nil
}

func (c *container) detach(from *attachment) {
	c.lock.Lock()
	defer c.lock.Unlock()
	delete(c.attached, from)
}

// closeStdin is what an attachment's end of input means, for a container with stdinOnce.
func (c *container) closeStdin() {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.spec.StdinOnce && c.stdin != nil {
		_ = c.stdin.Close()
	}
}

// process is a command in a group of its own, which dies with us.
func process(argv []string, directory string) *exec.Cmd {
	command := exec.Command(argv[0], argv[1:]...)
	command.Dir = directory
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + directory, "TERM=xterm"}
	command.SysProcAttr = childAttributes()
	return command
}

// output is one of a container's two outputs. A line is logged once it is
// whole; the attached get what there is at once.
type output struct {
	container *container
	log       *os.File
	stream    string
	partial   []byte
}

func (o *output) Write(written []byte) (int, error) {
	o.container.lock.Lock()
	defer o.container.lock.Unlock()
	for one := range o.container.attached {
		to := one.stdout
		if o.stream == "stderr" {
			to = one.stderr
		}
		if to != nil {
			_, _ = to.Write(written) // one who left is detached by its handler
		}
	}
	o.partial = append(o.partial, written...)
	for {
		end := bytes.IndexByte(o.partial, '\n')
		if end < 0 {
			return len(written), nil
		}
		now := time.Now().UTC().Format(time.RFC3339Nano)
		if _, err := fmt.Fprintf(o.log, "%s %s F %s\n", now, o.stream, o.partial[:end]); err != nil {
			return 0, err
		}
		o.partial = o.partial[end+1:]
	}
}
