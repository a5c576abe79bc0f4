// Workqueues of client-go, played in virtual time.

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/util/workqueue"
)

// queueScenario is one line of input of `queues`: what is done to a workqueue, step by step.
type queueScenario struct {
	Scenario string   `json:"scenario"`
	Steps    []string `json:"steps"`
}

// playQueues plays every scenario of the input, each in virtual time (which Go has for tests only), tells what came of
// each step, and ends the program.
func playQueues(input io.Reader, tell func(scenario, text string)) {
	var tests []testing.InternalTest
	lines := bufio.NewScanner(input)
	for lines.Scan() {
		var next queueScenario
		if err := json.Unmarshal(lines.Bytes(), &next); err != nil {
			fail(err)
		}
		play := func(t *testing.T) {
			synctest.Test(t, func(*testing.T) { newStage(next.Scenario, tell).play(next.Steps) })
		}
		tests = append(tests, testing.InternalTest{Name: next.Scenario, F: play})
	}
	testing.Main(func(string, string) (bool, error) { return true, nil }, tests, nil, nil)
}

// stage is a queue, and what is told of it.
type stage struct {
	queue   workqueue.TypedRateLimitingInterface[string]
	metrics *queueMetrics
	tell    func(text string)
}

func newStage(scenario string, tell func(scenario, text string)) *stage {
	metrics := &queueMetrics{}
	limiter := workqueue.NewTypedItemExponentialFailureRateLimiter[string](5*time.Millisecond, time.Second)
	config := workqueue.TypedRateLimitingQueueConfig[string]{Name: "queue", MetricsProvider: metrics}
	queue := workqueue.NewTypedRateLimitingQueueWithConfig(limiter, config)
	return &stage{queue, metrics, func(text string) { tell(scenario, text) }}
}

func (s *stage) play(steps []string) {
	for _, step := range steps {
		s.step(step)
		synctest.Wait()
	}
	s.queue.ShutDown()
}

func (s *stage) step(text string) {
	words := append(strings.Fields(text), "", "")
	item := words[1]
	milliseconds := func(word string) time.Duration {
		number, err := strconv.Atoi(word)
		if err != nil {
			fail(fmt.Errorf("%s: %w", text, err))
		}
		return time.Duration(number) * time.Millisecond
	}
	switch words[0] {
	case "add":
		s.queue.Add(item)
	case "after":
		s.queue.AddAfter(item, milliseconds(words[2]))
	case "limited":
		s.queue.AddRateLimited(item)
	case "forget":
		s.queue.Forget(item)
	case "requeues":
		s.tell(fmt.Sprintf("%s failed %d", item, s.queue.NumRequeues(item)))
	case "get":
		s.get()
	case "done":
		s.queue.Done(item)
	case "tick":
		time.Sleep(milliseconds(item))
	case "shut":
		s.queue.ShutDown()
	case "drain":
		go func() {
			s.queue.ShutDownWithDrain()
			s.tell("drained")
		}()
	case "check":
		s.tell(fmt.Sprintf("check ready %d, shut %t, %s", s.queue.Len(), s.queue.ShuttingDown(), s.metrics))
	default:
		fail(fmt.Errorf("no step of a queue: %s", text))
	}
}

// get takes what is ready, if anything is: a worker that would wait is none.
func (s *stage) get() {
	if s.queue.Len() == 0 && !s.queue.ShuttingDown() {
		s.tell("got nothing")
		return
	}
	item, shut := s.queue.Get()
	if shut {
		s.tell("got the end")
		return
	}
	s.tell("got " + item)
}

// queueMetrics is a workqueue.MetricsProvider of one queue.
type queueMetrics struct {
	depth, adds, retries, unfinished, longest number
	waited, worked                            durations
}

func (m *queueMetrics) String() string {
	return fmt.Sprintf("depth %s, adds %s, retries %s, unfinished %s, longest %s, waited %s, worked %s",
		&m.depth, &m.adds, &m.retries, m.unfinished.seconds(), m.longest.seconds(), &m.waited, &m.worked)
}

func (m *queueMetrics) NewDepthMetric(string) workqueue.GaugeMetric     { return &m.depth }
func (m *queueMetrics) NewAddsMetric(string) workqueue.CounterMetric    { return &m.adds }
func (m *queueMetrics) NewRetriesMetric(string) workqueue.CounterMetric { return &m.retries }
func (m *queueMetrics) NewLatencyMetric(string) workqueue.HistogramMetric {
	return &m.waited
}
func (m *queueMetrics) NewWorkDurationMetric(string) workqueue.HistogramMetric {
	return &m.worked
}
func (m *queueMetrics) NewUnfinishedWorkSecondsMetric(string) workqueue.SettableGaugeMetric {
	return &m.unfinished
}
func (m *queueMetrics) NewLongestRunningProcessorSecondsMetric(string) workqueue.SettableGaugeMetric {
	return &m.longest
}

// number is a counter or a gauge.
type number struct{ value float64 }

func (n *number) Inc()              { n.value++ }
func (n *number) Dec()              { n.value-- }
func (n *number) Set(value float64) { n.value = value }
func (n *number) String() string    { return strconv.FormatFloat(n.value, 'f', -1, 64) }
func (n *number) seconds() string   { return milliseconds(n.value) }

// durations counts observations and adds them up.
type durations struct {
	count int
	sum   float64
}

func (d *durations) Observe(value float64) { d.count, d.sum = d.count+1, d.sum+value }
func (d *durations) String() string        { return fmt.Sprintf("%d for %s", d.count, milliseconds(d.sum)) }

func milliseconds(seconds float64) string { return fmt.Sprintf("%.0f ms", math.Round(seconds*1000)) }
