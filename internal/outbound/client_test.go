package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// loopback allows the tests' receivers.
var loopback = Policy{Networks: networks("127.0.0.0/8", "::1/128")}

// newClient makes a client whose calls end soon. Without a policy it may call the
// tests' receivers.
func newClient(t testing.TB, c Config) *Client {
	t.Helper()
	if c.Policy.Networks == nil && !c.Policy.Private && c.Policy.PrivateSetting == "" {
		c.Policy.Networks = loopback.Networks
	}
	orElse(&c.Timeout, 5*time.Second)
	client, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func newServer(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// failure makes a call that must fail for a reason.
func failure(t *testing.T, c *Client, r Request, reason Reason) (*Response, *Error) {
	t.Helper()
	res, err := c.Do(t.Context(), r)
	var e *Error
	if !errors.As(err, &e) || e.Reason != reason {
		t.Fatalf("got %v, %v; want %s", res, err, reason)
	}
	return res, e
}

func TestDo(t *testing.T) {
	var got *http.Request
	var body []byte
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("X-Answer", "yes")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short and stout")
	})
	c := newClient(t, Config{UserAgent: "Kartoteka/7"})
	res, err := c.Do(t.Context(), Request{Method: "POST", URL: s.URL + "/a?b=c", Header: http.Header{"X-Own": {"1"}}, Body: []byte("hello")})
	if err != nil || res.Status != 418 || res.Header.Get("X-Answer") != "yes" || string(res.Body) != "short and stout" || res.URL.String() != s.URL+"/a?b=c" {
		t.Fatalf("%+v, %v", res, err)
	}
	if got.Method != "POST" || got.URL.String() != "/a?b=c" || string(body) != "hello" || got.ContentLength != 5 || got.Proto != "HTTP/1.1" ||
		got.Header.Get("X-Own") != "1" || got.UserAgent() != "Kartoteka/7" || got.Header.Get("Accept-Encoding") != "" {
		t.Errorf("%+v with %q", got, body)
	}
	if _, err := c.Do(t.Context(), Request{URL: s.URL, Header: http.Header{"User-Agent": {"other"}}}); err != nil || got.Method != "GET" || got.UserAgent() != "other" {
		t.Errorf("%+v, %v", got, err)
	}
	if res, err := c.Do(t.Context(), Request{Method: "HEAD", URL: s.URL, MaxBody: 3}); err != nil || res.Status != 418 || len(res.Body) != 0 {
		t.Errorf("HEAD: %+v, %v", res, err)
	}
}

