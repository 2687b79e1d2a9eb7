package crashtest

import (
	"errors"
	"maps"
	"slices"
	"sync"
)

// ErrDead is what a process gets from everything after it died.
var ErrDead = errors.New("crashtest: the process is dead")

// Steps counts the steps that processes passed. It is safe for concurrent use.
type Steps struct {
	mu     sync.Mutex
	passed map[string]int
	deaths map[string]int
}

// Names lists the steps that were passed, sorted.
func (s *Steps) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.passed))
}

// Deaths tells how many processes died at a step.
func (s *Steps) Deaths(step string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deaths[step]
}

func (s *Steps) note(step string, died bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.passed == nil {
		s.passed, s.deaths = map[string]int{}, map[string]int{}
	}
	s.passed[step]++
	if died {
		s.deaths[step]++
	}
}

// Fate is where a process dies: at a step, when it passes it the After-th time. The
// zero Fate is a long life.
type Fate struct {
	Step  string
	After int // from 1
}

// life is what a process has until it dies.
type life struct {
	steps *Steps
	// keep takes what the databases hold; the process stands still meanwhile.
	keep func()

	mu   sync.Mutex
	fate Fate
	dead bool
	died chan struct{}
}

func newLife(steps *Steps, fate Fate, keep func()) *life {
	return &life{steps: steps, keep: keep, fate: fate, died: make(chan struct{})}
}

// at passes a step, or dies there. It fails with ErrDead in a dead process.
func (l *life) at(step string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return ErrDead
	}
	if l.fate.Step == step {
		l.fate.After--
	}
	dies := l.fate.Step == step && l.fate.After == 0
	l.steps.note(step, dies)
	if dies {
		l.end()
		return ErrDead
	}
	return nil
}

// die ends the process wherever it is.
func (l *life) die() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.dead {
		l.end()
	}
}

func (l *life) end() {
	l.dead = true
	l.keep()
	close(l.died)
}

// stop makes a process that has ended do nothing more.
func (l *life) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
}

// alive fails with ErrDead in a dead process.
func (l *life) alive() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return ErrDead
	}
	return nil
}
