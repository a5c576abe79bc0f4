// client-go as a contestant: a shared informer on pods, typed, dynamic or metadata only; or its store or its workqueue by
// itself. It keeps to the protocol of src/contestant.rs.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

var arguments = map[string]string{}

func main() {
	for _, pair := range os.Args[1:] {
		if name, value, found := strings.Cut(pair, "="); found {
			arguments[name] = value
		}
	}
	// Read by client-go when it is first asked for.
	if arguments["sync"] != "watch-list" {
		os.Setenv("KUBE_FEATURE_WatchListClient", "false")
	} else {
		os.Setenv("KUBE_FEATURE_WatchListClient", "true")
	}
	if err := contest(); err != nil {
		fmt.Fprintln(os.Stderr, "client-go:", err)
		os.Exit(1)
	}
}

func informer() (cache.SharedIndexInformer, func(<-chan struct{}), error) {
	config := &rest.Config{Host: arguments["server"], QPS: -1, UserAgent: "bench"}
	// Left alone, the typed client asks for protobuf.
	config.ContentType = "application/json"
	config.AcceptContentTypes = "application/json"
	if arguments["encoding"] == "protobuf" {
		config.ContentType = "application/vnd.kubernetes.protobuf"
		config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	}
	if authority := arguments["authority"]; authority != "" {
		config.TLSClientConfig.CAFile = authority
	}
	pods := schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	switch form := arguments["form"]; form {
	case "typed":
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			return nil, nil, err
		}
		factory := informers.NewSharedInformerFactory(client, 0)
		return factory.Core().V1().Pods().Informer(), factory.Start, nil
	case "dynamic":
		client, err := dynamic.NewForConfig(config)
		if err != nil {
			return nil, nil, err
		}
		factory := dynamicinformer.NewDynamicSharedInformerFactory(client, 0)
		return factory.ForResource(pods).Informer(), factory.Start, nil
	case "metadata":
		client, err := metadata.NewForConfig(metadata.ConfigFor(config))
		if err != nil {
			return nil, nil, err
		}
		factory := metadatainformer.NewSharedInformerFactory(client, 0)
		return factory.ForResource(pods).Informer(), factory.Start, nil
	default:
		return nil, nil, fmt.Errorf("form=%q is none of typed, dynamic, metadata", form)
	}
}

func contest() error {
	switch arguments["form"] {
	case "store":
		return contestStore(int(number("objects", 0)))
	case "queue":
		return contestQueue(int(number("objects", 0)), int(number("workers", 1)))
	default:
		return contestInformer()
	}
}

func contestInformer() error {
	informer, start, err := informer()
	if err != nil {
		return err
	}
	if arguments["transform"] == "drop-managed-fields" {
		_ = informer.SetTransform(func(object any) (any, error) {
			if object, ok := object.(metav1.Object); ok {
				object.SetManagedFields(nil)
			}
			return object, nil
		})
	}
	if err := informer.AddIndexers(cache.Indexers{"node": byNode}); err != nil {
		return err
	}
	handlers := number("handlers", 1)
	objects := number("objects", 0)
	told := &told{reached: make(chan struct{}, 1)}
	for range handlers {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { told.tell() },
			UpdateFunc: func(_, _ any) { told.tell() },
			DeleteFunc: func(any) { told.tell() },
		})
		if err != nil {
			return err
		}
	}
	runtime.GC()
	rss, _ := memory()
	heap := allocated()
	say(map[string]any{"did": "start", "rss": rss, "settings": fmt.Sprintf(
		"%s; GOGC default, %d threads; %s; WatchListClient=%s; transform %q",
		runtime.Version(), runtime.GOMAXPROCS(0), arguments["encoding"], os.Getenv("KUBE_FEATURE_WatchListClient"),
		arguments["transform"])})

	since := now()
	ctx := context.Background()
	start(ctx.Done())
	// WaitForCacheSync looks every 100 ms only.
	cache.WaitFor(ctx, "", informer.HasSyncedChecker())
	told.wait(objects * handlers)
	cpu, wall := since.read()
	say(map[string]any{"did": "sync", "cpu": cpu, "wall": wall})

	_, peak := memory()
	debug.FreeOSMemory()
	time.Sleep(300 * time.Millisecond)
	rss, _ = memory()
	say(map[string]any{"did": "settle", "rss": rss, "peak": peak, "heap": allocated() - heap})
	store := informer.GetStore()
	say(map[string]any{"did": "prove", "objects": len(store.List()), "proof": proof(store)})
	return obey(informer, told, handlers)
}

