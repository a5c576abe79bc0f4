// The running cluster: its files, its processes, and what may be done to them.
package supervisor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// cluster owns its processes; only the goroutine that made it may use it.
type cluster struct {
	layout      layout
	options     options
	programs    programs
	probe       probe
	token       string // of an administrator
	viewerToken string // of a user without any rights

	etcd, apiserver, controllerManager, kubelet *process // nil while stopped
}

// A port may be taken between being picked and being bound.
const startAttempts = 5

// startCluster starts everything and returns once the API server is ready.
// On failure nothing is left running.
func startCluster(ctx context.Context, o options, dir, scratch string) (*cluster, error) {
	found, err := findPrograms()
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		started, err := attemptStart(ctx, o, found, dir, filepath.Join(scratch, fmt.Sprint(attempt)))
		if err == nil {
			return started, nil
		}
		started.close()
		taken := strings.Contains(err.Error(), "address already in use")
		if !taken || attempt == startAttempts || ctx.Err() != nil {
			return nil, err
		}
	}
}

func attemptStart(ctx context.Context, o options, found programs, dir, scratch string) (*cluster, error) {
	c := &cluster{options: o, programs: found, token: rand.Text(), viewerToken: rand.Text()}
	ports, err := freePorts(5)
	if err != nil {
		return c, err
	}
	c.layout = layout{dir, scratch, ports[0], ports[1], ports[2], ports[3], ports[4]}
	keys, err := newPKI(time.Now())
	if err != nil {
		return c, err
	}
	if err := c.writeFiles(keys); err != nil {
		return c, err
	}
	c.probe = newProbe(c.layout, keys.ca, c.token)
	if c.etcd, err = c.start("etcd", etcdFlags(c.layout)); err != nil {
		return c, err
	}
	if err := c.startAPIServer(ctx); err != nil {
		select {
		case <-c.etcd.exited: // then that is the cause
			return c, c.etcd.failure()
		default:
			return c, err
		}
	}
	if o.controllerManager {
		if c.controllerManager, err = c.start("kube-controller-manager", controllerManagerFlags(c.layout)); err != nil {
			return c, err
		}
	}
	if o.kubelet {
		err = c.startKubelet(ctx)
	}
	return c, err
}

func (c *cluster) writeFiles(keys pki) error {
	if err := os.MkdirAll(c.layout.key(""), 0o700); err != nil {
		return err
	}
	tokens := fmt.Appendf(nil, "%s,portolan-admin,1,\"system:masters\"\n%s,portolan-viewer,2\n", c.token, c.viewerToken)
	files := map[string][]byte{
		c.layout.key("ca.crt"):              keys.ca,
		c.layout.key("server.crt"):          keys.serverCertificate,
		c.layout.key("server.key"):          keys.serverKey,
		c.layout.key("admin.crt"):           keys.adminCertificate,
		c.layout.key("admin.key"):           keys.adminKey,
		c.layout.key("service-account.pub"): keys.serviceAccountPublic,
		c.layout.key("service-account.key"): keys.serviceAccountKey,
		c.layout.key("tokens.csv"):          tokens,
		c.layout.kubeconfig():               kubeconfig(c.layout.server(), keys),
	}
	for path, content := range files {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
	}
	return c.programs.link("kubectl", c.kubectl())
}

func (c *cluster) kubectl() string { return filepath.Join(c.layout.scratch, "kubectl") }

func (c *cluster) start(component string, flags []string) (*process, error) {
	log := filepath.Join(c.layout.dir, strings.TrimPrefix(component, "kube-")+".log")
	return startProcess(component, c.programs.argv(component, flags...), log)
}

// startAPIServer waits for it to be ready; one that did not become ready is
// stopped again.
func (c *cluster) startAPIServer(ctx context.Context) error {
	if c.apiserver != nil {
		return errors.New("the API server is running")
	}
	started, err := c.start("kube-apiserver", apiserverFlags(c.layout, c.options))
	if err != nil {
		return err
	}
	c.apiserver = started
	if err := c.probe.waitReady(ctx, started); err != nil {
		return errors.Join(err, c.stopAPIServer())
	}
	return nil
}

// stopAPIServer kills it outright, as a crash would: connections end without
// a word.
func (c *cluster) stopAPIServer() error {
	if c.apiserver == nil {
		return errors.New("the API server is not running")
	}
	c.apiserver.kill()
	c.apiserver = nil
	return nil
}

// startKubelet waits for it to answer.
func (c *cluster) startKubelet(ctx context.Context) error {
	if c.kubelet != nil {
		return errors.New("the kubelet is running")
	}
	bootID := rand.Text()
	started, err := c.start("kubelet", kubeletFlags(c.layout, bootID))
	if err != nil {
		return err
	}
	c.kubelet = started
	if err := c.probe.waitKubelet(ctx, started, bootID); err != nil {
		return errors.Join(err, c.stopKubelet())
	}
	return nil
}

// stopKubelet kills it, and with it the containers.
func (c *cluster) stopKubelet() error {
	if c.kubelet == nil {
		return errors.New("the kubelet is not running")
	}
	c.kubelet.kill()
	c.kubelet = nil
	return nil
}

// close kills whatever runs.
func (c *cluster) close() {
	for _, running := range []*process{c.kubelet, c.controllerManager, c.apiserver, c.etcd} {
		running.kill()
	}
}
