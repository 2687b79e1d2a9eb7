package outbound

import (
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// proxy is a forward proxy that leads every call to one receiver.
type proxy struct {
	*httptest.Server
	receiver string // host:port
	mu       sync.Mutex
	seen     []string // method, target and login of each request
}

func newProxy(t *testing.T, receiver string) *proxy {
	p := &proxy{receiver: receiver}
	p.Server = newServer(t, p.serve)
	return p
}

func (p *proxy) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.seen = append(p.seen, r.Method+" "+r.RequestURI+" "+r.Header.Get("Proxy-Authorization"))
	p.mu.Unlock()
	switch {
	case strings.HasPrefix(r.Host, "forbidden."):
		w.WriteHeader(http.StatusForbidden)
	case r.Method == http.MethodConnect:
		p.tunnel(w)
	default:
		_, _ = io.WriteString(w, "through the proxy")
	}
}

func (p *proxy) tunnel(w http.ResponseWriter) {
	to, err := net.Dial("tcp", p.receiver)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	from, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		_ = to.Close()
		return
	}
	_, _ = io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		_, _ = io.Copy(to, from)
		_ = to.Close()
	}()
	_, _ = io.Copy(from, to)
	_ = from.Close()
}

func (p *proxy) url(t *testing.T, login string) *url.URL {
	t.Helper()
	u, err := url.Parse(strings.Replace(p.URL, "http://", "http://"+login, 1))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// publicly gives names that lead to a public address, which no test connects to, or
// inside.
func publicly(t *testing.T) *Config {
	return &Config{Policy: strict, Resolver: newDNS(t, func(name string, _ int) []string {
		return map[string][]string{
			"public.test": {"93.184.216.34"}, "forbidden.test": {"93.184.216.34"}, "down.test": {"93.184.216.34"},
			"inside.test": {"10.0.0.1"}, "either.test": {"93.184.216.34", "10.0.0.1"}, "metadata.test": {"169.254.169.254"},
		}[name]
	})}
}

func TestProxy(t *testing.T) {
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != "" {
			t.Error("the receiver gets the proxy's login")
		}
		_, _ = io.WriteString(w, "tunnelled")
	}))
	t.Cleanup(receiver.Close)
	p := newProxy(t, receiver.Listener.Addr().String())
	config := publicly(t)
	config.Proxy = p.url(t, "me:secret@")
	config.RootCAs = x509.NewCertPool()
	config.RootCAs.AddCert(receiver.Certificate())
	// The certificate is for example.com and 127.0.0.1.
	config.Resolver = newDNS(t, func(string, int) []string { return []string{"93.184.216.34"} })
	c := newClient(t, *config)
	for address, want := range map[string]string{
		"http://example.com/a": "through the proxy", "https://example.com/b": "tunnelled", "http://93.184.216.34/c": "through the proxy",
	} {
		res, err := c.Do(t.Context(), Request{Method: "POST", URL: address, Body: []byte("x")})
		if err != nil || string(res.Body) != want {
			t.Errorf("%s: %+v, %v", address, res, err)
		}
	}
	for _, s := range p.seen {
		if !strings.HasSuffix(s, " Basic bWU6c2VjcmV0") {
			t.Errorf("the proxy saw %q", s)
		}
	}
	if len(p.seen) != 3 {
		t.Errorf("the proxy saw %q", p.seen)
	}
}

// The target is judged before the proxy hears of it, by all of its addresses.
func TestProxyIsAskedForAllowedTargetsOnly(t *testing.T) {
	p := newProxy(t, "127.0.0.1:1")
	config := publicly(t)
	config.Proxy = p.url(t, "")
	c := newClient(t, *config)
	for _, address := range []string{
		"http://inside.test/", "https://inside.test/", "http://either.test/", "https://metadata.test/", "http://10.0.0.1/", "https://[::1]/",
		p.URL, // the proxy itself is not a receiver
	} {
		if _, e := failure(t, c, Request{URL: address}, RefusedAddress); e.Sent || strings.Contains(address, "inside") && e.Setting != settingHooks {
			t.Errorf("%s: %+v", address, e)
		}
	}
	failure(t, c, Request{URL: "http://none.test/"}, UnknownHost)
	if len(p.seen) != 0 {
		t.Errorf("the proxy saw %q", p.seen)
	}
}

func TestProxyThatFails(t *testing.T) {
	p := newProxy(t, "127.0.0.1:1") // nobody listens there
	config := publicly(t)
	config.Proxy = p.url(t, "me:secret@")
	working := newClient(t, *config)
	failures := map[string]*Client{"https://forbidden.test/": working, "https://down.test/": working}
	gone := *config
	gone.Proxy = &url.URL{Scheme: "http", Host: "127.0.0.1:1"}
	failures["http://public.test/"], failures["https://public.test/"] = newClient(t, gone), newClient(t, gone)
	for address, c := range failures {
		_, e := failure(t, c, Request{URL: address}, ProxyFailed)
		if text := e.Message.In("en"); e.Sent || !e.Retryable() || strings.Contains(text, "127.0.0.1") {
			t.Errorf("%s: %+v, %q", address, e, text)
		}
		if strings.Contains(e.Error(), "secret") {
			t.Errorf("%v repeats a password", e)
		}
	}
	// Over plain HTTP the proxy's answer is not told from the receiver's.
	if res, err := working.Do(t.Context(), Request{URL: "http://forbidden.test/"}); err != nil || res.Status != http.StatusForbidden {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestProxyThatDoesNotAnswer(t *testing.T) {
	config := publicly(t)
	config.Timeout = soon
	var err error
	if config.Proxy, err = url.Parse(newReceiver(t, stall)); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"http://public.test/", "https://public.test/"} {
		began := time.Now()
		if _, e := failure(t, newClient(t, *config), Request{URL: address}, Timeout); time.Since(began) > 10*soon {
			t.Errorf("%s: %+v after %v", address, e, time.Since(began))
		}
	}
}
