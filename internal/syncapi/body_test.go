package syncapi

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// slow is a body that comes letter by letter, and a connection that ends at its deadline.
type slow struct {
	http.ResponseWriter
	text     *strings.Reader
	wait     time.Duration
	deadline time.Time
}

func (s *slow) SetReadDeadline(t time.Time) error { s.deadline = t; return nil }
func (s *slow) Close() error                      { return nil }

func (s *slow) Read(p []byte) (int, error) {
	time.Sleep(s.wait)
	if time.Now().After(s.deadline) {
		return 0, http.ErrBodyReadAfterClose
	}
	return s.text.Read(p[:1])
}

// TestArriving: a body may take long as long as it comes, but not for ever.
func TestArriving(t *testing.T) {
	for _, c := range []struct {
		name    string
		letters int
		wait    time.Duration
		whole   bool
	}{
		{"at once", 10, 0, true},
		{"slowly", 40, 10 * time.Second, true},
		{"with a gap", 3, 16 * time.Second, false},
		{"without end", 200, 10 * time.Second, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &slow{ResponseWriter: httptest.NewRecorder(), text: strings.NewReader(strings.Repeat("x", c.letters)), wait: c.wait}
				b := &arriving{ReadCloser: s, control: http.NewResponseController(s), until: time.Now().Add(bodyWhole)}
				data, err := io.ReadAll(b)
				if whole := err == nil && len(data) == c.letters; whole != c.whole {
					t.Errorf("%d letters, %v", len(data), err)
				}
			})
		})
	}
}
