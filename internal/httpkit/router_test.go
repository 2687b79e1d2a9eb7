package httpkit

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/fault"
)

func TestRouter(t *testing.T) {
	s := newSite(t, Options{}, routes(
		Route{"GET /catalogs", echo("list")},
		Route{"POST /catalogs", echo("create")},
		Route{"GET /catalogs/{id}", echo("read")},
		Route{"PATCH /catalogs/{id}", echo("change")},
		Route{"DELETE /catalogs/{id}", echo("remove")},
		Route{"POST /only", echo("only")},
	))
	calls := []call{
		{name: "list", path: "/api/v1/catalogs", want: `"list"`},
		{name: "list with a slash", path: "/api/v1/catalogs/", want: `"list"`},
		{name: "create with a slash is not redirected", method: "POST", path: "/api/v1/catalogs/", want: `"create"`},
		{name: "read", path: "/api/v1/catalogs/5", want: `"id":"5"`},
		{name: "read with a slash and a query", path: "/api/v1/catalogs/5/?a=b", want: `"id":"5"`},
		{name: "system id", path: "/api/v1/catalogs/$users", want: `"id":"$users"`},
		{name: "escaped system id", path: "/api/v1/catalogs/%24users/", want: `"id":"$users"`},
		{name: "escaped slash stays in the id", path: "/api/v1/catalogs/a%2Fb", want: `"id":"a/b"`},
		{name: "GET with a body", path: "/api/v1/catalogs/5", body: "{}", headers: map[string]string{"Content-Type": "application/json"}, want: `"read"`},
		{name: "DELETE with a body", method: "DELETE", path: "/api/v1/catalogs/5", body: "{}", want: `"remove"`},
		{name: "HEAD", method: "HEAD", path: "/api/v1/catalogs/5", header: map[string]string{"Content-Type": "application/json; charset=utf-8"}},
		{name: "OPTIONS", method: "OPTIONS", path: "/api/v1/catalogs/5", header: map[string]string{"Allow": "GET, HEAD, PATCH, DELETE, OPTIONS", "Content-Length": "0"}},
		{name: "PUT", method: "PUT", path: "/api/v1/catalogs/5", status: 405, want: `"method_not_allowed"`, header: map[string]string{"Allow": "GET, HEAD, PATCH, DELETE, OPTIONS"}},
		{name: "GET where only POST is", path: "/api/v1/only", status: 405, header: map[string]string{"Allow": "POST, OPTIONS"}},
		{name: "made up method", method: "BREW", path: "/api/v1/only", status: 405, header: map[string]string{"Allow": "POST, OPTIONS"}},
		{name: "unknown resource", path: "/api/v1/nothing", status: 404, want: `"not_found"`, header: map[string]string{"Allow": ""}},
		{name: "OPTIONS of an unknown resource", method: "OPTIONS", path: "/api/v1/nothing", status: 404},
		{name: "PUT to an unknown resource", method: "PUT", path: "/api/v1/nothing", status: 404},
		{name: "double slash", path: "/api/v1//catalogs", status: 404},
		{name: "dots", path: "/api/v1/x/../catalogs", status: 404},
		{name: "one dot", path: "/api/v1/./catalogs", status: 404},
		{name: "two slashes at the end", path: "/api/v1/catalogs//", status: 404},
		{name: "escaped dots are an id", path: "/api/v1/catalogs/%2e%2e", want: `"id":".."`},
		{name: "dot inside a name", path: "/api/v1/catalogs/.a", want: `"id":".a"`},
		{name: "NUL", path: "/api/v1/catalogs/%00", status: 404},
		{name: "invalid UTF-8", path: "/api/v1/catalogs/%ff", status: 404},
		{name: "root", path: "/", status: 404},
	}
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) { s.check(t, c) })
	}
}

func TestEveryAnswersHeaders(t *testing.T) {
	s := newSite(t, Options{}, routes(Route{"GET /ok", func(w http.ResponseWriter, _ *http.Request) error { return Empty(w) }}))
	for _, path := range []string{"/api/v1/ok", "/api/v1/missing"} {
		res, _ := s.send(t, call{path: path})
		for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "WWW-Authenticate": "", "X-RateLimit-Limit": ""} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s %s: %q", path, name, got)
			}
		}
		if id := res.Header.Get("X-Request-Id"); len(id) != 12 || !strings.Contains(s.log.String(), id) {
			t.Errorf("%s: request id %q", path, id)
		}
	}
	res, body := s.send(t, call{path: "/api/v1/ok"})
	if res.StatusCode != 200 || res.Header.Get("Content-Length") != "0" || body != "" {
		t.Errorf("empty answer: %v %q", res.Header, body)
	}
}

