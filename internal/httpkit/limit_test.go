package httpkit

import (
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func TestLimiterIsASlidingWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter[string](time.Now)
		rule := Rule{Max: 3, Window: 30 * time.Second}
		time.Sleep(500 * time.Millisecond) // not at the begin of a bucket
		steps := []struct {
			sleep     time.Duration
			key       string
			ok        bool
			remaining int
		}{
			{0, "a", true, 2},
			{10 * time.Second, "a", true, 1},
			{10 * time.Second, "a", true, 0},
			{0, "a", false, 0},
			{0, "b", true, 2},
			{10 * time.Second, "a", false, 0}, // the first is still in its bucket
			{time.Second, "a", true, 0},
			{0, "a", false, 0},
			{time.Hour, "a", true, 2},
		}
		for i, step := range steps {
			time.Sleep(step.sleep)
			if v := l.Take(step.key, rule); v.OK != step.ok || v.Remaining != step.remaining || v.OK != (v.Wait == 0) {
				t.Errorf("step %d: %+v", i, v)
			}
		}
	})
}

// TestLimiterNeverLetsMorePass sends random bursts: no window holds more than
// the rule allows, and who waits as told may pass.
func TestLimiterNeverLetsMorePass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		l := NewLimiter[int](time.Now)
		rule := Rule{Max: 5, Window: 1234 * time.Millisecond}
		var passed []time.Time
		for range 5000 {
			time.Sleep(time.Duration(random.IntN(400)) * time.Millisecond)
			v := l.Take(1, rule)
			if !v.OK && random.IntN(4) == 0 {
				time.Sleep(v.Wait)
				if v = l.Take(1, rule); !v.OK {
					t.Fatalf("refused after waiting: %+v", v)
				}
			}
			if !v.OK {
				continue
			}
			passed = append(passed, time.Now())
			if n := len(passed); n > rule.Max && passed[n-1].Sub(passed[n-1-rule.Max]) < rule.Window-buckets*time.Millisecond {
				t.Fatalf("%d passed within %s", rule.Max+1, passed[n-1].Sub(passed[n-1-rule.Max]))
			}
		}
	})
}

func TestLimitByAddress(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	s := newSite(t, Options{LimitIP: Rule{2, 30 * time.Second}, Now: func() time.Time { return now }}, routes(Route{"GET /x", echo("x")}))
	reset := strconv.FormatInt(now.Add(31*time.Second).Unix(), 10)
	from := func(ip string) map[string]string { return map[string]string{"X-Forwarded-For": ip} }
	for _, c := range []call{
		{name: "first", path: "/api/v1/x", headers: from("192.0.2.1"), header: map[string]string{"X-RateLimit-Limit": "2", "X-RateLimit-Remaining": "1", "X-RateLimit-Reset": reset, "Retry-After": ""}},
		{name: "errors count", path: "/api/v1/missing", headers: from("192.0.2.1"), status: 404, header: map[string]string{"X-RateLimit-Remaining": "0"}},
		{name: "third", path: "/api/v1/x", headers: from("192.0.2.1"), status: 429, want: `"rate_limited"`, header: map[string]string{"X-RateLimit-Remaining": "0", "Retry-After": "31"}},
		{name: "another address", path: "/api/v1/x", headers: from("192.0.2.2")},
		{name: "IPv6", path: "/api/v1/x", headers: from("2001:db8::1")},
		{name: "same /64", path: "/api/v1/x", headers: from("2001:db8::2"), header: map[string]string{"X-RateLimit-Remaining": "0"}},
		{name: "another /64", path: "/api/v1/x", headers: from("2001:db8:0:1::2"), header: map[string]string{"X-RateLimit-Remaining": "1"}},
	} {
		t.Run(c.name, func(t *testing.T) { s.check(t, c) })
	}
}

func TestLimitsAreBounded(t *testing.T) {
	l := NewLimiter[int](time.Now)
	for i := range limiterEntries + 10_000 {
		l.Take(i, Rule{1, time.Minute})
	}
	n := 0
	for _, shard := range l.shards {
		n += shard.Len()
	}
	if n > limiterEntries {
		t.Errorf("%d counters", n)
	}
}

func BenchmarkLimiter(b *testing.B) {
	l := NewLimiter[int](time.Now)
	rule := Rule{Max: 1 << 30, Window: 30 * time.Second}
	b.ReportAllocs()
	for b.Loop() {
		l.Take(1, rule)
	}
}

func BenchmarkStack(b *testing.B) {
	k := New(Options{Log: slogTo(io.Discard), LimitIP: Rule{1 << 30, time.Minute}})
	h := k.Observe(routes(Route{"GET /catalogs/{id}", func(w http.ResponseWriter, _ *http.Request) error {
		WriteJSON(w, 200, []byte("{}"))
		return nil
	}})(k))
	r, err := http.NewRequest(http.MethodGet, "/api/v1/catalogs/5", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.RemoteAddr = "192.0.2.1:80"
	w := &sink{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}

func TestEveryRequestIsCounted(t *testing.T) {
	s := newSite(t, Options{LimitIP: Rule{Max: 5, Window: time.Minute}}, routes(Route{"GET /x", echo("x")}))
	for i, path := range []string{"x", "nothing", "%ff", "a//b", "x%00"} {
		res, _ := s.send(t, call{path: "/api/v1/" + path})
		if got, want := res.Header.Get("X-RateLimit-Remaining"), strconv.Itoa(4-i); got != want {
			t.Errorf("%s: %s left, want %s", path, got, want)
		}
	}
}
