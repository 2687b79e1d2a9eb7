package outbound

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var discard = log.New(io.Discard, "", 0)

// soon bounds the calls to receivers that do not end by themselves.
const soon = 150 * time.Millisecond

// peer is a receiver's end of a connection; stop is closed when the test ends.
type peer struct {
	*net.TCPConn
	stop <-chan struct{}
}

// newReceiver answers each connection with a function, which may do as it likes
// until the test ends.
func newReceiver(t testing.TB, serve func(peer)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		mu    sync.Mutex
		conns []net.Conn
		done  sync.WaitGroup
		stop  = make(chan struct{})
	)
	done.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			done.Go(func() {
				serve(peer{c.(*net.TCPConn), stop})
				_ = c.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		close(stop)
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		done.Wait()
	})
	return "http://" + l.Addr().String()
}

// asked reads one request with its body.
func asked(c io.Reader) error {
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r.Body)
	return err
}

// says answers each request of a connection with a text, once.
func says(text string) func(peer) {
	return func(c peer) {
		if asked(c) == nil {
			_, _ = io.WriteString(c, text)
		}
	}
}

// endless repeats a text after a request until the caller is gone.
func endless(head, text string, pause time.Duration) func(peer) {
	return func(c peer) {
		if asked(c) != nil {
			return
		}
		_, err := io.WriteString(c, head)
		for ; err == nil; _, err = io.WriteString(c, text) {
			time.Sleep(pause)
		}
	}
}

// stall takes a connection and neither reads nor writes until it is closed.
func stall(p peer) { <-p.stop }

// Each receiver ends a call for its reason and soon: within the bound of the whole
// call where nothing else ends it.
func TestHostileReceivers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	cases := []struct {
		name   string
		serve  func(peer)
		reason Reason
		status int // of the answer that came with the failure; 0 = none came
	}{
		{"never reads", stall, Timeout, 0},
		{"never answers", func(c peer) { _ = asked(c); <-c.stop }, Timeout, 0},
		{"trickles its body", endless(ok+"Content-Length: 900\r\n\r\n", "x", 5*time.Millisecond), Timeout, 200},
		{"trickles chunks", endless(ok+"Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 5*time.Millisecond), Timeout, 200},
		{"trickles its headers", endless(ok, "X-A: b\r\n", 5*time.Millisecond), Timeout, 0},
		{"trickles its first line", endless("HTTP/1.1 200 ", "O", 5*time.Millisecond), Timeout, 0},
		{"trickles 100 Continue", endless("", "HTTP/1.1 100 Continue\r\n\r\n", 200*time.Millisecond), Timeout, 0},
		{"endless headers", endless(ok, "X-A: "+strings.Repeat("b", 1000)+"\r\n", 0), TooLarge, 0},
		{"an endless header", endless(ok+"X-A: ", strings.Repeat("b", 1000), 0), TooLarge, 0},
		{"endless first line", endless("HTTP/1.1 200 ", strings.Repeat("b", 1000), 0), TooLarge, 0},
		{"endless body", endless(ok+"\r\n", strings.Repeat("b", 1000), 0), TooLarge, 200},
		{"endless chunks", endless(ok+"Transfer-Encoding: chunked\r\n\r\n", "3e8\r\n"+strings.Repeat("b", 1000)+"\r\n", 0), TooLarge, 200},
		{"endless extension of a chunk", endless(ok+"Transfer-Encoding: chunked\r\n\r\n1;", strings.Repeat("b", 1000), 0), BadResponse, 200},
		{"endless trailer", endless(ok+"Transfer-Encoding: chunked\r\n\r\n0\r\n", "X-A: b\r\n", 0), BadResponse, 200},
		{"storm of 103", endless("", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 0), TooLarge, 0},
		{"length of an endless body", says(ok + "Content-Length: 9223372036854775807\r\n\r\nx"), TooLarge, 200},
		{"length over the bound", says(ok + "Content-Length: 1001\r\n\r\n" + strings.Repeat("x", 1001)), TooLarge, 200},
		{"fewer bytes than its length", says(ok + "Content-Length: 10\r\n\r\nabc"), Broken, 200},
		{"ends within a chunk", says(ok + "Transfer-Encoding: chunked\r\n\r\nff\r\nabc"), Broken, 200},
		{"ends within its headers", says(ok + "X-A: b"), Broken, 0},
		{"says nothing", says(""), Broken, 0},
		{"two lengths", says(ok + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), BadResponse, 0},
		{"negative length", says(ok + "Content-Length: -3\r\n\r\nabcd"), BadResponse, 0},
		{"no HTTP", says("SSH-2.0-OpenSSH_9.9\r\n"), BadResponse, 0},
		{"no status", says("HTTP/1.1 OK\r\n\r\n"), BadResponse, 0},
		{"HTTP/2", says("\x00\x00\x00\x04\x00\x00\x00\x00\x00" + ok), BadResponse, 0},
		{"another protocol", says("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nabc"), BadResponse, 0},
		{"bad chunk", says(ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc"), BadResponse, 200},
		{"closes at once", func(peer) {}, Broken, 0},
		{"resets", func(c peer) { _ = asked(c); reset(c) }, Broken, 0},
		{"resets within its body", func(c peer) {
			says(ok + "Content-Length: 100\r\n\r\nabc")(c)
			time.Sleep(20 * time.Millisecond) // a reset overtakes what was not read
			reset(c)
		}, Broken, 200},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			client := newClient(t, Config{Timeout: soon, MaxHeader: 4 << 10, MaxBody: 1000})
			began := time.Now()
			// More than the buffers of sockets hold, for who does not read.
			var body []byte
			if c.name == "never reads" {
				body = make([]byte, 32<<20)
			}
			res, e := failure(t, client, Request{Method: "POST", URL: newReceiver(t, c.serve), Body: body}, c.reason)
			if took := time.Since(began); took > 10*soon {
				t.Errorf("took %v", took)
			}
			if !e.Sent {
				t.Error("it is said to be certain that nothing was sent")
			}
			if c.status == 0 && res != nil || c.status != 0 && (res == nil || res.Status != c.status || len(res.Body) > 1000) {
				t.Errorf("came with %+v", res)
			}
		})
	}
}

// reset ends a connection with RST.
func reset(c peer) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	_ = l.Close()
	if _, e := failure(t, newClient(t, Config{}), Request{URL: address}, Unreachable); e.Sent || !e.Retryable() {
		t.Errorf("%+v", e)
	}
}

