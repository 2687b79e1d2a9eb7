package httpkit

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
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
		{name: "too many values", path: "any", body: "[" + strings.Repeat("1,", 2<<20) + "1]", status: 400, want: `more than 250000 values`},
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

func TestBodyThatBreaksOffIsTheClientsFault(t *testing.T) {
	s := newSite(t, Options{}, routes(Route{"POST /x", func(w http.ResponseWriter, r *http.Request) error {
		_, err := ReadObject(r, 10<<20)
		return err
	}}))
	const chunked = "POST /api/v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, test := range []struct{ name, raw string }{
		{"chunk size that is no number", chunked + "zz\r\n{}\r\n0\r\n\r\n"},
		{"chunk longer than said", chunked + "1\r\n{}\r\n0\r\n\r\n"},
		{"huge chunk", chunked + "fffffffffffffffff\r\n{}"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := c.Write([]byte(test.raw)); err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusBadRequest {
				t.Errorf("status %d, want 400", res.StatusCode)
			}
		})
	}
}

func TestLargeBodiesTakeTurns(t *testing.T) {
	turns := cap(newTurns())
	inside, leave := make(chan struct{}, 100), make(chan struct{})
	s := newSite(t, Options{}, routes(Route{"POST /x", func(w http.ResponseWriter, r *http.Request) error {
		if _, err := ReadObject(r, 10<<20); err != nil {
			return err
		}
		inside <- struct{}{}
		<-leave
		return Empty(w)
	}}))
	var all sync.WaitGroup
	post := func(body string) {
		all.Go(func() {
			res, err := plainClient.Post(s.URL+"/api/v1/x", "", strings.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			if err := res.Body.Close(); err != nil || res.StatusCode != 200 {
				t.Error(res.StatusCode, err)
			}
		})
	}
	for range turns + 3 {
		post(`{"a":"` + strings.Repeat("x", largeBody) + `"}`)
	}
	for range turns {
		<-inside
	}
	post(`{}`) // a small one passes
	<-inside
	select {
	case <-inside:
		t.Errorf("more than %d large bodies are in work", turns)
	case <-time.After(100 * time.Millisecond):
	}
	close(leave)
	all.Wait()
	if n := len(inside); n != 3 {
		t.Errorf("%d came later, want 3", n)
	}
}

// Clients that send everything before they read must see the refusal too.
func TestTooLargeBodyIsAnsweredToWhoSendsItAll(t *testing.T) {
	const limit, size = 1 << 20, 3 << 20
	s := newSite(t, Options{}, routes(Route{"POST /x", func(_ http.ResponseWriter, r *http.Request) error {
		_, err := ReadObject(r, limit)
		return err
	}}))
	blanks := strings.Repeat(" ", size)
	for name, rest := range map[string]string{
		"length":  fmt.Sprintf("Content-Length: %d\r\n\r\n%s", size, blanks),
		"chunked": fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", size, blanks),
	} {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "POST /api/v1/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+rest); err != nil {
			t.Errorf("%s: send: %v", name, err)
			continue
		}
		if got, err := io.ReadAll(conn); err != nil || !strings.Contains(string(got), `"body_too_large"`) {
			t.Errorf("%s: %v %s", name, err, got)
		}
	}
}
