// Questions asked of the running servers over HTTP: is the API server ready,
// what version is it, and etcd's compaction.
package supervisor

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// startDeadline is far beyond what a start takes (2 to 5 s), for busy machines.
const startDeadline = 3 * time.Minute

// probe asks one cluster's servers, as the administrator.
type probe struct {
	server, etcd, token string
	client              *http.Client
}

func newProbe(l layout, ca []byte, token string) probe {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return probe{l.server(), l.etcd(), token, &http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: roots},
			DisableKeepAlives: true, // the server behind a connection may have been killed
		},
	}}
}

// waitReady returns once the API server serves and its first namespace is
// there, or with an error when server ends or context does.
func (p probe) waitReady(ctx context.Context, server *process) error {
	return wait(ctx, server, p.ready)
}

// waitKubelet returns once the kubelet has said on its Node that it runs,
// which it does when it listens.
func (p probe) waitKubelet(ctx context.Context, kubelet *process, bootID string) error {
	return wait(ctx, kubelet, func(ctx context.Context) error {
		node, err := p.ask(ctx, http.MethodGet, p.server+"/api/v1/nodes/"+kubeletNode, nil)
		if err == nil && !bytes.Contains(node, []byte(bootID)) {
			err = errors.New("its Node is of an earlier run")
		}
		return err
	})
}

// wait asks until there is no error.
func wait(ctx context.Context, started *process, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for {
		last := ask(ctx)
		if last == nil {
			return nil
		}
		select {
		case <-started.exited:
			return started.failure()
		case <-ctx.Done():
			return fmt.Errorf("%s was not ready (%w): %v", started.name, ctx.Err(), last)
		case <-every.C:
		}
	}
}

func (p probe) ready(ctx context.Context) error {
	for _, path := range []string{"/readyz", "/api/v1/namespaces/default"} {
		if _, err := p.ask(ctx, http.MethodGet, p.server+path, nil); err != nil {
			return err
		}
	}
	return nil
}

func (p probe) version(ctx context.Context) (string, error) {
	body, err := p.ask(ctx, http.MethodGet, p.server+"/version", nil)
	if err != nil {
		return "", err
	}
	var answer struct{ GitVersion string }
	err = json.Unmarshal(body, &answer)
	return answer.GitVersion, err
}

// compact drops etcd's history up to its current revision, which it returns:
// a watch or a continue token from before is then expired (410). etcd's
// gateway writes 64-bit numbers as strings.
func (p probe) compact(ctx context.Context) (int64, error) {
	body, err := p.ask(ctx, http.MethodPost, p.etcd+"/v3/kv/range", []byte(`{"key":"AA==","limit":"1"}`))
	if err != nil {
		return 0, err
	}
	var answer struct {
		Header struct{ Revision string }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return 0, err
	}
	revision, err := strconv.ParseInt(answer.Header.Revision, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("etcd's revision: %w", err)
	}
	request := fmt.Appendf(nil, `{"revision":"%d","physical":true}`, revision)
	_, err = p.ask(ctx, http.MethodPost, p.etcd+"/v3/kv/compaction", request)
	return revision, err
}

func (p probe) ask(ctx context.Context, method, url string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+p.token)
	response, err := p.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %s: %s: %.200s", method, url, response.Status, answer)
	}
	return answer, nil
}