// A receiver that takes connections and does not shake hands.
func TestHandshakeThatDoesNotEnd(t *testing.T) {
	address := strings.Replace(newReceiver(t, stall), "http://", "https://", 1)
	for name, c := range map[string]Config{"of its own bound": {TLSTimeout: soon}, "of the whole": {Timeout: soon}} {
		began := time.Now()
		if _, e := failure(t, newClient(t, c), Request{URL: address}, Timeout); e.Sent || !e.Retryable() || time.Since(began) > 10*soon {
			t.Errorf("%s: %+v after %v", name, e, time.Since(began))
		}
	}
}

func TestAnswersAtTheBounds(t *testing.T) {
	quiet(t)
	c := newClient(t, Config{MaxBody: 1000, MaxHeader: 4 << 10})
	body := strings.Repeat("x", 1000)
	for name, text := range map[string]string{
		"length":          "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + body,
		"chunks":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + body + "\r\n0\r\n\r\n",
		"until the end":   "HTTP/1.0 200 OK\r\n\r\n" + body,
		"after 103":       "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + body,
		"more than said":  "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + body + "more",
		"chunks and more": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + body + "\r\n0\r\n\r\nmore",
	} {
		res, err := c.Do(t.Context(), Request{URL: newReceiver(t, says(text))})
		if err != nil || string(res.Body) != body {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
	}
	res, err := c.Do(t.Context(), Request{URL: newReceiver(t, says("HTTP/1.1 204 No Content\r\n\r\nbody?")), MaxBody: 1})
	if err != nil || res.Status != 204 || len(res.Body) != 0 {
		t.Errorf("no content: %+v, %v", res, err)
	}
}

// A small answer that would be a large one is given as it was sent.
func TestBombsAreNotUnpacked(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(make([]byte, 8<<20)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", packed.Len(), packed.String())
	res, err := newClient(t, Config{}).Do(t.Context(), Request{URL: newReceiver(t, says(text))})
	if err != nil || !bytes.Equal(res.Body, packed.Bytes()) || res.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("%d of %d bytes, %v", len(res.Body), packed.Len(), err)
	}
}

// A receiver that refuses a large request answers before it has read it.
func TestAnswerBeforeTheRequestIsRead(t *testing.T) {
	address := newReceiver(t, func(c peer) {
		head := bufio.NewReader(c)
		for line := ""; line != "\r\n"; {
			var err error
			if line, err = head.ReadString('\n'); err != nil {
				return
			}
		}
		_, _ = io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nno!!")
		<-c.stop
	})
	c := newClient(t, Config{Timeout: 2 * time.Second})
	began := time.Now()
	res, err := c.Do(t.Context(), Request{Method: "POST", URL: address, Body: make([]byte, 32<<20)})
	if err != nil || res.Status != 413 || string(res.Body) != "no!!" || time.Since(began) > time.Second {
		t.Errorf("%+v, %v after %v", res, err, time.Since(began))
	}
}

// quiet drops what net/http writes to the standard logger about receivers that say
// more than they were asked.
func quiet(t *testing.T) {
	old := log.Writer()
	log.SetOutput(io.Discard)
	t.Cleanup(func() { log.SetOutput(old) })
}

// An answer that nobody asked for, sent after one that was, is not taken for the
// answer to the next request.
func TestPoisonedConnections(t *testing.T) {
	quiet(t)
	var conns atomic.Int32
	gone := make(chan struct{})
	address := newReceiver(t, func(c peer) {
		if conns.Add(1) > 1 {
			says("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue")(c)
			return
		}
		if asked(c) == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
			_, _ = io.Copy(io.Discard, c) // the caller closes
			close(gone)
		}
	})
	c := newClient(t, Config{})
	for i, want := range []string{"first", "true"} {
		res, err := c.Do(t.Context(), Request{Method: "POST", URL: address, Body: []byte("x")})
		if err != nil || string(res.Body) != want {
			t.Errorf("call %d: %+v, %v", i, res, err)
		}
		if i == 0 {
			select {
			case <-gone:
			case <-time.After(3 * time.Second):
				t.Fatal("the connection is kept")
			}
		}
	}
}

