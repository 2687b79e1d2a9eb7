package httpkit

import (
	"hash/maphash"
	"math"
	"net/http"
	"strconv"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/account/bounded"
	"kartoteka/internal/fault"
)

// Rule is at most Max requests in any Window; Max 0 is no limit.
type Rule struct {
	Max    int
	Window time.Duration
}

func (r Rule) off() bool { return r.Max <= 0 || r.Window <= 0 }

const (
	limiterShards  = 16
	limiterEntries = 100_000 // in all shards
)

// Limiter counts requests per key in a sliding window: the last whole window
// counts by the part of it that the sliding one still covers. It keeps at most
// 100,000 keys and forgets those unused for longest.
type Limiter[K comparable] struct {
	now    func() time.Time
	seed   maphash.Seed
	shards [limiterShards]*bounded.Map[K, window]
}

type window struct {
	start   int64 // ms, when the present window began
	now     int   // requests in it
	earlier int   // requests in the one before
}

// Verdict says whether a request may pass, and what the headers should tell.
type Verdict struct {
	OK        bool
	Limit     int
	Remaining int
	Reset     time.Time     // when nothing of the present load counts any more
	Wait      time.Duration // until the next request may pass; 0 when OK
}

// NewLimiter makes a limiter.
func NewLimiter[K comparable](now func() time.Time) *Limiter[K] {
	l := &Limiter[K]{now: now, seed: maphash.MakeSeed()}
	for i := range l.shards {
		l.shards[i] = bounded.New[K, window](limiterEntries / limiterShards)
	}
	return l
}

// Take counts a request of key, unless it is over the rule's limit: a client
// that keeps knocking is let in again as soon as one that waits.
func (l *Limiter[K]) Take(key K, rule Rule) Verdict {
	now := l.now().UnixMilli()
	v := Verdict{}
	shard := l.shards[maphash.Comparable(l.seed, key)%limiterShards]
	shard.Change(key, func(w *window, _ bool) { v = w.take(now, rule) })
	return v
}

func (w *window) take(now int64, rule Rule) Verdict {
	size := max(rule.Window.Milliseconds(), 1)
	w.slide(now, size)
	used := w.load(now, size)
	v := Verdict{OK: used+1 <= float64(rule.Max), Limit: rule.Max, Reset: time.UnixMilli(w.start + 2*size)}
	if v.OK {
		w.now++
		v.Remaining = int(float64(rule.Max) - used - 1)
		return v
	}
	v.Wait = time.Duration(w.wait(now, size, rule.Max)) * time.Millisecond
	return v
}

// slide makes the window that holds now the present one.
func (w *window) slide(now, size int64) {
	switch passed := (now - w.start) / size; {
	case w.start == 0 || passed >= 2 || passed < 0:
		*w = window{start: now}
	case passed == 1:
		*w = window{start: w.start + size, earlier: w.now}
	}
}

// load is how many requests the sliding window holds.
func (w *window) load(now, size int64) float64 {
	return float64(w.earlier)*(1-float64(now-w.start)/float64(size)) + float64(w.now)
}

// wait gives the ms until one more request fits.
func (w *window) wait(now, size int64, most int) int64 {
	elapsed := now - w.start
	if room := most - w.now - 1; room >= 0 && w.earlier > 0 {
		at := int64(math.Ceil(float64(size) * (1 - float64(room)/float64(w.earlier))))
		return max(at-elapsed, 1)
	}
	// The present window alone is full: it must first become the earlier one.
	at := int64(math.Ceil(float64(size) * (1 - float64(most-1)/float64(max(w.now, 1)))))
	return max(size-elapsed+at, 1)
}

// LimitIP counts requests by the client's network.
func (k *Kit) LimitIP(next http.Handler) http.Handler {
	if k.opt.LimitIP.off() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := k.byIP.Take(account.Network(of(r.Context()).ip), k.opt.LimitIP)
		if err := v.apply(w); err != nil {
			k.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// limitAccount counts a request by its account; own limits of the account
// replace the server's where they are set.
func (k *Kit) limitAccount(w http.ResponseWriter, p *account.Principal) error {
	rule := k.opt.LimitAccount
	if p.RequestLimit > 0 {
		rule.Max = p.RequestLimit
	}
	if p.RequestInterval > 0 {
		rule.Window = p.RequestInterval
	}
	if rule.off() {
		return nil
	}
	return k.byAccount.Take(p.Account, rule).apply(w)
}

// apply sets the headers and gives the error of a request over the limit.
func (v Verdict) apply(w http.ResponseWriter) error {
	h := w.Header()
	h["X-Ratelimit-Limit"] = []string{strconv.Itoa(v.Limit)}
	h["X-Ratelimit-Remaining"] = []string{strconv.Itoa(v.Remaining)}
	h["X-Ratelimit-Reset"] = []string{strconv.FormatInt((v.Reset.UnixMilli()+999)/1000, 10)}
	if v.OK {
		return nil
	}
	e := fault.New(fault.RateLimited, "too many requests, try again later")
	e.RetryAfter = v.Wait
	return e
}
