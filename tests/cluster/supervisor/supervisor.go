// Package supervisor starts a small real cluster for tests, obeys commands
// about it on stdin, and takes it down when stdin closes or a signal comes.
package supervisor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// Up runs a cluster to its end and returns the process's exit code.
func Up(arguments []string, in io.Reader, out, errout io.Writer) int {
	o, err := parseOptions(arguments, errout)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	if err := supervise(o, in, out); err != nil {
		fmt.Fprintln(errout, "portolan-cluster:", err)
		return 1
	}
	return 0
}

func supervise(o options, in io.Reader, out io.Writer) error {
	runtime.LockOSThread() // children die with the thread that starts them
	defer runtime.UnlockOSThread()
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // a closed stdout is an error, not an end
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	commands := readLines(ctx, cancel, in)

	dir, scratch, err := directories(o.dir)
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	running, err := startCluster(ctx, o, dir, scratch)
	if ctx.Err() != nil && err != nil {
		return nil // told to end while starting
	}
	if err != nil {
		return err
	}
	defer running.close()
	if err := running.announce(ctx, out); err != nil {
		return err
	}
	return running.serve(ctx, commands, out)
}

// readLines passes on the lines of in, and calls cancel at its end.
func readLines(ctx context.Context, cancel context.CancelFunc, in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer cancel()
		scanner := bufio.NewScanner(in)
		for scanner.Scan() {
			select {
			case lines <- strings.TrimSpace(scanner.Text()):
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

// directories makes the one for people, which is kept when it was asked for,
// and the scratch one.
func directories(asked string) (dir, scratch string, err error) {
	scratch, err = os.MkdirTemp("", "portolan-cluster-")
	if err != nil {
		return "", "", err
	}
	if asked == "" {
		return scratch, scratch, nil
	}
	dir, err = filepath.Abs(asked)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	return dir, scratch, err
}

// announce writes the READY line.
func (c *cluster) announce(ctx context.Context, out io.Writer) error {
	version, err := c.probe.version(ctx)
	if err != nil {
		return err
	}
	facts, err := json.Marshal(map[string]string{
		"kubeconfig":   c.layout.kubeconfig(),
		"server":       c.layout.server(),
		"etcd":         c.layout.etcd(),
		"token":        c.token,
		"viewer_token": c.viewerToken,
		"ca_file":      c.layout.key("ca.crt"),
		"kubectl":      c.kubectl(),
		"dir":          c.layout.dir,
		"version":      version,
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "READY %s\n", facts)
	return err
}

// serve obeys commands until told to end (nil) or a component ends by itself.
func (c *cluster) serve(ctx context.Context, commands <-chan string, out io.Writer) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.etcd.gone():
			return c.etcd.failure()
		case <-c.apiserver.gone():
			return c.apiserver.failure()
		case <-c.controllerManager.gone():
			return c.controllerManager.failure()
		case <-c.kubelet.gone():
			return c.kubelet.failure()
		case command := <-commands:
			added, failed := c.obey(ctx, command)
			if ctx.Err() != nil {
				return nil
			}
			if err := reply(out, command, added, failed); err != nil {
				return err
			}
		}
	}
}
