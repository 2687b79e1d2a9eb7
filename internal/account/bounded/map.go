// Package bounded holds a map of limited size that forgets what was not used
// for longest: counters fed by strangers must not eat the memory.
package bounded

import "sync"

// Map is safe for concurrent use. Make it with New.
type Map[K comparable, V any] struct {
	mu    sync.Mutex
	max   int
	nodes map[K]*node[K, V]
	ring  node[K, V] // ring.next is the newest, ring.prev the oldest
}

type node[K comparable, V any] struct {
	key        K
	value      V
	prev, next *node[K, V]
}

// New makes a map of at most max entries.
func New[K comparable, V any](max int) *Map[K, V] {
	m := &Map[K, V]{max: max, nodes: map[K]*node[K, V]{}}
	m.ring.prev, m.ring.next = &m.ring, &m.ring
	return m
}

// Get gives the entry of a key and makes it the newest.
func (m *Map[K, V]) Get(key K) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, ok := m.nodes[key]
	if !ok {
		var zero V
		return zero, false
	}
	m.unlink(n)
	m.push(n)
	return n.value, true
}

// Set stores an entry and makes it the newest; a full map drops its oldest.
func (m *Map[K, V]) Set(key K, value V) {
	m.Change(key, func(v *V, _ bool) { *v = value })
}

// Change calls f, under the map's lock, with the key's entry, a zero one when
// it is new, and makes it the newest. f must be quick.
func (m *Map[K, V]) Change(key K, f func(v *V, found bool)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, ok := m.nodes[key]
	switch {
	case ok:
		m.unlink(n)
	case len(m.nodes) >= m.max:
		n = m.ring.prev // reuse the oldest
		m.unlink(n)
		delete(m.nodes, n.key)
		*n = node[K, V]{key: key}
		m.nodes[key] = n
	default:
		n = &node[K, V]{key: key}
		m.nodes[key] = n
	}
	m.push(n)
	f(&n.value, ok)
}

// Delete removes the entry of a key, if there is one.
func (m *Map[K, V]) Delete(key K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n, ok := m.nodes[key]; ok {
		m.unlink(n)
		delete(m.nodes, key)
	}
}

// DeleteFunc removes all entries of which f says so; it walks the whole map.
func (m *Map[K, V]) DeleteFunc(f func(K, V) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for n := m.ring.next; n != &m.ring; {
		next := n.next
		if f(n.key, n.value) {
			m.unlink(n)
			delete(m.nodes, n.key)
		}
		n = next
	}
}

// Len gives the number of entries.
func (m *Map[K, V]) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.nodes)
}

func (m *Map[K, V]) unlink(n *node[K, V]) {
	n.prev.next, n.next.prev = n.next, n.prev
}

func (m *Map[K, V]) push(n *node[K, V]) {
	n.prev, n.next = &m.ring, m.ring.next
	n.prev.next, n.next.prev = n, n
}
