package httpkit

import "net/http"

// CookieNames are the two names a session cookie may have; the configured one
// is written, both are read, so that moving a server logs nobody out.
var CookieNames = []string{"connect.sid", "sid"}

// maxCandidates bounds how many cookies of these names are tried: other
// programs on the same host use them too.
const maxCandidates = 4

// Cookies reads and writes the session cookie.
type Cookies struct {
	Name string // "" means connect.sid
	// CrossSite lets pages of other sites show ours in a frame; such a cookie
	// travels over encrypted connections only.
	CrossSite bool
}

func (c Cookies) name() string {
	if c.Name == "" {
		return CookieNames[0]
	}
	return c.Name
}

// Read gives the values that may be a session, the configured name's first.
func (c Cookies) Read(r *http.Request) []string {
	if len(r.Header["Cookie"]) == 0 {
		return nil
	}
	values := named(r, c.name(), nil)
	for _, name := range CookieNames {
		if name != c.name() {
			values = named(r, name, values)
		}
	}
	return values[:min(len(values), maxCandidates)]
}

func named(r *http.Request, name string, values []string) []string {
	for _, cookie := range r.CookiesNamed(name) {
		if cookie.Value != "" {
			values = append(values, cookie.Value)
		}
	}
	return values
}

// Write hands a session to the client, as the answer's only cookie.
func (c Cookies) Write(w http.ResponseWriter, r *http.Request, value string) {
	w.Header()["Set-Cookie"] = []string{c.name() + "=" + value + c.attributes(r)}
}

// Clear makes the client forget its session, under both names if it sent both.
func (c Cookies) Clear(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Set-Cookie"] = []string{c.name() + "=; Max-Age=0" + c.attributes(r)}
	for _, name := range CookieNames {
		if name != c.name() && len(r.CookiesNamed(name)) > 0 {
			h.Add("Set-Cookie", name+"=; Max-Age=0"+c.attributes(r))
		}
	}
}

func (c Cookies) attributes(r *http.Request) string {
	switch {
	case c.CrossSite:
		return "; Path=/; HttpOnly; SameSite=None; Secure"
	case Secure(r.Context()):
		return "; Path=/; HttpOnly; SameSite=Lax; Secure"
	}
	return "; Path=/; HttpOnly; SameSite=Lax"
}
