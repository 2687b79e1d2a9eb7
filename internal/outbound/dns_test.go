package outbound

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// newDNS serves the addresses that answer gives for a name, without its last dot,
// at its n-th look-up of that kind, from 1. It gives a resolver that asks only this
// server. Names without addresses do not exist.
func newDNS(t testing.TB, answer func(name string, n int) []string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		asked := map[dnsmessage.Question]int{}
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var query dnsmessage.Message
			if err := query.Unpack(buffer[:n]); err != nil || len(query.Questions) != 1 {
				continue
			}
			q := query.Questions[0]
			asked[q]++
			if packed := reply(query, answer(strings.TrimSuffix(q.Name.String(), "."), asked[q])); packed != nil {
				_, _ = conn.WriteTo(packed, from)
			}
		}
	})
	t.Cleanup(func() {
		_ = conn.Close()
		done.Wait()
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// reply packs the answer to a query, nil for silence.
func reply(query dnsmessage.Message, addresses []string) []byte {
	q := query.Questions[0]
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: query.ID, Response: true, Authoritative: true}, Questions: query.Questions}
	if len(addresses) == 0 {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, text := range addresses {
		if text == "silence" {
			return nil
		}
		if text == "fail" {
			m.RCode = dnsmessage.RCodeServerFailure
			continue
		}
		a := netip.MustParseAddr(text)
		head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
		switch {
		case a.Is4() && q.Type == dnsmessage.TypeA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: a.As4()}})
		case a.Is6() && q.Type == dnsmessage.TypeAAAA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	packed, err := m.Pack()
	if err != nil {
		return nil
	}
	return packed
}

// twoSides are a server at an address that is allowed and one at an address that is
// not, on the same port.
func twoSides(t *testing.T) (policy Policy, port string, outside, inside *atomic.Int32) {
	t.Helper()
	outside, inside = new(atomic.Int32), new(atomic.Int32)
	serve := func(l net.Listener, calls *atomic.Int32) {
		s := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			w.Header().Set("Connection", "close") // the next call looks the name up again
		})}
		go func() { _ = s.Serve(l) }()
		t.Cleanup(func() { _ = s.Close() })
	}
	first, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(first, outside)
	_, port, _ = net.SplitHostPort(first.Addr().String())
	second, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	serve(second, inside)
	return Policy{Networks: networks("127.0.0.2/32")}, port, outside, inside
}

// A name that leads to an allowed address when it is asked for first, and inside
// when it is asked for again, does not get a call inside.
func TestRebinding(t *testing.T) {
	policy, port, outside, inside := twoSides(t)
	names := newDNS(t, func(_ string, n int) []string {
		if n == 1 {
			return []string{"127.0.0.2"}
		}
		return []string{"127.0.0.1"}
	})
	c := newClient(t, Config{Policy: policy, Resolver: names})
	r := Request{Method: "POST", URL: "http://rebinding.test:" + port}
	if _, err := c.CheckURL(r.URL); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(t.Context(), r); err != nil || outside.Load() != 1 {
		t.Fatalf("the first call: %v", err)
	}
	for range 3 {
		if _, e := failure(t, c, r, RefusedAddress); e.Sent {
			t.Errorf("%+v", e)
		}
	}
	if inside.Load() != 0 {
		t.Errorf("%d calls inside", inside.Load())
	}
}

// Of a name with several addresses only the allowed ones are connected to, also
// when these fail.
func TestEveryAddressOfANameIsJudged(t *testing.T) {
	policy, port, outside, inside := twoSides(t)
	addresses := map[string][]string{
		"first.test":   {"127.0.0.1", "127.0.0.2"},
		"last.test":    {"127.0.0.2", "127.0.0.1"},
		"both.test":    {"::1", "127.0.0.2", "::ffff:127.0.0.1"},
		"failing.test": {"127.0.0.3", "127.0.0.1", "::1"},
		"mapped.test":  {"::ffff:127.0.0.1"},
	}
	names := newDNS(t, func(name string, _ int) []string { return addresses[name] })
	policy.Networks = append(policy.Networks, networks("127.0.0.3/32")...) // nobody listens there
	c := newClient(t, Config{Policy: policy, Resolver: names})
	for i, name := range []string{"first.test", "last.test", "both.test"} {
		if _, err := c.Do(t.Context(), Request{URL: "http://" + name + ":" + port}); err != nil || int(outside.Load()) != i+1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Do(t.Context(), Request{URL: "http://failing.test:" + port}); err == nil {
		t.Error("a call without an allowed receiver succeeds")
	}
	failure(t, c, Request{URL: "http://mapped.test:" + port}, RefusedAddress)
	if inside.Load() != 0 {
		t.Errorf("%d calls inside", inside.Load())
	}
}

func TestLookUpsThatFail(t *testing.T) {
	names := newDNS(t, func(name string, _ int) []string {
		return map[string][]string{"broken.test": {"fail"}, "silent.test": {"silence"}}[name]
	})
	c := newClient(t, Config{Resolver: names, ConnectTimeout: 100 * time.Millisecond})
	for name, reason := range map[string]Reason{"none.test": UnknownHost, "broken.test": LookupFailed, "silent.test": LookupFailed} {
		_, e := failure(t, c, Request{URL: "http://" + name}, reason)
		if e.Sent || !e.Retryable() || !strings.Contains(e.Message.In("en"), name) || strings.Contains(e.Message.In("en"), "127.0.0.1") {
			t.Errorf("%s: %+v %s", name, e, e.Message.In("en"))
		}
	}
}

func TestNamesOfURLsAreAsked(t *testing.T) {
	asked := make(chan string, 10)
	names := newDNS(t, func(name string, _ int) []string {
		asked <- name
		return nil
	})
	failure(t, newClient(t, Config{Resolver: names}), Request{URL: "http://Bücher.TEST:" + strconv.Itoa(81)}, UnknownHost)
	if name := <-asked; name != "xn--bcher-kva.test" {
		t.Errorf("asked for %q", name)
	}
}