func obey(informer cache.SharedIndexInformer, told *told, handlers int64) error {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		word, rest, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		count, _ := strconv.ParseInt(rest, 10, 64)
		switch word {
		case "watch":
			since := now()
			wanted := told.events.Load() + count*handlers
			say(map[string]any{"did": "ready"})
			told.wait(wanted)
			cpu, wall := since.read()
			say(map[string]any{"did": "watch", "cpu": cpu, "wall": wall, "events": count, "proof": proof(informer.GetStore())})
		case "read":
			since := now()
			bytes, rows := 0, 0
			for _, node := range informer.GetIndexer().ListIndexFuncValues("node") {
				objects, err := informer.GetIndexer().ByIndex("node", node)
				if err != nil {
					return err
				}
				for _, object := range objects {
					meta := object.(metav1.Object)
					for _, column := range []string{meta.GetName(), meta.GetNamespace(), meta.GetResourceVersion(), deep(object), node} {
						bytes += len(column)
					}
					rows++
				}
			}
			cpu, wall := since.read()
			say(map[string]any{"did": "read", "cpu": cpu, "wall": wall, "rows": rows, "proof": bytes})
		default:
			return nil
		}
	}
	return nil
}

func byNode(object any) ([]string, error) {
	node := ""
	switch object := object.(type) {
	case *corev1.Pod:
		node = object.Spec.NodeName
	case *unstructured.Unstructured:
		node, _, _ = unstructured.NestedString(object.Object, "spec", "nodeName")
	}
	if node == "" {
		return nil, nil
	}
	return []string{node}, nil
}

// The field deep inside that proves the object is there.
func deep(object any) string {
	switch object := object.(type) {
	case *corev1.Pod:
		if len(object.Spec.Containers) > 0 {
			return object.Spec.Containers[0].Image
		}
	case *unstructured.Unstructured:
		containers, _, _ := unstructured.NestedFieldNoCopy(object.Object, "spec", "containers")
		if containers, ok := containers.([]any); ok && len(containers) > 0 {
			if first, ok := containers[0].(map[string]any); ok {
				image, _ := first["image"].(string)
				return image
			}
		}
	case *metav1.PartialObjectMetadata:
		return object.Labels["app.kubernetes.io/name"]
	}
	return ""
}

func proof(store cache.Store) uint64 {
	sum := uint64(0)
	for _, object := range store.List() {
		meta := object.(metav1.Object)
		sum += fnv(meta.GetName(), meta.GetResourceVersion(), deep(object))
	}
	return sum
}

// The hash of the parts with a NUL between each two.
func fnv(first, second, third string) uint64 {
	hash := uint32(0x811c9dc5)
	for _, part := range []string{first, "\x00", second, "\x00", third} {
		for index := range len(part) {
			hash = (hash ^ uint32(part[index])) * 0x01000193
		}
	}
	return uint64(hash)
}

// Events told, and the number that is waited for.
type told struct {
	events, wanted atomic.Int64
	reached        chan struct{}
}

func (t *told) tell() {
	if t.events.Add(1) == t.wanted.Load() {
		select {
		case t.reached <- struct{}{}:
		default:
		}
	}
}

func (t *told) wait(wanted int64) {
	t.wanted.Store(wanted)
	for t.events.Load() < wanted {
		<-t.reached
	}
}

type since struct {
	cpu  float64
	wall time.Time
}

func now() since { return since{cpuSeconds(), time.Now()} }

func (s since) read() (float64, float64) {
	return cpuSeconds() - s.cpu, time.Since(s.wall).Seconds()
}

func cpuSeconds() float64 {
	usage := syscall.Rusage{}
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	seconds := func(value syscall.Timeval) float64 { return float64(value.Sec) + float64(value.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}

// Resident memory now and at its highest, in bytes.
func memory() (now, peak int64) {
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		value, _ := strconv.ParseInt(fields[1], 10, 64)
		switch fields[0] {
		case "VmRSS:":
			now = value * 1024
		case "VmHWM:":
			peak = value * 1024
		}
	}
	return now, peak
}

func allocated() int64 {
	runtime.GC()
	stats := runtime.MemStats{}
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func number(name string, otherwise int64) int64 {
	if value, err := strconv.ParseInt(arguments[name], 10, 64); err == nil {
		return value
	}
	return otherwise
}

func say(line map[string]any) {
	text, _ := json.Marshal(line)
	fmt.Println(string(text))
}
