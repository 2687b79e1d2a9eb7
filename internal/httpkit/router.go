package httpkit

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"kartoteka/internal/fault"
)

// Route joins a pattern of net/http, such as "GET /catalogs/{id}", relative to
// the router's prefix, and its handler. GET serves HEAD too.
type Route struct {
	Pattern string
	Handler Handler
}

// Router serves a table of routes. What no route matches is answered as the
// API's own 404 or 405; nothing is ever redirected, because a redirected POST
// would become a GET in many clients.
type Router struct {
	kit *Kit
	mux *http.ServeMux
}

// Router makes a router whose patterns begin below prefix ("/api/v1" or "").
// It panics on patterns that net/http refuses.
func (k *Kit) Router(prefix string, routes []Route) *Router {
	rt := &Router{kit: k, mux: http.NewServeMux()}
	for _, route := range routes {
		method, path, found := strings.Cut(route.Pattern, " ")
		if !found {
			panic("httpkit: pattern without a method: " + route.Pattern)
		}
		rt.mux.Handle(method+" "+prefix+path, k.Handle(route.Handler))
	}
	rt.mux.HandleFunc("/", rt.unmatched)
	return rt
}

// Handle makes a Handler of net/http.
func (k *Kit) Handle(h Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			k.fail(w, r, err)
		}
	})
}

func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	if unclean(path) || !utf8.ValidString(r.URL.Path) || strings.IndexByte(r.URL.Path, 0) >= 0 {
		rt.kit.fail(w, r, errNoResource())
		return
	}
	if len(path) > 1 && path[len(path)-1] == '/' {
		r = withoutSlash(r)
	}
	rt.mux.ServeHTTP(w, r)
}

// unclean tells whether ServeMux would redirect such a path.
func unclean(path string) bool {
	if path == "" || path[0] != '/' || strings.Contains(path, "//") {
		return true
	}
	i := strings.Index(path, "/.")
	if i < 0 {
		return false
	}
	for _, segment := range strings.Split(path[i:], "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

func withoutSlash(r *http.Request) *http.Request {
	u := new(url.URL)
	*u = *r.URL
	u.Path = strings.TrimSuffix(u.Path, "/")
	u.RawPath = strings.TrimSuffix(u.RawPath, "/")
	r2 := new(http.Request)
	*r2 = *r
	r2.URL = u
	return r2
}

func errNoResource() error { return fault.New(fault.NotFound, "there is no such resource") }

func (rt *Router) unmatched(w http.ResponseWriter, r *http.Request) {
	allow := rt.allowed(r)
	switch {
	case allow == "":
		rt.kit.fail(w, r, errNoResource())
	case r.Method == http.MethodOptions:
		w.Header().Set("Allow", allow)
		Empty(w)
	default:
		w.Header().Set("Allow", allow)
		rt.kit.fail(w, r, fault.New(fault.MethodNotAllowed, "the method %s is not possible here", r.Method))
	}
}

// allowed lists the methods that the path has routes for.
func (rt *Router) allowed(r *http.Request) string {
	probe := new(http.Request)
	*probe = *r
	var list []string
	for _, probe.Method = range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		if _, pattern := rt.mux.Handler(probe); pattern != "/" {
			list = append(list, probe.Method)
			if probe.Method == "GET" {
				list = append(list, "HEAD")
			}
		}
	}
	if list == nil {
		return ""
	}
	return strings.Join(append(list, "OPTIONS"), ", ")
}
