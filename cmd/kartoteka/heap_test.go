package main

import (
	"runtime"
	"runtime/metrics"
	"testing"
)

func TestSpareCollections(t *testing.T) {
	for _, c := range []struct {
		gogc   string
		spares bool
	}{{"", true}, {"100", false}} {
		t.Run("GOGC="+c.gogc, func(t *testing.T) {
			t.Setenv("GOGC", c.gogc)
			end := spareCollections()
			runtime.GC()
			goal := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
			metrics.Read(goal)
			if got := goal[0].Value.Uint64(); (got > 2*spareHeap) != c.spares {
				t.Errorf("the heap may grow to %d bytes", got)
			}
			end()
			runtime.GC()
		})
	}
}
