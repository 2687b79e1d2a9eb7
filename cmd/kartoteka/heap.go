package main

import (
	"os"
	"runtime"
)

// spareHeap is how much the server lets lie about between two collections at
// least. Requests leave some 20 kB each and next to nothing lives on, so the
// usual rule, when the heap has doubled, collects a hundred times a second.
const spareHeap = 16 << 20

// spareCollections sets spareHeap until the end is called. It is a block of
// memory that is never touched, and so has no pages, but counts as living.
// GOGC, where it is set, is taken for what its owner wants.
func spareCollections() (end func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	block := make([]byte, spareHeap)
	return func() { runtime.KeepAlive(block) }
}
