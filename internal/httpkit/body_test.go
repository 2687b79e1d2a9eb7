package httpkit

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/query/tree"
)

func TestReadJSON(t *testing.T) {
	const limit = 10 << 20
	read := func(parse func(*http.Request, int64) (tree.Value, error)) Handler {
		return func(w http.ResponseWriter, r *http.Request) error {
			v, err := parse(r, limit)
			if err != nil {
				return err
			}
			body := v.AppendJSON(nil)
			WriteJSON(w, 200, body[:min(len(body), 100)])
			return nil
		}
	}
	s := newSite(t, Options{}, routes(Route{"POST /any", read(ReadJSON)}, Route{"POST /object", read(ReadObject)}))
	calls := []call{
		{name: "object", path: "object", body: `{"b":1.0,"a":[true,null]}`, want: `{"b":1.0,"a":[true,null]}`},
		{name: "empty", path: "object", want: `{}`},
		{name: "blank", path: "object", body: " \r\n", want: `{}`},
		{name: "form content type", path: "object", body: `{"a":1}`, headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, want: `{"a":1}`},
		{name: "list", path: "any", body: `[1]`, want: `[1]`},
		{name: "list for an object", path: "object", body: `[1]`, status: 400, want: `"the body must be a JSON object"`},
		{name: "just below the limit", path: "object", body: `{"a":"` + strings.Repeat("x", limit-8) + `"}`, want: `{"a":"xxx`},
		{name: "over 10 MB", path: "object", body: strings.Repeat(" ", limit+1), status: 400, want: `"body_too_large"`},
		{name: "broken", path: "object", body: `{"a":1`, status: 400, want: `"invalid_json"`},
		{name: "form", path: "object", body: `a=1&b=2`, status: 400, want: `"invalid_json"`},
		{name: "depth bomb", path: "object", body: strings.Repeat(`{"a":`, 100_000), status: 400, want: `nested deeper than 64 levels`},
		{name: "list bomb", path: "object", body: strings.Repeat(`[`, 5<<20), status: 400, want: `nested deeper than 64 levels`},
		{name: "too many values", path: "any", body: "[" + strings.Repeat("1,", 2<<20) + "1]", status: 400, want: `more than 1000000 values`},
		{name: "NUL", path: "object", body: `{"a":"\u0000"}`, status: 400, want: `U+0000`},
		{name: "raw NUL", path: "object", body: "{\"a\":\"\x00\"}", status: 400, want: `U+0000`},
		{name: "invalid UTF-8", path: "object", body: "{\"a\":\"\xff\"}", status: 400, want: `not UTF-8`},
		{name: "UTF-16", path: "object", body: "\xff\xfe{\x00}\x00", status: 400, want: `not UTF-8`},
		{name: "lone surrogate", path: "object", body: `{"a":"\ud800"}`, status: 400, want: `surrogate`},
		{name: "huge number", path: "object", body: `{"a":1e999}`, status: 400, want: `number is too large`},
	}
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			c.method, c.path = "POST", "/api/v1/"+c.path
			s.check(t, c)
		})
	}
}

func TestClaimedLengthTakesNoMemoryAndCutBodyIsRefused(t *testing.T) {
	s := newSite(t, Options{}, routes(Route{"POST /x", func(w http.ResponseWriter, r *http.Request) error {
		_, err := ReadObject(r, 10<<20)
		return err
	}}))
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("POST /api/v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{\"a\"")); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for !strings.Contains(s.log.String(), `"status":`) && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	if log := s.log.String(); !strings.Contains(log, `"status":400`) && !strings.Contains(log, `"status":499`) {
		t.Errorf("log %s", log)
	}
}
