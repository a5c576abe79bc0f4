// The control protocol: a command a line on stdin, a JSON object a line on
// stdout, {"done":"<command>", ...} or {"error":"..."}.
package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// answer is what a command adds to its "done" line.
type answer map[string]any

// obey carries out one command.
func (c *cluster) obey(ctx context.Context, command string) (answer, error) {
	switch command {
	case "status":
		return c.status(), nil
	case "stop-apiserver":
		return nil, c.stopAPIServer()
	case "start-apiserver":
		return nil, c.startAPIServer(ctx)
	case "restart-apiserver":
		if err := c.stopAPIServer(); err != nil {
			return nil, err
		}
		return nil, c.startAPIServer(ctx)
	case "pause-apiserver":
		return nil, c.withAPIServer((*process).pause)
	case "resume-apiserver":
		return nil, c.withAPIServer((*process).resume)
	case "stop-kubelet":
		return nil, c.stopKubelet()
	case "start-kubelet":
		return nil, c.startKubelet(ctx)
	case "compact":
		revision, err := c.probe.compact(ctx)
		return answer{"revision": revision}, err
	}
	return nil, fmt.Errorf("unknown command %q; there are status, stop-apiserver, start-apiserver, "+
		"restart-apiserver, pause-apiserver, resume-apiserver, stop-kubelet, start-kubelet, compact", command)
}

func (c *cluster) status() answer {
	return answer{
		"etcd":               c.etcd.state(),
		"apiserver":          c.apiserver.state(),
		"controller_manager": c.controllerManager.state(),
		"kubelet":            c.kubelet.state(),
	}
}

func (c *cluster) withAPIServer(do func(*process) error) error {
	if c.apiserver == nil {
		return errors.New("the API server is not running")
	}
	return do(c.apiserver)
}

// reply writes the line that answers command.
func reply(out io.Writer, command string, added answer, failed error) error {
	line := answer{"done": command}
	for name, value := range added {
		line[name] = value
	}
	if failed != nil {
		line = answer{"error": failed.Error(), "command": command}
	}
	return json.NewEncoder(out).Encode(line)
}
