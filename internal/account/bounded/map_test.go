package bounded

import (
	"slices"
	"strconv"
	"sync"
	"testing"
)

func TestMapDropsTheOldest(t *testing.T) {
	m := New[string, int](3)
	for i, key := range []string{"a", "b", "c"} {
		m.Set(key, i)
	}
	m.Get("a")      // now b is the oldest
	m.Set("d", 3)   // drops b
	m.Set("c", 20)  // no new entry
	m.Set("e", 4)   // drops a
	m.Delete("x")   // nothing
	m.Set("d", 30)  // no new entry
	m.Delete("c")   // room
	m.Set("f", 100) // drops nothing
	var left []string
	m.DeleteFunc(func(key string, v int) bool { left = append(left, key+strconv.Itoa(v)); return v >= 30 })
	if want := []string{"f100", "d30", "e4"}; !slices.Equal(left, want) {
		t.Errorf("newest first: got %v, want %v", left, want)
	}
	if _, ok := m.Get("e"); !ok || m.Len() != 1 {
		t.Errorf("e is not the only one left of %d", m.Len())
	}
}

func TestMapIsSafeForConcurrentUse(t *testing.T) {
	m := New[int, int](100)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 5000 {
				m.Change((i*7+g)%300, func(v *int, _ bool) { *v++ })
				m.Get(i % 300)
				if i%50 == 0 {
					m.Delete(i % 300)
				}
			}
		})
	}
	wg.Wait()
	if m.Len() > 100 {
		t.Errorf("%d entries", m.Len())
	}
}
