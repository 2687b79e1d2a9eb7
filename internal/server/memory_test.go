package server

import (
	"runtime/debug"
	"testing"
)

// TestMemoryIsTight: a limit of the runtime that is nearly reached is found out.
func TestMemoryIsTight(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	debug.SetMemoryLimit(goMemory() + goMemory()/100)
	if !memoryIsTight() {
		t.Error("nearly all memory of the limit is used, and it is not short")
	}
}

func TestLineOf(t *testing.T) {
	file := []byte("MemTotal:       8144840 kB\nMemFree:  5 kB\n\nMemAvailable:    123 kB\nnone: x\n")
	for begin, want := range map[string]int64{"MemTotal:": 8144840, "MemAvailable:": 123, "none:": -1, "absent": -1} {
		if got := lineOf(file, begin); got != want {
			t.Errorf("%s %d, want %d", begin, got, want)
		}
	}
	if got := numberIn("/nonexistent"); got != -1 {
		t.Errorf("a file that is not there has %d", got)
	}
}
