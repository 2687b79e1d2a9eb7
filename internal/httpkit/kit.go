package httpkit

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
)

// Options are the settings shared by all APIs. Log is required.
type Options struct {
	Log *slog.Logger
	// Now is the clock of the limits; nil means time.Now.
	Now             func() time.Time
	DefaultLanguage string         // of fault.Languages; "" means en
	Host            string         // public host name; "" means that of each request
	TrustedProxies  []netip.Prefix // loopback is trusted always
	CORSOrigins     []string       // "https://app.example.com"; none: CORS off
	LimitIP         Rule
	LimitAccount    Rule
}

// Kit is the shared machinery of a server's APIs.
type Kit struct {
	opt       Options
	origins   map[string]bool
	byIP      *Limiter[netip.Addr]
	byAccount *Limiter[account.ID]
	untrusted sync.Once
	turns     chan struct{}
}

// New makes a kit.
func New(opt Options) *Kit {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.DefaultLanguage == "" {
		opt.DefaultLanguage = "en"
	}
	k := &Kit{
		opt:       opt,
		origins:   map[string]bool{},
		byIP:      NewLimiter[netip.Addr](opt.Now),
		byAccount: NewLimiter[account.ID](opt.Now),
		turns:     newTurns(),
	}
	for _, o := range opt.CORSOrigins {
		k.origins[strings.ToLower(strings.TrimSuffix(strings.TrimSpace(o), "/"))] = true
	}
	return k
}

// Observe is the outermost layer of the server: it gives the request its id,
// logs it, turns panics into 500, compresses, and sets headers that every
// answer has.
func (k *Kit) Observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		q := k.newRequest(r)
		ctx := context.WithValue(r.Context(), requestKey{}, q)
		r = r.WithContext(ctx)
		h := w.Header()
		h["X-Request-Id"] = []string{q.id}
		h["X-Content-Type-Options"] = noSniff
		res := newResponse(w, r)
		k.logStart(ctx, r)
		defer k.logEnd(ctx, r, res, start)
		defer q.endTurn()
		defer func() {
			if p := recover(); p != nil {
				k.recovered(res, r, p) // panics again when the connection must die
			}
			res.finish()
		}()
		next.ServeHTTP(res, r)
	})
}

func (k *Kit) recovered(w *response, r *http.Request, p any) {
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	k.opt.Log.ErrorContext(r.Context(), "request.panic", "module", "Router", "panic", p, "stack", string(debug.Stack()))
	if w.started() {
		panic(http.ErrAbortHandler)
	}
	k.fail(w, r, fault.New(fault.Internal, "internal error"))
}

// API is the outer layer of one API: its errors, no caching, CORS.
func (k *Kit) API(write ErrorWriter, next http.Handler) http.Handler {
	return k.Open(write, k.cors(next))
}

// Open is API for answers that pages of any site may get, or none: no header says so
// but what next sets.
func (k *Kit) Open(write ErrorWriter, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		of(r.Context()).errors = write
		w.Header()["Cache-Control"] = noStore
		next.ServeHTTP(w, r)
	})
}
