package syncapi

import (
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/apisync"
	"kartoteka/internal/httpkit"
)

// A client may try this often to guess a credential of an endpoint.
const (
	knocks      = 10
	knockWindow = 5 * time.Minute
)

// counters count requests; each kind has its own keys.
type counters struct {
	ip      *httpkit.Limiter[ipKey]
	keys    *httpkit.Limiter[credentialKey]
	knocked *httpkit.Limiter[ipKey]
}

// ipKey is a client's network at an endpoint with limits of its own (its config's id), or
// at all others (0).
type ipKey struct {
	network netip.Addr
	config  int64
}

// credentialKey is a credential, whose ids are its config's.
type credentialKey struct{ config, credential int64 }

func newCounters(now func() time.Time) counters {
	return counters{httpkit.NewLimiter[ipKey](now), httpkit.NewLimiter[credentialKey](now), httpkit.NewLimiter[ipKey](now)}
}

// limits are what a request's headers tell of the limits: of the tighter one.
type limits struct {
	counted map[string]bool // the scopes that this request is counted in
	rules   []httpkit.Rule
	tighter *httpkit.Verdict
}

// first tells whether a request is not counted in a scope yet, and notes that it is.
func (l *limits) first(scope string) bool {
	if l.counted[scope] {
		return false
	}
	if l.counted == nil {
		l.counted = map[string]bool{}
	}
	l.counted[scope] = true
	return true
}

func (l *limits) add(rule httpkit.Rule, v httpkit.Verdict) {
	l.rules = append(l.rules, rule)
	if l.tighter == nil || v.Remaining < l.tighter.Remaining || !v.OK {
		l.tighter = &v
	}
}

// rateLimit is that of the endpoint, or else of the module.
func (x *exchange) rateLimit() (rule apisync.RateLimit, config int64) {
	if x.config != nil && x.config.RateLimit != nil {
		return *x.config.RateLimit, x.config.ID
	}
	return x.state.Settings.RateLimit, 0
}

func (x *exchange) limitIP() error {
	limit, config := x.rateLimit()
	if limit.PerMinuteIP <= 0 || !x.limits.first("ip "+strconv.FormatInt(config, 10)) {
		return nil
	}
	rule := httpkit.Rule{Max: limit.PerMinuteIP, Window: time.Minute}
	v := x.api.count.ip.Take(ipKey{account.Network(x.ip), config}, rule)
	x.limits.add(rule, v)
	return x.limited("ip", rule, v)
}

func (x *exchange) limitKey() error {
	if x.credential == nil {
		return nil
	}
	limit, _ := x.rateLimit()
	most := limit.PerHourKey
	if own := x.credential.RateLimitPerHour; own != nil {
		most = *own
	}
	if most <= 0 || !x.limits.first("key "+strconv.FormatInt(x.credential.ID, 10)) {
		return nil
	}
	rule := httpkit.Rule{Max: most, Window: time.Hour}
	v := x.api.count.keys.Take(credentialKey{x.config.ID, x.credential.ID}, rule)
	x.limits.add(rule, v)
	return x.limited("key", rule, v)
}

// knocks refuses clients that have failed too often here.
func (x *exchange) knocks() error {
	rule := httpkit.Rule{Max: knocks, Window: knockWindow}
	v := x.api.count.knocked.Look(x.door(), rule)
	return x.limited("auth", rule, v)
}

// door is what a client knocks at: an endpoint, or the documents of all (0).
func (x *exchange) door() ipKey {
	key := ipKey{network: account.Network(x.ip)}
	if x.config != nil {
		key.config = x.config.ID
	}
	return key
}

func (x *exchange) failedKnock() {
	if !x.limits.first("knock") {
		return
	}
	x.api.count.knocked.Take(x.door(), httpkit.Rule{Max: knocks, Window: knockWindow})
}

func (x *exchange) limited(scope string, rule httpkit.Rule, v httpkit.Verdict) error {
	if v.OK {
		return nil
	}
	x.w.Header().Set("Retry-After", wholeSeconds(v.Wait))
	if m := x.api.opt.Metrics; m != nil {
		m.Limited(scope)
	}
	return apisync.Refuse(http.StatusTooManyRequests, "RATE_LIMITED", "too many requests, try again later").
		With("scope", scope).With("limit", rule.Max).With("window_seconds", int(rule.Window.Seconds()))
}

// write sets the headers that tell of limits.
func (l *limits) write(h http.Header, now time.Time) {
	if l.tighter == nil {
		return
	}
	h.Set("RateLimit-Limit", strconv.Itoa(l.tighter.Limit))
	h.Set("RateLimit-Remaining", strconv.Itoa(l.tighter.Remaining))
	h.Set("RateLimit-Reset", wholeSeconds(max(l.tighter.Reset.Sub(now), 0)))
	policy := ""
	for i, r := range l.rules {
		if i > 0 {
			policy += ", "
		}
		policy += fmt.Sprintf("%d;w=%d", r.Max, int(r.Window.Seconds()))
	}
	h.Set("RateLimit-Policy", policy)
}

func wholeSeconds(d time.Duration) string {
	return strconv.FormatInt(int64(math.Ceil(d.Seconds())), 10)
}
