package httpkit

import (
	"hash/maphash"
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

// buckets is into how many parts a window is cut.
const buckets = 30

// Limiter counts requests per key in a sliding window that moves in steps of a
// thirtieth of itself: never more than the rule allows pass in any window. It
// keeps at most 100,000 keys and forgets those unused for longest.
type Limiter[K comparable] struct {
	now    func() time.Time
	seed   maphash.Seed
	shards [limiterShards]*bounded.Map[K, window]
}

// window holds the counts of the present bucket and the 30 before it.
type window struct {
	width  int64 // ms of a bucket
	tick   int64 // number of the present bucket, since 1970
	total  int
	counts [buckets + 1]int32
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

// Look tells what Take would, and counts nothing.
func (l *Limiter[K]) Look(key K, rule Rule) Verdict {
	now := l.now().UnixMilli()
	v := Verdict{}
	shard := l.shards[maphash.Comparable(l.seed, key)%limiterShards]
	shard.Change(key, func(w *window, _ bool) {
		w.slide(now, rule.width())
		v = w.verdict(now, rule)
	})
	return v
}

// width is that of a bucket, in ms.
func (r Rule) width() int64 { return max(r.Window.Milliseconds()/buckets, 1) }

func (w *window) take(now int64, rule Rule) Verdict {
	w.slide(now, rule.width())
	v := w.verdict(now, rule)
	if v.OK {
		w.total++
		w.counts[w.tick%int64(len(w.counts))]++
		v.Remaining = rule.Max - w.total
		v.Reset = time.UnixMilli(w.room(1))
	}
	return v
}

// verdict is what a request of now may expect.
func (w *window) verdict(now int64, rule Rule) Verdict {
	v := Verdict{OK: w.total < rule.Max, Limit: rule.Max, Remaining: max(rule.Max-w.total, 0)}
	if !v.OK {
		v.Wait = time.Duration(w.room(rule.Max)-now) * time.Millisecond
	}
	v.Reset = time.UnixMilli(w.room(1))
	return v
}

// slide makes the bucket of now the present one.
func (w *window) slide(now, width int64) {
	tick := now / width
	if w.width != width || tick < w.tick || tick-w.tick > buckets {
		*w = window{width: width, tick: tick}
		return
	}
	for ; w.tick < tick; w.tick++ {
		oldest := &w.counts[(w.tick+1)%int64(len(w.counts))]
		w.total -= int(*oldest)
		*oldest = 0
	}
}

// room gives the time, in ms since 1970, when less than most requests are in
// the window.
func (w *window) room(most int) int64 {
	left, tick := w.total, w.tick-buckets
	for ; left >= most && tick <= w.tick; tick++ {
		left -= int(w.counts[tick%int64(len(w.counts))])
	}
	return (tick + buckets) * w.width
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
	values := []string{strconv.Itoa(v.Limit), strconv.Itoa(v.Remaining), strconv.FormatInt((v.Reset.UnixMilli()+999)/1000, 10)}
	h["X-Ratelimit-Limit"] = values[0:1:1]
	h["X-Ratelimit-Remaining"] = values[1:2:2]
	h["X-Ratelimit-Reset"] = values[2:3:3]
	if v.OK {
		return nil
	}
	e := fault.New(fault.RateLimited, "too many requests, try again later")
	e.RetryAfter = v.Wait
	return e
}