// A request that is not sent is refused before anything is connected.
func TestRequestsThatAreNotSent(t *testing.T) {
	var calls atomic.Int32
	s := newServer(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	c := newClient(t, Config{})
	for name, r := range map[string]Request{
		"CONNECT":              {Method: "CONNECT", URL: s.URL},
		"two lines of method":  {Method: "GET / HTTP/1.1\r\nX: ", URL: s.URL},
		"two lines of a value": {URL: s.URL, Header: http.Header{"X": {"a\r\nY: b"}}},
		"two lines of a name":  {URL: s.URL, Header: http.Header{"X: a\r\nY": {"b"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, e := failure(t, c, r, InvalidRequest); e.Sent || e.Retryable() {
				t.Errorf("%+v", e)
			}
		})
	}
	failure(t, c, Request{URL: strings.Replace(s.URL, "http://", "http://a:b@", 1)}, InvalidURL)
	if calls.Load() != 0 {
		t.Errorf("%d calls", calls.Load())
	}
}

// The policy holds for names, which only the dialer sees through.
func TestRefusedAddress(t *testing.T) {
	var calls atomic.Int32
	s := newServer(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	port := s.Listener.Addr().(*net.TCPAddr).Port
	own := func() []netip.AddrPort { return []netip.AddrPort{s.Listener.Addr().(*net.TCPAddr).AddrPort()} }
	names := newDNS(t, func(string, int) []string { return []string{"127.0.0.1"} })
	byName := "http://internal.test:" + strconv.Itoa(port)
	cases := []struct {
		name    string
		policy  Policy
		url     string
		setting string
	}{
		{"address", strict, s.URL, settingHooks},
		{"name", strict, byName, settingHooks},
		{"name, another caller", Policy{PrivateSetting: "", Networks: networks("10.0.0.0/8")}, byName, settingNetworks},
		{"own listener", Policy{Private: true, Networks: loopback.Networks, Own: own}, s.URL, ""},
		{"name of an own listener", Policy{Networks: networks("127.0.0.1/32"), Own: own}, byName, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, e := failure(t, newClient(t, Config{Policy: c.policy, Resolver: names}), Request{URL: c.url}, RefusedAddress)
			message := e.Message.In("en")
			if e.Setting != c.setting || e.Sent || e.Retryable() || !strings.Contains(message, c.setting) {
				t.Errorf("%+v %s", e, message)
			}
			if c.url == byName && strings.Contains(message, "127.0.0.1") {
				t.Errorf("%q gives away where the name leads", message)
			}
		})
	}
	if calls.Load() != 0 {
		t.Errorf("%d calls arrived", calls.Load())
	}
	if _, err := newClient(t, Config{Policy: hooks, Resolver: names}).Do(t.Context(), Request{URL: byName}); err != nil || calls.Load() != 1 {
		t.Errorf("allowed: %v, %d calls", err, calls.Load())
	}
}

// TestMain names proxies that do not exist: net/http reads them once in a process.
func TestMain(m *testing.M) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"} {
		if err := os.Setenv(name, "http://127.0.0.1:1"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// Proxies of the environment would see every call and be reached without a check.
func TestEnvironmentProxiesAreIgnored(t *testing.T) {
	var host string
	names := newDNS(t, func(string, int) []string { return []string{"127.0.0.1"} })
	s := newServer(t, func(_ http.ResponseWriter, r *http.Request) { host = r.Host })
	address := "http://receiver.test:" + strconv.Itoa(s.Listener.Addr().(*net.TCPAddr).Port)
	if _, err := newClient(t, Config{Resolver: names}).Do(t.Context(), Request{URL: address}); err != nil || "http://"+host != address {
		t.Errorf("%s, %v", host, err)
	}
}

func TestRedirectsOfWebhooksAreAnswers(t *testing.T) {
	var calls atomic.Int32
	for _, location := range []string{"/elsewhere", "http://169.254.169.254/", "::bad::", ""} {
		s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			if location != "" {
				w.Header().Set("Location", location)
			}
			w.WriteHeader(http.StatusFound)
		})
		calls.Store(0)
		for _, c := range []*Client{newClient(t, Config{}), newClient(t, Config{MaxRedirects: 3})} {
			res, err := c.Do(t.Context(), Request{Method: "POST", URL: s.URL, Body: []byte("x")})
			if err != nil || res.Status != http.StatusFound || res.Header.Get("Location") != location {
				t.Errorf("%q: %+v, %v", location, res, err)
			}
		}
		if calls.Load() != 2 {
			t.Errorf("%q: %d calls", location, calls.Load())
		}
	}
}

// hops is a server that redirects and keeps what it was asked.
type hops struct {
	*httptest.Server
	mu   sync.Mutex
	seen []*http.Request
}

func newHops(t *testing.T, location func(r *http.Request) string) *hops {
	h := &hops{}
	h.Server = newServer(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		h.mu.Lock()
		h.seen = append(h.seen, r)
		h.mu.Unlock()
		if to := location(r); to != "" {
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
		}
	})
	return h
}

func TestRedirectsAreFollowed(t *testing.T) {
	h := newHops(t, func(r *http.Request) string {
		n, _ := strconv.Atoi(r.URL.Path[1:])
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n - 1)
	})
	c := newClient(t, Config{MaxRedirects: 3})
	res, err := c.Do(t.Context(), Request{URL: h.URL + "/3", Header: http.Header{"Authorization": {"k"}}})
	if err != nil || res.Status != 200 || res.URL.String() != h.URL+"/0" || len(h.seen) != 4 {
		t.Fatalf("%+v, %v, %d calls", res, err, len(h.seen))
	}
	if h.seen[3].Header.Get("Authorization") != "k" {
		t.Error("the same host did not get the credentials")
	}
	if _, e := failure(t, c, Request{URL: h.URL + "/4"}, TooManyRedirects); !e.Sent || e.Retryable() {
		t.Errorf("%+v", e)
	}
	if len(h.seen) != 8 {
		t.Errorf("%d calls", len(h.seen))
	}
}

