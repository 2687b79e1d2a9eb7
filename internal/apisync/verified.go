package apisync

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// verifiedFor is how long a password that was right is remembered.
	verifiedFor = 5 * time.Minute
	// verifiedMost bounds the remembered ones; past it all are forgotten.
	verifiedMost = 10_000
)

// verified remembers passwords that were right under a key that is nowhere kept, so
// that the slow hash does not cost every request. The zero value is ready.
type verified struct {
	mutex sync.Mutex
	key   []byte
	until map[[32]byte]time.Time
}

func (v *verified) of(hash, given string) (sum [32]byte) {
	if v.key == nil {
		v.key = make([]byte, 32)
		_, _ = rand.Read(v.key) // never fails
	}
	h := hmac.New(sha256.New, v.key)
	h.Write([]byte(hash + "\x00" + given))
	h.Sum(sum[:0])
	return sum
}

func (v *verified) knows(hash, given string, now time.Time) bool {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return hash != "" && now.Before(v.until[v.of(hash, given)])
}

func (v *verified) note(hash, given string, now time.Time) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.until == nil || len(v.until) >= verifiedMost {
		v.until = map[[32]byte]time.Time{}
	}
	v.until[v.of(hash, given)] = now.Add(verifiedFor)
}
