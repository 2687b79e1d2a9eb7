package main

import (
	"bytes"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// anon is the memory that belongs to the process and its children alone, MB:
// without the pages of files that are mapped or those of the program itself,
// which the system takes back when it needs them. And the whole resident set.
func (p *proc) anon() (anon, rss float64) {
	group := p.cmd.Process.Pid
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if g, err := syscall.Getpgid(pid); err != nil || g != group {
			continue
		}
		b, _ := os.ReadFile("/proc/" + e.Name() + "/status")
		anon += statusMB(b, "RssAnon:")
		rss += statusMB(b, "VmRSS:")
	}
	return anon, rss
}

func statusMB(status []byte, key string) float64 {
	_, rest, _ := bytes.Cut(status, []byte(key))
	line, _, _ := bytes.Cut(rest, []byte(" kB"))
	kb, _ := strconv.ParseFloat(string(bytes.TrimSpace(line)), 64)
	return kb / 1024
}

// memorySample is how often the memory is looked at.
const memorySample = 200 * time.Millisecond

// memory watches a process: the samples in order, and what came of them.
type memory struct {
	samples    []float64
	last, peak float64
	once       sync.Once
	quit, done chan struct{}
}

func watchMemory(p *proc) *memory {
	m := &memory{quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(m.done)
		tick := time.NewTicker(memorySample)
		defer tick.Stop()
		for {
			if now, _ := p.anon(); now > 0 {
				m.samples = append(m.samples, now)
				m.last, m.peak = now, max(m.peak, now)
			}
			select {
			case <-tick.C:
			case <-m.quit:
				return
			}
		}
	}()
	return m
}

// stop ends the watching; the fields may be read then.
func (m *memory) stop() {
	m.once.Do(func() { close(m.quit) })
	<-m.done
}
