package account

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
)

func TestHashIsPHC(t *testing.T) {
	h := newHasher(1)
	phc, err := h.hash(t.Context(), "secret word")
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("%q, %v", phc, err)
	}
	second, err := h.hash(t.Context(), "secret word")
	if err != nil || second == phc {
		t.Errorf("the salt repeats: %v", err)
	}
	for password, want := range map[string]bool{"secret word": true, "secret Word": false, "": false} {
		if got, err := h.matches(t.Context(), password, phc); got != want || err != nil {
			t.Errorf("%q: %v, %v", password, got, err)
		}
	}
	if got, err := h.matches(t.Context(), "", ""); got || err != nil {
		t.Errorf("no hash: %v, %v", got, err)
	}
}

func TestHashOfOtherCost(t *testing.T) {
	salt := []byte("some salt")
	key := argon2.IDKey([]byte("secret word"), salt, 1, 64, 2, hashLength)
	phc := "$argon2id$v=19$m=64,t=1,p=2$" + base64.RawStdEncoding.EncodeToString(salt) + "$" + base64.RawStdEncoding.EncodeToString(key)
	if ok, err := newHasher(1).matches(t.Context(), "secret word", phc); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

func TestMalformedHashIsNoMatch(t *testing.T) {
	h := newHasher(1)
	for _, phc := range []string{"x", "$argon2i$v=19$m=64,t=1,p=1$YQ$YQ", "$argon2id$v=19$m=99999999,t=1,p=1$YQ$YQ", "$argon2id$v=19$m=64,t=0,p=1$YQ$YQ"} {
		if ok, err := h.matches(t.Context(), "x", phc); ok || !errors.Is(err, errPHC) {
			t.Errorf("%s: %v, %v", phc, ok, err)
		}
	}
}

func TestHashesWaitTheirTurn(t *testing.T) {
	h := newHasher(1)
	h.slots <- struct{}{}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := h.hash(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) || h.count.Load() != 0 {
		t.Errorf("got %v after %d hashes", err, h.count.Load())
	}
	<-h.slots
	if _, err := h.hash(t.Context(), "x"); err != nil {
		t.Error(err)
	}
}

func TestKeyedLock(t *testing.T) {
	var l keyedLock[string]
	var wg sync.WaitGroup
	inside, most := 0, 0
	for range 50 {
		wg.Go(func() {
			unlock, err := l.lock(t.Context(), "k")
			if err != nil {
				t.Error(err)
				return
			}
			inside++ // the race detector watches
			most = max(most, inside)
			inside--
			unlock()
		})
	}
	wg.Wait()
	unlock, err := l.lock(t.Context(), "k")
	if err != nil || most != 1 {
		t.Fatalf("%d at once, %v", most, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.lock(ctx, "k"); !errors.Is(err, context.Canceled) {
		t.Errorf("a waiter whose context ended: %v", err)
	}
	other, err := l.lock(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	other()
	unlock()
	if len(l.held) != 0 {
		t.Errorf("%d locks left", len(l.held))
	}
}

func TestSessionCacheKeepsRevokedOut(t *testing.T) {
	c := newCache[*sessionEntry](2)
	e := &sessionEntry{principal: &Principal{Account: 1, Cookie: "a"}}
	generation := c.current() // a request reads the session from the database
	c.dropOwner(1)            // meanwhile it is revoked
	c.put(e, generation)
	if c.get("a") != nil {
		t.Error("a revoked session came back")
	}
	for _, cookie := range []string{"b", "c", "d"} {
		e := &sessionEntry{principal: &Principal{Account: 2, Cookie: cookie}}
		e.used.Store(5)
		c.put(e, c.current())
	}
	if len(c.entries) != 2 {
		t.Errorf("%d entries of at most 2", len(c.entries))
	}
	if n := len(c.uses()); n != 3 {
		t.Errorf("%d uses to save, one of them evicted, want 3", n)
	}
	if n := len(c.uses()); n != 0 {
		t.Errorf("%d uses saved twice", n)
	}
}

// FuzzPHC: a malformed stored hash is an error, and a well-formed one gives
// values that argon2 takes.
func FuzzPHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$HUfg8Ro5TcSGeKqkUj1U6JqpCmMj0hM4zM5F7+zB3cE")
	f.Add("$argon2id$v=19$m=0,t=0,p=0$$")
	f.Fuzz(func(t *testing.T, phc string) {
		c, key, err := parsePHC(phc)
		if err == nil && (c.time == 0 || c.lanes == 0 || c.memory < 8 || len(key) != hashLength) {
			t.Errorf("%q passed as %+v", phc, c)
		}
	})
}
