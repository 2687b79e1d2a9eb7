package main

import (
	"bufio"
	"io"
	stray "log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"kartoteka/internal/httpkit"
)

// lines are what a log wrote.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestStrayLines: what net/http prints of a receiver that says something unasked is
// a line of our log.
func TestStrayLines(t *testing.T) {
	flags, out := stray.Flags(), stray.Writer()
	t.Cleanup(func() { stray.SetFlags(flags); stray.SetOutput(out) })
	log := &lines{}
	takeStrayLines(slog.New(httpkit.NewLogHandler(log, "text", slog.LevelInfo)))

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	more := make(chan struct{})
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
		<-more
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
	}()
	client := &http.Client{Transport: &http.Transport{}}
	res, err := client.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	close(more)
	for range 200 {
		if strings.Contains(log.String(), "Unsolicited") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if got := log.String(); !strings.Contains(got, "GMT Server:Library library.said") || !strings.Contains(got, "Unsolicited response") || strings.Count(got, "\n") != 1 {
		t.Errorf("the log has %q", got)
	}
}
