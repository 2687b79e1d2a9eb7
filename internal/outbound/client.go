package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"

	"kartoteka/internal/fault"
)

// Config is what a Client may do. The zero value calls public addresses directly,
// within the bounds named below.
type Config struct {
	Policy Policy
	// Proxy takes every call when it is not nil: an address of http or https with a
	// host, and a login if it needs one. Being named it may be anywhere. Proxies of
	// the environment are never used. See Client.Do for what a proxy costs.
	Proxy *url.URL
	// TLSInsecure accepts any certificate, of the proxy too.
	TLSInsecure bool
	// RootCAs are who is trusted instead of the machine's authorities; nil = these.
	RootCAs *x509.CertPool
	// Resolver looks names up; nil = the machine's.
	Resolver *net.Resolver
	// ConnectTimeout bounds the look-up and the connection to all addresses of a
	// name, TLSTimeout the handshake: 5 s each when 0.
	ConnectTimeout, TLSTimeout time.Duration
	// Timeout bounds a call from the look-up to the last byte of the answer, 10 s
	// when 0.
	Timeout time.Duration
	// MaxHeader and MaxBody bound an answer in bytes: 64 KiB and 1 MiB when 0.
	MaxHeader, MaxBody int64
	// MaxRedirects is how many redirects of a GET or HEAD are followed; 0 = none.
	MaxRedirects int
	// MaxCalls is how many calls run at once, others wait; 0 = no bound.
	MaxCalls int
	// UserAgent is sent when the request has none, "Kartoteka" when "".
	UserAgent string
}

const (
	// Receivers commonly close after 5 s (Node, Apache). To close earlier is to
	// seldom send a request into a connection that is just being closed: it may not
	// be repeated unasked, for it may have arrived.
	idleTime = 4 * time.Second
	// Idle connections to one host, and in all.
	idlePerHost = 4
	idleInAll   = 100
	// Sessions of TLS that are taken up again without a full handshake.
	tlsSessions = 128
)

// Client makes calls. It is safe for concurrent use.
type Client struct {
	config    Config
	transport *http.Transport
	calls     chan struct{} // nil = no bound
}

// New makes a client. It fails when Proxy is not one or a bound is negative.
func New(c Config) (*Client, error) {
	if p := c.Proxy; p != nil && (p.Scheme != "http" && p.Scheme != "https" || p.Hostname() == "") {
		return nil, errors.New("outbound: a proxy is http://host:port or https://host:port")
	}
	if min(c.ConnectTimeout, c.TLSTimeout, c.Timeout) < 0 || min(c.MaxHeader, c.MaxBody) < 0 || min(c.MaxRedirects, c.MaxCalls) < 0 {
		return nil, errors.New("outbound: a bound is negative")
	}
	orElse(&c.ConnectTimeout, 5*time.Second)
	orElse(&c.TLSTimeout, 5*time.Second)
	orElse(&c.Timeout, 10*time.Second)
	orElse(&c.MaxHeader, 64<<10)
	orElse(&c.MaxBody, 1<<20)
	orElse(&c.UserAgent, "Kartoteka")
	orElse(&c.Resolver, net.DefaultResolver)
	client := &Client{config: c, transport: transport(c)}
	if c.MaxCalls > 0 {
		client.calls = make(chan struct{}, c.MaxCalls)
	}
	return client, nil
}

func orElse[T comparable](value *T, other T) {
	var zero T
	if *value == zero {
		*value = other
	}
}

func transport(c Config) *http.Transport {
	t := &http.Transport{
		DialContext: dialer(c),
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, RootCAs: c.RootCAs, InsecureSkipVerify: c.TLSInsecure,
			ClientSessionCache: tls.NewLRUClientSessionCache(tlsSessions),
		},
		TLSHandshakeTimeout:    c.TLSTimeout,
		DisableCompression:     true,
		MaxIdleConns:           idleInAll,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: c.MaxHeader,
		Protocols:              new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	if c.Proxy != nil {
		t.Proxy = http.ProxyURL(c.Proxy)
		t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, res *http.Response) error {
			if res.StatusCode != http.StatusOK {
				return &proxyAnswer{res.StatusCode}
			}
			return nil
		}
	}
	return t
}

// Close closes the idle connections. Calls may still be made.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// CheckURL is Policy.CheckURL with the client's policy.
func (c *Client) CheckURL(raw string) (*url.URL, error) { return c.config.Policy.CheckURL(raw) }

// Request is a call.
type Request struct {
	Method string // GET when ""; also HEAD, POST, PUT, PATCH, DELETE, OPTIONS
	URL    string
	// Header is sent as it is, but Host, Content-Length and other headers that
	// follow from the rest.
	Header http.Header
	Body   []byte
	// Timeout bounds this call instead of Config.Timeout; 0 = that one.
	Timeout time.Duration
	// MaxBody bounds this answer instead of Config.MaxBody; 0 = that one.
	MaxBody int64
}

