package httpkit

import (
	"net/http"
	"net/url"
	"strings"

	"kartoteka/internal/fault"
	"kartoteka/internal/query/text"
)

// cors lets the pages of listed origins call the API with credentials.
func (k *Kit) cors(next http.Handler) http.Handler {
	if len(k.origins) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if !k.origins[strings.ToLower(origin)] {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Expose-Headers", "X-Request-Id, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, X-Total-Count")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			preflight(h, r)
			Empty(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func preflight(h http.Header, r *http.Request) {
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PATCH, DELETE")
	h.Set("Access-Control-Max-Age", "600")
	if names := r.Header.Get("Access-Control-Request-Headers"); names != "" {
		h.Set("Access-Control-Allow-Headers", names)
	}
}

// CheckOrigin refuses, with fault.BadOrigin, a changing request that another
// site's page sent with this site's cookie. Clients that are no browsers send
// neither Origin nor Sec-Fetch-Site and pass.
func (k *Kit) CheckOrigin(r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return checkSite(r.Header.Get("Sec-Fetch-Site"))
	}
	if k.origins[strings.ToLower(origin)] || k.own(origin, of(r.Context()).host) {
		return nil
	}
	return fault.New(fault.BadOrigin, "pages of %s may not change data here", text.Cut(origin, 100))
}

// own tells whether an origin is this server's: the host that was asked or,
// behind a proxy that names another one, the configured public name.
func (k *Kit) own(origin, asked string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	return strings.EqualFold(u.Host, asked) ||
		k.opt.Host != "" && (strings.EqualFold(u.Host, k.opt.Host) || strings.EqualFold(u.Hostname(), k.opt.Host))
}

// checkSite judges a request of a browser that hides the origin.
func checkSite(site string) error {
	if site == "cross-site" || site == "same-site" {
		return fault.New(fault.BadOrigin, "pages of %s may not change data here", site)
	}
	return nil
}
