package httpkit

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestServeDrains(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	entered, leave := make(chan struct{}), make(chan struct{})
	s := NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		io.WriteString(w, "whole")
	}), slogTo(io.Discard))
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- Serve(ctx, s, l) }()
	answer := make(chan string)
	go func() {
		res, err := http.Get("http://" + l.Addr().String())
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			answer <- err.Error()
			return
		}
		answer <- string(body)
	}()
	<-entered
	stop()
	select {
	case err := <-served:
		t.Fatalf("stopped before the request ended: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if _, err := net.DialTimeout("tcp", l.Addr().String(), time.Second); err == nil {
		t.Error("a new connection was taken")
	}
	close(leave)
	if got := <-answer; got != "whole" {
		t.Errorf("the running request got %q", got)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// pipes is a listener whose connections need no network, for the fake clock.
type pipes struct{ conns chan net.Conn }

func (p *pipes) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p *pipes) Close() error   { close(p.conns); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

func TestServeCutsWhatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		entered := make(chan struct{})
		s := NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(entered)
			<-r.Context().Done()
		}), slogTo(io.Discard))
		l := &pipes{make(chan net.Conn)}
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- Serve(ctx, s, l) }()
		client, server := net.Pipe()
		l.conns <- server
		go io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		<-entered
		begin := time.Now()
		stop()
		err := <-served
		if took := time.Since(begin); err != nil || took != drainTimeout {
			t.Errorf("stopped with %v after %s", err, took)
		}
		client.Close()
	})
}

func TestSlowHeadersAreCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(http.NotFoundHandler(), slogTo(io.Discard))
		l := &pipes{make(chan net.Conn)}
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- Serve(ctx, s, l) }()
		client, server := net.Pipe()
		l.conns <- server
		go io.WriteString(client, "GET / HTTP/1.1\r\nHo")
		begin := time.Now()
		answer, err := io.ReadAll(client)
		if took := time.Since(begin); err != nil || took != headerTimeout {
			t.Errorf("cut with %v after %s: %s", err, took, answer)
		}
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

func TestExtend(t *testing.T) {
	s := newSite(t, Options{}, routes(Route{"GET /x", func(w http.ResponseWriter, _ *http.Request) error {
		if err := Extend(w, time.Hour); err != nil {
			return err
		}
		if err := Extend(w, 0); err != nil {
			return err
		}
		return Empty(w)
	}}))
	s.check(t, call{path: "/api/v1/x"})
}
