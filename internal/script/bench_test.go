//go:build linux

package script

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// median reports the middle of durations in milliseconds.
func median(b *testing.B, all []time.Duration) {
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Nanoseconds())/1e6, "median-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Nanoseconds())/1e6, "p99-ms")
}

// BenchmarkWarm: a one-line script in a child that waits for it.
func BenchmarkWarm(b *testing.B) {
	e := engine(b)
	req := request("request_data['price'] * 2")
	req.Items[0] = inputs(b, "request_data", map[string]any{"price": 21})
	run(b, e, noHost{}, req)
	var all []time.Duration
	for b.Loop() {
		began := time.Now()
		run(b, e, noHost{}, req)
		all = append(all, time.Since(began))
	}
	median(b, all)
}

// BenchmarkFresh: the same in a process that served nobody before; each newcomer
// finds the one that waits.
func BenchmarkFresh(b *testing.B) { fresh(b, true) }

// BenchmarkForked: newcomers one after the other, so that most wait for a fork.
func BenchmarkForked(b *testing.B) { fresh(b, false) }

func fresh(b *testing.B, waiting bool) {
	e := engine(b)
	run(b, e, noHost{}, request("1"))
	var all []time.Duration
	n := 0
	for b.Loop() {
		for waiting && !hasSpare(e) {
			time.Sleep(time.Millisecond)
		}
		req := request("1 + 1")
		n++
		req.Key.Version = fmt.Sprint("fresh", n)
		began := time.Now()
		run(b, e, noHost{}, req)
		all = append(all, time.Since(began))
	}
	median(b, all)
}

func hasSpare(e *Engine) bool {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.spare != nil && !e.making
}

// BenchmarkItems: 10,000 items in one call.
func BenchmarkItems(b *testing.B) {
	e := engine(b)
	req := request("request_data['price'] * 2")
	req.Items = make([]Item, 10_000)
	for i := range req.Items {
		req.Items[i] = inputs(b, "request_data", map[string]any{"price": i})
	}
	run(b, e, noHost{}, request("1"))
	var all []time.Duration
	for b.Loop() {
		began := time.Now()
		results, err := e.Run(b.Context(), noHost{}, req)
		if err != nil || len(results) != len(req.Items) || string(results[9999].Value) != "19998" {
			b.Fatal(err, len(results))
		}
		all = append(all, time.Since(began))
	}
	median(b, all)
}

// BenchmarkSixteen: warm runs of 16 callers at once, 4 processes.
func BenchmarkSixteen(b *testing.B) {
	e := engine(b)
	var left atomic.Int64
	var callers sync.WaitGroup
	var warm sync.WaitGroup
	for range 4 {
		warm.Go(func() { run(b, e, noHost{}, request("time.sleep(0.2)")) })
	}
	warm.Wait()
	left.Store(int64(b.N))
	b.ResetTimer()
	began := time.Now()
	for range 16 {
		callers.Go(func() {
			req := request("request_data['price'] * 2")
			req.Items[0] = inputs(b, "request_data", map[string]any{"price": 21})
			for left.Add(-1) >= 0 {
				if _, err := e.Run(b.Context(), noHost{}, req); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	callers.Wait()
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "runs/s")
}