func TestErrors(t *testing.T) {
	failing := map[string]error{
		"fields": fault.Invalid([]fault.Detail{
			fault.Field("5", fault.Required, "%s: a value is required", "Due"), fault.At("a[1]", fault.Max, "too large")}),
		"internal": fmt.Errorf("load catalog 5: %w", errors.New("password in the text")),
		"cause":    fault.Wrap(errors.New("secret cause"), fault.Unavailable, "try later"),
		"limited":  &fault.Error{Code: fault.RateLimited, RetryAfter: 1200 * time.Millisecond},
		"data":     &fault.Error{Code: fault.Conflict, Data: map[string]any{"now": 5}},
		"zero":     &fault.Error{},
	}
	list := []Route{{"GET /panic", func(http.ResponseWriter, *http.Request) error { panic("boom") }}}
	for name, err := range failing {
		list = append(list, Route{"GET /" + name, func(http.ResponseWriter, *http.Request) error { return err }})
	}
	s := newSite(t, Options{}, routes(list...))
	calls := []call{
		{name: "fields", status: 400, want: `"errors":[{"fieldId":"5","code":"required","message":"Due: a value is required"},{"path":"a[1]","code":"max","message":"too large"}]`},
		{name: "internal", status: 500, want: `{"status":500,"code":"internal","message":"internal error","requestId":"`},
		{name: "cause", status: 503, want: `"code":"unavailable","message":"try later"`},
		{name: "limited", status: 429, want: `"rate_limited"`, header: map[string]string{"Retry-After": "2"}},
		{name: "data", status: 400, want: `"details":{"now":5}`},
		{name: "zero", status: 500, want: `"code":"internal"`},
		{name: "panic", status: 500, want: `"code":"internal"`},
	}
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			c.path = "/api/v1/" + c.name
			s.check(t, c)
			res, body := s.send(t, c)
			if f := failureOf(t, body); f.RequestID != res.Header.Get("X-Request-Id") || f.Status != c.status {
				t.Errorf("body %+v", f)
			}
			if strings.Contains(body, "secret") || strings.Contains(body, "password") || strings.Contains(body, "boom") {
				t.Errorf("the answer tells too much: %s", body)
			}
		})
	}
	for _, want := range []string{"password in the text", "secret cause", "boom", "router_test.go"} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the log lacks %q", want)
		}
	}
}

func TestAnswerCutAfterItsBegin(t *testing.T) {
	for name, end := range map[string]func() error{
		"error": func() error { return errors.New("too late") },
		"panic": func() error { panic("too late") },
	} {
		s := newSite(t, Options{}, routes(Route{"GET /late", func(w http.ResponseWriter, _ *http.Request) error {
			io.WriteString(w, `{"a":[`)
			return end()
		}}))
		res, err := plainClient.Get(s.URL + "/api/v1/late")
		if err == nil {
			_, err = io.ReadAll(res.Body)
			res.Body.Close()
		}
		if err == nil {
			t.Errorf("%s: the client took the part for the whole", name)
		}
		if !strings.Contains(s.log.String(), "too late") {
			t.Errorf("%s: not logged: %s", name, s.log)
		}
	}
}

func TestOwnEnvelope(t *testing.T) {
	s := newSite(t, Options{}, func(k *Kit) http.Handler {
		return k.API(func(w http.ResponseWriter, _ *http.Request, f Failure) {
			w.WriteHeader(f.Status)
			fmt.Fprintf(w, "own %s", f.Code)
		}, k.Router("", []Route{{"POST /x", func(http.ResponseWriter, *http.Request) error { panic("boom") }}}))
	})
	for _, c := range []call{
		{name: "404", path: "/y", status: 404, want: "own not_found"},
		{name: "405", path: "/x", status: 405, want: "own method_not_allowed"},
		{name: "500", path: "/x", method: "POST", status: 500, want: "own internal"},
	} {
		t.Run(c.name, func(t *testing.T) { s.check(t, c) })
	}
}
