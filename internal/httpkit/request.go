package httpkit

import (
	"context"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"net/netip"
)

// request is what Observe knows of a request; the inner layers fill in the
// rest, so that the log line at the end has it.
type request struct {
	id     string
	ip     netip.Addr
	secure bool   // the client's connection is encrypted
	host   string // as the client named it
	lang   string
	errors ErrorWriter
	user   string
	token  string // id of the token that it came with; "" for none

	turns chan struct{} // of the kit; nil outside Observe
	turn  bool          // this request holds one
}

type requestKey struct{}

// of gives the request of a context; an empty one outside Observe.
func of(ctx context.Context) *request {
	if q, ok := ctx.Value(requestKey{}).(*request); ok {
		return q
	}
	return &request{lang: "en", errors: FlatError}
}

// RequestID gives the marker of the request, "" outside of one.
func RequestID(ctx context.Context) string { return of(ctx).id }

// ClientIP gives the client's address, seen through trusted proxies.
func ClientIP(ctx context.Context) netip.Addr { return of(ctx).ip }

// Secure tells whether the client's connection is encrypted, here or at a
// trusted proxy.
func Secure(ctx context.Context) bool { return of(ctx).secure }

// Host gives the host that the client asked, seen through trusted proxies.
func Host(ctx context.Context) string { return of(ctx).host }

// Language gives the language of texts for the client.
func Language(ctx context.Context) string { return of(ctx).lang }

func newRequestID() string {
	var raw [6]byte
	n := rand.Uint64()
	for i := range raw {
		raw[i] = byte(n >> (8 * i))
	}
	return hex.EncodeToString(raw[:])
}

// newRequest reads what the headers say about the client.
func (k *Kit) newRequest(r *http.Request) *request {
	q := &request{
		id:     newRequestID(),
		ip:     peer(r.RemoteAddr),
		secure: r.TLS != nil,
		host:   r.Host,
		lang:   language(r.Header.Get("Accept-Language"), k.opt.DefaultLanguage),
		errors: FlatError,
		turns:  k.turns,
	}
	k.proxied(r, q)
	return q
}

func peer(remote string) netip.Addr {
	a, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{} // a Unix socket has no address
	}
	return a.Addr().Unmap()
}
