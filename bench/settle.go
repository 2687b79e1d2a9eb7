package main

import "time"

// A server may owe work for what was loaded: segments of a search index to
// merge, say. What it answers with that done is measured; how long it took and
// what it cost is told beside the rate of the load.
const (
	settleWindow = 5 * time.Second
	settleShare  = 20 // at rest is who uses less than a 20th of a processor
	settleMost   = 5 * time.Minute
)

// settling is what a server did after its load until it was at rest.
type settling struct {
	After float64 // s, without the time in which nothing happened
	CPU   float64 // s of processor time
}

func settle(p *proc) settling {
	began, first := time.Now(), p.cpu()
	for {
		at, used := time.Since(began), p.cpu()
		if time.Sleep(settleWindow); p.cpu()-used < settleWindow/settleShare || at > settleMost {
			return settling{at.Seconds(), (p.cpu() - first).Seconds()}
		}
	}
}
