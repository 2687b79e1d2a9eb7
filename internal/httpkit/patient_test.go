package httpkit

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestPatient: a body that comes slowly is read past the server's deadline, and
// the answer still goes out.
func TestPatient(t *testing.T) {
	for name, c := range map[string]struct {
		patient bool
		want    int
	}{"patient": {true, 4}, "not": {false, 0}} {
		t.Run(name, func(t *testing.T) {
			got := make(chan int, 1)
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body := io.Reader(r.Body)
				if c.patient {
					w, body = Patient(w, r)
				}
				data, err := io.ReadAll(body)
				if err != nil {
					data = nil
				}
				got <- len(data)
				_, _ = io.WriteString(w, "ok")
			}))
			s.Config.ReadTimeout, s.Config.WriteTimeout = 300*time.Millisecond, 300*time.Millisecond
			s.Start()
			defer s.Close()
			in, out := io.Pipe()
			go func() {
				for range 4 {
					time.Sleep(150 * time.Millisecond)
					_, _ = out.Write([]byte("x"))
				}
				_ = out.Close()
			}()
			res, err := http.Post(s.URL, "text/plain", in)
			if n := <-got; n != c.want {
				t.Errorf("%d bytes arrived", n)
			}
			if !c.patient {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if data, err := io.ReadAll(res.Body); err != nil || string(data) != "ok" {
				t.Errorf("%q, %v", data, err)
			}
		})
	}
}