// Another host gets no credentials, under whatever name they are sent.
func TestRedirectsCarryNoCredentials(t *testing.T) {
	secrets := http.Header{
		"Authorization": {"Bearer k"}, "Cookie": {"k=1"}, "X-Api-Key": {"k"}, "X-Shop-Token": {"k"},
		"Accept": {"application/json"}, "User-Agent": {"me"},
	}
	to := newHops(t, func(*http.Request) string { return "" })
	from := newHops(t, func(*http.Request) string { return to.URL })
	if _, err := newClient(t, Config{MaxRedirects: 1}).Do(t.Context(), Request{URL: from.URL, Header: secrets, Body: []byte("key=k")}); err != nil {
		t.Fatal(err)
	}
	if len(to.seen) != 1 || to.seen[0].ContentLength > 0 {
		t.Fatalf("%d calls, %+v", len(to.seen), to.seen)
	}
	for name := range to.seen[0].Header {
		if !slices.Contains([]string{"Accept", "User-Agent"}, name) {
			t.Errorf("%s was forwarded", name)
		}
	}
	if to.seen[0].Header.Get("Accept") != "application/json" || from.seen[0].Header.Get("X-Shop-Token") != "k" {
		t.Errorf("%v, %v", from.seen[0].Header, to.seen[0].Header)
	}
}

func TestTrusts(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"https://a.test/x", "https://a.test/y", true},
		{"https://A.test/x", "https://a.test:443/y", true},
		{"http://a.test/", "https://a.test/", true},
		{"https://a.test/", "http://a.test/", false},
		{"https://a.test/", "https://b.a.test/", false},
		{"https://b.a.test/", "https://a.test/", false},
		{"https://a.test/", "https://a.test:8443/", false},
		{"http://a.test:8080/", "https://a.test/", false},
		{"http://a.test/", "https://a.test:8443/", false},
	} {
		from, err := Policy{}.target(c.from)
		to, err2 := Policy{}.target(c.to)
		if err != nil || err2 != nil || trusts(from, to) != c.want {
			t.Errorf("%s to %s is not %v: %v, %v", c.from, c.to, c.want, err, err2)
		}
	}
}

// Every hop is checked like the first address.
func TestRedirectsAreChecked(t *testing.T) {
	var calls atomic.Int32
	inside, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }), ReadHeaderTimeout: time.Second}
	go func() { _ = s.Serve(inside) }()
	t.Cleanup(func() { _ = s.Close() })
	_, port, _ := net.SplitHostPort(inside.Addr().String())
	names := newDNS(t, func(string, int) []string { return []string{"127.0.0.2"} })
	for name, c := range map[string]struct {
		location string
		reason   Reason
	}{
		"address":  {"http://127.0.0.2:" + port + "/", RefusedAddress},
		"name":     {"http://inside.test:" + port + "/", RefusedAddress},
		"metadata": {"http://169.254.169.254/", RefusedAddress},
		"file":     {"file:///etc/passwd", InvalidURL},
		"password": {"http://a:b@127.0.0.2:" + port + "/", InvalidURL},
		"nonsense": {"http://[::1", BadResponse},
	} {
		t.Run(name, func(t *testing.T) {
			outside := newServer(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", c.location)
				w.WriteHeader(http.StatusMovedPermanently)
			})
			client := newClient(t, Config{MaxRedirects: 5, Resolver: names, Policy: Policy{Networks: networks("127.0.0.1/32")}})
			if _, e := failure(t, client, Request{URL: outside.URL}, c.reason); !e.Sent {
				t.Errorf("%+v", e)
			}
		})
	}
	if calls.Load() != 0 {
		t.Errorf("%d calls arrived inside", calls.Load())
	}
}

