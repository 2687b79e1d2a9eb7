package server

import (
	"bytes"
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
)

// Memory is short when less than a twentieth of the machine's is available, or
// less than a tenth of what the process may have.
const (
	leastFree  = 20
	leastSpare = 10
)

// memoryIsTight tells whether memory is short: on the machine, within the control
// group (version 2) of the process, or within GOMEMLIMIT. What cannot be found out
// is not short.
func memoryIsTight() bool {
	info, _ := os.ReadFile("/proc/meminfo")
	total, available := lineOf(info, "MemTotal:"), lineOf(info, "MemAvailable:")
	if total > 0 && available >= 0 && available < total/leastFree {
		return true
	}
	limit := numberIn("/sys/fs/cgroup/memory.max")
	stat, _ := os.ReadFile("/sys/fs/cgroup/memory.stat")
	used := numberIn("/sys/fs/cgroup/memory.current") - max(0, lineOf(stat, "inactive_file "))
	if limit > 0 && used > limit-limit/leastSpare {
		return true
	}
	soft := debug.SetMemoryLimit(-1)
	return soft < math.MaxInt64 && goMemory() > soft-soft/leastSpare
}

// goMemory is what the limit of the runtime is about, bytes.
func goMemory() int64 {
	list := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(list)
	return int64(list[0].Value.Uint64() - list[1].Value.Uint64())
}

// lineOf is the first number of the line that begins so, -1 if there is none.
func lineOf(file []byte, begin string) int64 {
	for line := range bytes.Lines(file) {
		if rest, ok := bytes.CutPrefix(line, []byte(begin)); ok {
			return number(rest)
		}
	}
	return -1
}

// numberIn is the number in a file, -1 if there is none.
func numberIn(path string) int64 {
	b, err := os.ReadFile(path)
	if err != nil {
		return -1
	}
	return number(b)
}

func number(b []byte) int64 {
	fields := bytes.Fields(b)
	if len(fields) == 0 {
		return -1
	}
	n, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return -1
	}
	return n
}
