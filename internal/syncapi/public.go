package syncapi

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/httpkit"
)

// Root begins the paths of endpoints.
const Root = "/bj_api_sync"

// maxURL bounds the path and the query of a request, in bytes.
const maxURL = 16 << 10

// exchange is one request to an endpoint and what is known of it, step by step.
type exchange struct {
	api      *API
	w        http.ResponseWriter
	r        *http.Request
	began    time.Time
	id       string // of the request
	ip       netip.Addr
	endpoint string // as it was asked for
	record   string // of the path; "" for none
	state    *apisync.State
	config   *apisync.Compiled
	// credential is what opened the endpoint, nil for none or the platform's.
	credential *apisync.Credential
	actor      catalog.Actor
	limits     limits
	body       []byte
	query      []apisync.Pair
	dry        bool
	admitted   bool // the caller was let in
	// kept is the key under which the answer is kept, nil when it is not.
	kept   *apisync.Once
	phases apisync.Phases
	lines  *apisync.LineTrace // of a config that is debugged; nil for others
	// replay is the request of the log that this one is; nil for one that came now.
	replay *Replay
}

// Public serves the endpoints, below Root.
func (a *API) Public() http.Handler {
	return a.opt.Kit.Open(a.errorWriter, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{api: a, w: w, r: r, began: a.opt.Now(), ip: httpkit.ClientIP(r.Context())}
		x.serve()
	}))
}

// serve answers a request in the order of sync-api.md §2.2. What is known here of the
// configuration may be old: before that refuses anything, or when it turns out on the
// way, all is done again with that of now.
func (x *exchange) serve() {
	x.name()
	ctx := x.r.Context()
	answer, err := x.answer(ctx, x.api.opt.Sync.Known)
	for n := 0; err != nil && n < tries && x.changed(ctx, err); n++ {
		x.again()
		answer, err = x.answer(ctx, x.api.opt.Sync.Current)
	}
	if err != nil {
		if x.gone(err) {
			return
		}
		answer = x.refusal(err)
		x.keepRefusal(answer)
	}
	x.write(answer)
	x.note(answer)
}

// tries bounds how often a request is begun again because the configuration changes.
const tries = 3

// changed tells whether the configuration is another one now.
func (x *exchange) changed(ctx context.Context, err error) bool {
	if errors.Is(err, apisync.ErrChanged) {
		return true
	}
	now, failed := x.api.opt.Sync.Current(ctx)
	return failed == nil && now != x.state
}

// again forgets what was found out under another configuration.
func (x *exchange) again() {
	x.state, x.config, x.credential, x.record, x.kept = nil, nil, nil, "", nil
	for _, name := range []string{"Allow", "WWW-Authenticate", "Retry-After"} {
		x.w.Header().Del(name)
	}
}

// gone tells whether the client left, and nobody reads an answer.
func (x *exchange) gone(err error) bool {
	return x.r.Context().Err() != nil && x.api.opt.Kit.Gone(x.r.Context(), err)
}

// answer is all of the work.
func (x *exchange) answer(ctx context.Context, current func(context.Context) (*apisync.State, error)) (*sent, error) {
	began := time.Now()
	if err := x.route(ctx, current); err != nil {
		return nil, err
	}
	if x.config == nil && x.r.Method == http.MethodOptions {
		x.w.Header().Set("Allow", readOnly)
		return &sent{status: http.StatusNoContent}, nil
	}
	if x.endpoint == "" {
		return x.descriptor(), nil
	}
	if x.endpoint == documentName {
		return x.document(ctx)
	}
	if x.r.Method == http.MethodOptions {
		return x.options(), nil
	}
	err := x.admit(ctx)
	if x.phases = (apisync.Phases{Auth: milliseconds(began)}); err != nil {
		return nil, err
	}
	if err := x.checkHeaders(); err != nil {
		return nil, err
	}
	if err := x.readBody(); err != nil {
		return nil, err
	}
	most := time.Duration(x.config.RequestTimeout * float64(time.Second))
	// A body that came slowly leaves as much time for the work and the answer.
	_ = httpkit.Extend(x.w, most+answerTime) // not on every connection
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	return x.work(ctx)
}

