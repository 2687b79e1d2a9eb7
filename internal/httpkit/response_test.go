package httpkit

import (
	"bufio"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestGzip(t *testing.T) {
	long := `{"a":"` + strings.Repeat("long text ", 500) + `"}`
	write := func(kind, body string) Handler {
		return func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", kind)
			io.WriteString(w, body)
			return nil
		}
	}
	s := newSite(t, Options{}, routes(
		Route{"GET /long", func(w http.ResponseWriter, _ *http.Request) error { WriteJSON(w, 200, []byte(long)); return nil }},
		Route{"GET /short", echo("short")},
		Route{"GET /png", write("image/png", long)},
		Route{"GET /encoded", func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Encoding", "br")
			return write("text/html", long)(w, r)
		}},
		Route{"GET /pieces", func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", "application/json")
			for _, c := range []byte(long) {
				w.Write([]byte{c})
			}
			return nil
		}},
		Route{"GET /status", func(w http.ResponseWriter, _ *http.Request) error { WriteJSON(w, 418, []byte(long)); return nil }},
	))
	tests := []struct {
		name, path, accept string
		zipped             bool
		status             int
	}{
		{"long", "long", "gzip", true, 200},
		{"among others", "long", "br, gzip;q=0.5", true, 200},
		{"not asked", "long", "", false, 200},
		{"refused", "long", "gzip;q=0", false, 200},
		{"other", "long", "br", false, 200},
		{"short", "short", "gzip", false, 200},
		{"image", "png", "gzip", false, 200},
		{"encoded already", "encoded", "gzip", false, 200},
		{"byte by byte", "pieces", "gzip", true, 200},
		{"other status", "status", "gzip", true, 418},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			res, body := s.send(t, call{path: "/api/v1/" + test.path, headers: map[string]string{"Accept-Encoding": test.accept}})
			zipped := res.Header.Get("Content-Encoding") == "gzip"
			if zipped != test.zipped || res.StatusCode != test.status {
				t.Fatalf("zipped %v, status %d", zipped, res.StatusCode)
			}
			if zipped {
				z, err := gzip.NewReader(strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				plain, err := io.ReadAll(z)
				if err != nil {
					t.Fatal(err)
				}
				if len(body) > len(plain)/5 {
					t.Errorf("%d bytes of %d", len(body), len(plain))
				}
				body = string(plain)
			}
			if test.path != "short" && body != long {
				t.Errorf("body %.40s", body)
			}
		})
	}
}

func TestStreamArrivesAtOnce(t *testing.T) {
	next := make(chan struct{})
	s := newSite(t, Options{}, routes(Route{"GET /stream", func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "application/json")
		for range 3 {
			io.WriteString(w, "line\n")
			if err := http.NewResponseController(w).Flush(); err != nil {
				return err
			}
			<-next
		}
		return nil
	}}))
	r, err := http.NewRequest("GET", s.URL+"/api/v1/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	res, err := plainClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for range 3 {
		if line, err := lines.ReadString('\n'); line != "line\n" {
			t.Fatalf("%q, %v", line, err)
		}
		next <- struct{}{}
	}
}

func TestHijack(t *testing.T) {
	s := newSite(t, Options{}, routes(Route{"GET /raw", func(w http.ResponseWriter, _ *http.Request) error {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nraw")
		return err
	}}))
	s.check(t, call{path: "/api/v1/raw", want: "raw"})
}
