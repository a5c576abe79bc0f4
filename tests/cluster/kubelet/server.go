// What the API server asks of a kubelet: logs, exec, attach, port-forward.
package kubelet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/creack/pty"
	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-client/pkg/logs"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

const (
	idleTimeout     = 4 * time.Hour // as the kubelet's default
	creationTimeout = 30 * time.Second
)

func handler(held *pods) http.Handler {
	mux := http.NewServeMux()
	of := func(serve func(w http.ResponseWriter, r *http.Request, c *container)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			namespace, pod, name := r.PathValue("namespace"), r.PathValue("pod"), r.PathValue("container")
			found := held.find(namespace, pod, name)
			if found == nil {
				http.Error(w, fmt.Sprintf("container not found (%q)", name), http.StatusNotFound)
				return
			}
			serve(w, r, found)
		}
	}
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", of(serveLogs))
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", of(serveExec))
	mux.HandleFunc("/attach/{namespace}/{pod}/{container}", of(serveAttach))
	mux.HandleFunc("/portForward/{namespace}/{pod}", of(servePortForward))
	return mux
}

func serveLogs(w http.ResponseWriter, r *http.Request, c *container) {
	asked, err := logOptions(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	path := c.log(r.URL.Query().Get("previous") == "true")
	if _, err := os.Stat(path); err != nil {
		http.Error(w, fmt.Sprintf("previous terminated container %q not found", c.spec.Name), http.StatusBadRequest)
		return
	}
	out := flushing{w}
	if err := logs.ReadLogs(r.Context(), path, c.spec.Name, asked, status{container: c}, out, out); err != nil && r.Context().Err() == nil {
		fmt.Fprintln(w, err)
	}
}

func logOptions(query url.Values) (*logs.LogOptions, error) {
	o := &logs.LogOptions{Follow: query.Get("follow") == "true", Timestamp: query.Get("timestamps") == "true"}
	number := func(name string) (*int64, error) {
		if query.Get(name) == "" {
			return nil, nil
		}
		value, err := strconv.ParseInt(query.Get(name), 10, 64)
		return &value, err
	}
	var errs [4]error
	var seconds *int64
	o.TailLines, errs[0] = number("tailLines")
	o.LimitBytes, errs[1] = number("limitBytes")
	if seconds, errs[2] = number("sinceSeconds"); seconds != nil {
		o.Since = time.Now().Add(-time.Duration(*seconds) * time.Second)
	}
	if since := query.Get("sinceTime"); since != "" {
		o.Since, errs[3] = time.Parse(time.RFC3339, since)
	}
	return o, errors.Join(errs[:]...)
}

// flushing sends what is written at once.
type flushing struct{ http.ResponseWriter }

func (f flushing) Write(bytes []byte) (int, error) {
	n, err := f.ResponseWriter.Write(bytes)
	f.ResponseWriter.(http.Flusher).Flush()
	return n, err
}

// status tells the log reader whether to wait for more; it asks nothing else.
type status struct {
	internalapi.RuntimeService
	container *container
}

func (s status) ContainerStatus(context.Context, string, bool) (*runtimeapi.ContainerStatusResponse, error) {
	state := runtimeapi.ContainerState_CONTAINER_EXITED
	if s.container.isRunning() {
		state = runtimeapi.ContainerState_CONTAINER_RUNNING
	}
	return &runtimeapi.ContainerStatusResponse{Status: &runtimeapi.ContainerStatus{State: state}}, nil
}

func serveExec(w http.ResponseWriter, r *http.Request, c *container) {
	streams, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	remotecommand.ServeExec(w, r, executor{c}, "", "", c.spec.Name, r.URL.Query()["command"], streams,
		idleTimeout, creationTimeout, remotecommand.SupportedStreamingProtocols)
}

func serveAttach(w http.ResponseWriter, r *http.Request, c *container) {
	streams, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	remotecommand.ServeAttach(w, r, executor{c}, "", "", c.spec.Name, streams,
		idleTimeout, creationTimeout, remotecommand.SupportedStreamingProtocols)
}

func servePortForward(w http.ResponseWriter, r *http.Request, c *container) {
	ports, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	portforward.ServePortForward(w, r, executor{c}, "", "", ports,
		idleTimeout, creationTimeout, portforward.SupportedProtocols)
}

// executor does for one container what a container runtime does.
type executor struct{ container *container }

func (e executor) ExecInContainer(ctx context.Context, _, _, _ string, argv []string, in io.Reader, out, errout io.WriteCloser,
	tty bool, resize <-chan remotecommand.TerminalSize, _ time.Duration) error {
	if len(argv) == 0 {
		return errors.New("no command")
	}
	command := process(argv, e.container.directory)
	var err error
	if tty {
		err = runOnTerminal(command, in, out, resize)
	} else {
		err = runOnPipes(ctx, command, in, out, errout)
	}
	if command.ProcessState != nil && !command.ProcessState.Success() {
		code := command.ProcessState.ExitCode()
		return utilexec.CodeExitError{Err: fmt.Errorf("command exited with %d", code), Code: code}
	}
	if command.ProcessState == nil && err != nil {
		// As a shell says that there is no such program.
		return utilexec.CodeExitError{Err: err, Code: 127}
	}
	return nil
}

func (e executor) AttachContainer(ctx context.Context, _, _, _ string, in io.Reader, out, errout io.WriteCloser,
	tty bool, resize <-chan remotecommand.TerminalSize) error {
	here := &attachment{ended: make(chan struct{})}
	if out != nil {
		here.stdout = out
	}
	if errout != nil {
		here.stderr = errout
	}
	stdin, terminal, err := e.container.attach(here)
	if err != nil {
		return err
	}
	defer e.container.detach(here)
	if terminal != nil {
		go follow(terminal, resize)
	}
	if in != nil && stdin != nil {
		go func() {
			_, _ = io.Copy(stdin, in)
			e.container.closeStdin()
		}()
	}
	select {
	case <-here.ended:
	case <-ctx.Done():
	}
	return nil
}

func (e executor) PortForward(_ context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
	connection, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	defer connection.Close()
	go func() {
		_, _ = io.Copy(connection, stream)
		_ = connection.(*net.TCPConn).CloseWrite()
	}()
	_, err = io.Copy(stream, connection)
	return err
}

func runOnTerminal(command *exec.Cmd, in io.Reader, out io.Writer, resize <-chan remotecommand.TerminalSize) error {
	terminal, err := pty.StartWithAttrs(command, nil, terminalAttributes())
	if err != nil {
		return err
	}
	defer terminal.Close()
	go follow(terminal, resize)
	if in != nil {
		go func() {
			_, _ = io.Copy(terminal, in)
			_, _ = terminal.Write([]byte{4}) // the end of input, as a terminal tells it
		}()
	}
	_, _ = io.Copy(out, terminal) // fails with EIO when the command has ended
	return command.Wait()
}

func runOnPipes(ctx context.Context, command *exec.Cmd, in io.Reader, out, errout io.Writer) error {
	if out != nil {
		command.Stdout = out
	}
	if errout != nil {
		command.Stderr = errout
	}
	var stdin io.WriteCloser
	var err error
	if in != nil {
		if stdin, err = command.StdinPipe(); err != nil {
			return err
		}
	}
	if err := command.Start(); err != nil {
		return err
	}
	if stdin != nil {
		go func() {
			_, _ = io.Copy(stdin, in)
			_ = stdin.Close()
		}()
	}
	return command.Wait()
}

// follow gives the terminal the sizes that come.
func follow(terminal *os.File, resize <-chan remotecommand.TerminalSize) {
	for size := range resize {
		_ = pty.Setsize(terminal, &pty.Winsize{Rows: size.Height, Cols: size.Width})
	}
}