func TestTLS(t *testing.T) {
	start := func(minimum, maximum uint16) (*httptest.Server, *x509.CertPool) {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor != 1 {
				t.Errorf("%s is spoken", r.Proto)
			}
		}))
		s.EnableHTTP2 = true
		s.Config.ErrorLog = discard
		s.TLS = &tls.Config{MinVersion: minimum, MaxVersion: maximum}
		s.StartTLS()
		t.Cleanup(s.Close)
		pool := x509.NewCertPool()
		pool.AddCert(s.Certificate())
		return s, pool
	}
	good, pool := start(tls.VersionTLS12, tls.VersionTLS13)
	trusting := newClient(t, Config{RootCAs: pool})
	if _, err := trusting.Do(t.Context(), Request{URL: good.URL}); err != nil {
		t.Error(err)
	}
	if _, e := failure(t, newClient(t, Config{}), Request{URL: good.URL}, Untrusted); e.Retryable() {
		t.Errorf("%+v", e)
	}
	if _, err := newClient(t, Config{TLSInsecure: true}).Do(t.Context(), Request{URL: good.URL}); err != nil {
		t.Error(err)
	}
	byName := strings.Replace(good.URL, "127.0.0.1", "wrong.test", 1)
	names := newDNS(t, func(string, int) []string { return []string{"127.0.0.1"} })
	failure(t, newClient(t, Config{RootCAs: pool, Resolver: names}), Request{URL: byName}, Untrusted)

	old, oldPool := start(tls.VersionTLS10, tls.VersionTLS11)
	failure(t, newClient(t, Config{RootCAs: oldPool}), Request{URL: old.URL}, TLSFailed)
	open := newServer(t, func(http.ResponseWriter, *http.Request) { t.Error("a request arrived without encryption") })
	failure(t, trusting, Request{URL: strings.Replace(open.URL, "http://", "https://", 1)}, TLSFailed)
}

func TestConnectionsAreReusedAndBounded(t *testing.T) {
	var mu sync.Mutex
	opened, idle := 0, map[net.Conn]bool{}
	meet := make(chan struct{})
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/together" {
			meet <- struct{}{}
		}
	}))
	s.Config.ConnState = func(c net.Conn, state http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		switch state {
		case http.StateNew:
			opened++
		case http.StateIdle:
			idle[c] = true
		case http.StateClosed:
			delete(idle, c)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c := newClient(t, Config{})
	for range 5 {
		if _, err := c.Do(t.Context(), Request{Method: "POST", URL: s.URL, Body: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	if mu.Lock(); opened != 1 {
		t.Errorf("%d connections for 5 calls in turn", opened)
	}
	mu.Unlock()
	var calls sync.WaitGroup
	for range 2 * idlePerHost {
		calls.Go(func() {
			if _, err := c.Do(t.Context(), Request{URL: s.URL + "/together"}); err != nil {
				t.Error(err)
			}
		})
	}
	for range 2 * idlePerHost {
		<-meet
	}
	calls.Wait()
	within(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(idle) <= idlePerHost
	})
}

// within waits for what happens soon.
func within(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(3 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not happen")
		}
	}
}

func TestMaxCalls(t *testing.T) {
	var now, most atomic.Int32
	s := newServer(t, func(http.ResponseWriter, *http.Request) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(5 * time.Millisecond)
		now.Add(-1)
	})
	c := newClient(t, Config{MaxCalls: 2})
	var calls sync.WaitGroup
	for range 10 {
		calls.Go(func() {
			if _, err := c.Do(t.Context(), Request{URL: s.URL}); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	if most.Load() != 2 {
		t.Errorf("%d calls at once", most.Load())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.calls <- struct{}{}
	c.calls <- struct{}{}
	var e *Error
	if _, err := c.Do(ctx, Request{URL: s.URL}); !errors.As(err, &e) || e.Reason != Cancelled || e.Sent {
		t.Errorf("waiting for a place: %v", err)
	}
}

func TestCancelled(t *testing.T) {
	arrived := make(chan struct{})
	s := newServer(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	var e *Error
	if _, err := newClient(t, Config{}).Do(ctx, Request{URL: s.URL}); !errors.As(err, &e) || e.Reason != Cancelled || !e.Sent || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]Config{
		"a negative bound": {MaxCalls: -1},
		"a negative time":  {Timeout: -1},
		"another proxy":    {Proxy: &url.URL{Scheme: "socks5", Host: "a:1"}},
		"a proxy nowhere":  {Proxy: &url.URL{Scheme: "http", Host: ":1"}},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
