// The workqueue by itself, as src/contestant/queue.rs has it.

package main

import (
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// As in src/contestant/queue.rs.
const (
	queueComes = 20
	queueFails = 4
)

func contestQueue(items, workers int) error {
	// As many threads as there are cores, and no more than there is work for.
	runtime.GOMAXPROCS(min(workers, runtime.GOMAXPROCS(0)))
	plain, first := queueTurns(items, workers, queueComes, false)
	limited, second := queueTurns(items, workers, queueFails+1, true)
	say(map[string]any{
		"did": "all", "proof": first + second,
		"values": map[string]float64{"queue_item": plain, "queue_limited_item": limited},
		"settings": fmt.Sprintf("%s; %d goroutines on %d threads; TypedRateLimitingQueue of cache.ObjectName without a name, so without metrics",
			runtime.Version(), workers, runtime.GOMAXPROCS(0)),
	})
	return nil
}

// Has every item come so many times; returns nanoseconds of CPU for each time, and a proof.
func queueTurns(items, workers, times int, limited bool) (float64, uint64) {
	limiter := workqueue.NewTypedItemExponentialFailureRateLimiter[cache.ObjectName](time.Millisecond, 8*time.Millisecond)
	queue := workqueue.NewTypedRateLimitingQueue(limiter)
	names := make([]cache.ObjectName, items)
	for index := range names {
		names[index] = cache.NewObjectName(fmt.Sprintf("namespace-%d", index%50), strconv.Itoa(index))
	}
	came := make([]atomic.Int32, items)
	var left atomic.Int64
	var proof atomic.Uint64
	left.Store(int64(items))
	since := now()
	for _, name := range names {
		queue.Add(name)
	}
	var done sync.WaitGroup
	for range workers {
		done.Go(func() {
			// Its own, so that no worker waits for a count of another's.
			var own uint64
			for {
				name, shutdown := queue.Get()
				if shutdown {
					proof.Add(own)
					return
				}
				index, _ := strconv.Atoi(name.Name)
				again := int(came[index].Add(1)) < times
				own += fnv(name.Namespace, name.Name, "")
				switch {
				case again && limited:
					queue.AddRateLimited(name)
				case again:
					queue.Add(name)
				default:
					queue.Forget(name)
					if left.Add(-1) == 0 {
						queue.ShutDown()
					}
				}
				queue.Done(name)
			}
		})
	}
	done.Wait()
	cpu, _ := since.read()
	return cpu * 1e9 / float64(items*times), proof.Load()
}