// Response is an answer.
type Response struct {
	Status int
	Header http.Header
	// Body is as it was sent: compressed when Header says so.
	Body []byte
	// URL is where the answer came from, another one than the request's after
	// redirects.
	URL *url.URL
}

// Do makes a call and waits for the whole answer; any status is an answer. It fails
// with *Error. When the headers of an answer arrived and its body did not, the
// response is given besides, with what there is of the body.
//
// Of redirects those of a GET or HEAD are followed, MaxRedirects times; another
// address is checked like the first. Its scheme, host or port being others, it gets
// no body and none of the request's headers but Accept, Accept-Language and
// User-Agent, unless the same host goes over from http to https. All other redirects
// are answers.
//
// A client with a Proxy sees no connection to the receiver. It looks the name up
// itself and refuses it when one of its addresses is refused; but the proxy looks
// it up again, perhaps elsewhere, and may get another answer. Against names that
// change between the two only the proxy itself can protect its networks. Without
// a resolver that knows the receivers' names no call is made.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	orElse(&r.Method, http.MethodGet)
	orElse(&r.Timeout, c.config.Timeout)
	orElse(&r.MaxBody, c.config.MaxBody)
	if err := sendable(r); err != nil {
		return nil, err
	}
	t, err := c.config.Policy.target(r.URL)
	if err != nil {
		return nil, err
	}
	if err := c.take(ctx); err != nil {
		return nil, err
	}
	defer c.give()
	whole, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	call := &call{client: c, request: r}
	res, err := call.run(whole, t)
	var failed *Error
	if errors.As(err, &failed) {
		failed.Sent = call.connected.Load()
	}
	return res, err
}

// take waits for a place among the calls, which is not the receiver's time.
func (c *Client) take(ctx context.Context) error {
	if c.calls == nil {
		return nil
	}
	select {
	case c.calls <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &Error{Reason: Cancelled, Message: fault.Msg("the call was given up"), cause: ctx.Err()}
	}
}

func (c *Client) give() {
	if c.calls != nil {
		<-c.calls
	}
}

var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// sendable checks what people may have written into a request but its address.
func sendable(r Request) error {
	if !slices.Contains(methods, r.Method) {
		return &Error{Reason: InvalidRequest, Message: fault.Msg("the method %s is not called", short(r.Method))}
	}
	for name, values := range r.Header {
		bad := func(v string) bool { return !httpguts.ValidHeaderFieldValue(v) }
		if !httpguts.ValidHeaderFieldName(name) || slices.ContainsFunc(values, bad) {
			return &Error{Reason: InvalidRequest, Message: fault.Msg("the header %s cannot be sent", short(name))}
		}
	}
	return nil
}

// call is one call with its redirects.
type call struct {
	client  *Client
	request Request
	// connected is set when a connection is there for the request to be sent on.
	connected atomic.Bool
}

func (c *call) run(ctx context.Context, t target) (*Response, error) {
	header := c.request.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if header.Get("User-Agent") == "" {
		header.Set("User-Agent", c.client.config.UserAgent)
	}
	for redirects := 0; ; redirects++ {
		res, err := c.send(ctx, t, header)
		if err != nil {
			return nil, c.explain(ctx, t.shown, err)
		}
		next, err := c.next(res, t)
		if next == nil && err == nil {
			return c.receive(ctx, res, t)
		}
		_ = res.Body.Close()
		if err == nil && redirects == c.client.config.MaxRedirects {
			err = &Error{Reason: TooManyRedirects, Message: fault.Msg("%s redirects more than %d times", t.shown, redirects)}
		}
		if err != nil {
			return nil, err
		}
		if !trusts(t, *next) {
			header, c.request.Body = harmless(header), nil
		}
		t = *next
	}
}

// send makes one request and gives the head of its answer.
func (c *call) send(ctx context.Context, t target, header http.Header) (*http.Response, error) {
	if c.client.config.Proxy != nil {
		if err := c.client.lookUp(ctx, t); err != nil {
			return nil, err
		}
	}
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { c.connected.Store(true) }}
	ctx = httptrace.WithClientTrace(ctx, trace)
	req, err := http.NewRequestWithContext(ctx, c.request.Method, t.url.String(), bytes.NewReader(c.request.Body))
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	req.Header = header
	// The transport itself, because http.Client has its own mind about redirects.
	res, err := c.client.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		_ = res.Body.Close()
		return nil, badResponse(t.shown, errors.New("101 to a request that asked for no other protocol"))
	}
	return res, nil
}