// milliseconds are those since a moment.
func milliseconds(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1000 }

// answerTime is how long an answer may take to be sent.
const answerTime = time.Minute

// readOnly are the methods of what is no endpoint.
const readOnly = "GET, HEAD, OPTIONS"

// route finds the endpoint that the path names, and counts the request by the
// client's network before anything of it is told.
func (x *exchange) route(ctx context.Context, current func(context.Context) (*apisync.State, error)) (err error) {
	if len(x.r.RequestURI) > maxURL {
		return apisync.Refuse(http.StatusRequestURITooLong, "URI_TOO_LONG", "the address is longer than %d bytes", maxURL)
	}
	found := x.parts()
	if x.state, err = current(ctx); err != nil {
		return err
	}
	if found == nil {
		x.config = x.state.Endpoint(x.endpoint)
	}
	if err := x.limitIP(); err != nil {
		return err
	}
	switch {
	case found != nil:
		return found
	case x.endpoint != "" && x.endpoint != documentName && x.config == nil:
		return apisync.Refuse(http.StatusNotFound, "ENDPOINT_NOT_FOUND", "there is no active endpoint of this name")
	}
	return nil
}

// parts reads the path: "" alone is the descriptor.
func (x *exchange) parts() error {
	path := strings.TrimPrefix(x.r.URL.EscapedPath(), Root)
	path, _ = strings.CutPrefix(path, "/")
	version, rest, _ := strings.Cut(path, "/")
	if version != "v1" {
		return apisync.Refuse(http.StatusNotFound, "NOT_FOUND", "there is no such version of the API").With("supported", []string{"v1"})
	}
	rest = strings.TrimSuffix(rest, "/")
	segments := strings.Split(rest, "/")
	if len(segments) > 2 {
		return notFound()
	}
	for i, s := range segments {
		text, err := url.PathUnescape(s)
		if err != nil || !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
			return notFound()
		}
		segments[i] = text
	}
	x.endpoint = segments[0]
	if len(segments) == 2 {
		if x.record = segments[1]; x.record == "" || x.endpoint == "" {
			return notFound()
		}
	}
	return nil
}

func notFound() *apisync.Error {
	return apisync.Refuse(http.StatusNotFound, "NOT_FOUND", "there is no such resource")
}

// methods are those that the endpoint has for this path.
func (x *exchange) methods() []string {
	var list []string
	for _, m := range x.config.Methods {
		if m == http.MethodPost && x.record != "" {
			continue
		}
		list = append(list, m)
		if m == http.MethodGet {
			list = append(list, http.MethodHead)
		}
	}
	return append(list, http.MethodOptions)
}

// method is the request's method as the configuration has it.
func (x *exchange) method() string {
	switch x.r.Method {
	case http.MethodHead:
		return http.MethodGet
	case http.MethodPatch:
		if slices.Contains(x.config.Methods, http.MethodPatch) {
			return http.MethodPut
		}
	}
	return x.r.Method
}

func (x *exchange) checkMethod() error {
	if !slices.Contains(x.methods(), x.r.Method) {
		x.w.Header().Set("Allow", joined(x.methods()))
		return apisync.Refuse(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "the method %s is not enabled here", x.r.Method)
	}
	if c := x.credential; c != nil && !opens(c, x.r.Method) {
		return apisync.Refuse(http.StatusForbidden, "FORBIDDEN", "the credential does not open this method")
	}
	return nil
}

// opens tells whether a credential opens a method: HEAD is GET, and who may PUT may PATCH.
func opens(c *apisync.Credential, method string) bool {
	switch {
	case c.Methods == nil || slices.Contains(c.Methods, method):
		return true
	case method == http.MethodHead:
		return slices.Contains(c.Methods, http.MethodGet)
	}
	return method == http.MethodPatch && slices.Contains(c.Methods, http.MethodPut)
}

func joined(methods []string) string { return strings.Join(methods, ", ") }