// A connection that the receiver closed while it was idle costs no call.
func TestIdleConnectionsThatWereClosed(t *testing.T) {
	closed := make(chan struct{}, 10)
	address := newReceiver(t, func(c peer) {
		says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")(c)
		_ = c.Close()
		closed <- struct{}{}
	})
	c := newClient(t, Config{})
	for range 5 {
		if _, err := c.Do(t.Context(), Request{Method: "POST", URL: address, Body: []byte("x")}); err != nil {
			t.Fatal(err)
		}
		<-closed
		time.Sleep(2 * time.Millisecond) // until the end of the connection is seen
	}
}

// A call that ends before its answer does leaves no connection behind.
func TestFailedCallsEndTheirConnections(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		reason Reason
	}{
		"no answer":      {"", Timeout},
		"half an answer": {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx", Timeout},
		"large answer":   {"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx", TooLarge},
	} {
		gone := make(chan struct{})
		address := newReceiver(t, func(p peer) {
			_, _ = p.Read(make([]byte, 1)) // who speaks first says what nobody asked for
			_, _ = io.WriteString(p, c.answer)
			_, _ = io.Copy(io.Discard, p)
			close(gone)
		})
		failure(t, newClient(t, Config{Timeout: soon, MaxBody: 100}), Request{Method: "POST", URL: address, Body: []byte("x")}, c.reason)
		select {
		case <-gone:
		case <-time.After(3 * time.Second):
			t.Errorf("%s: the connection is kept", name)
		}
	}
}

func TestErrorsForTheLogAndForPeople(t *testing.T) {
	cause := errors.New("dial tcp 10.1.2.3:80: bad")
	e := &Error{Reason: Unreachable, Message: badResponse("example.com", nil).Message, cause: cause}
	if !strings.Contains(e.Error(), "10.1.2.3") || !errors.Is(e, cause) || strings.Contains(e.Message.In("en"), "10.1.2.3") {
		t.Errorf("%v", e)
	}
}
