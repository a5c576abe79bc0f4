// Tests of the questions, against canned servers.
package supervisor

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestCompactAsksForTheCurrentRevision(t *testing.T) {
	var compaction string
	etcd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v3/kv/range" {
			_, _ = io.WriteString(w, `{"header":{"revision":"42"}}`)
			return
		}
		body, _ := io.ReadAll(r.Body)
		compaction = r.URL.Path + " " + string(body)
		_, _ = io.WriteString(w, `{}`)
	}))
	defer etcd.Close()
	revision, err := probe{etcd: etcd.URL, client: etcd.Client()}.compact(context.Background())
	if err != nil || revision != 42 || compaction != `/v3/kv/compaction {"revision":"42","physical":true}` {
		t.Fatal(revision, err, compaction)
	}
}

func TestWaitReadyReportsADeadServer(t *testing.T) {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "starting", http.StatusInternalServerError)
	}))
	defer refusing.Close()
	server := startForTest(t, "sh", "-c", "echo no such flag; exit 1")
	err := probe{server: refusing.URL, client: refusing.Client()}.waitReady(context.Background(), server)
	if err == nil || !strings.Contains(err.Error(), "no such flag") {
		t.Fatal(err)
	}
}

func TestWaitReadyEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		http.Error(w, "starting", http.StatusInternalServerError)
	}))
	defer refusing.Close()
	server := startForTest(t, "sleep", "600")
	if err := (probe{server: refusing.URL, client: refusing.Client()}).waitReady(ctx, server); err == nil {
		t.Fatal("ready")
	}
}
