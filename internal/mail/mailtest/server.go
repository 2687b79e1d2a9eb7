// Package mailtest is a mail server for tests: a real one that keeps what it gets.
package mailtest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Options are how a server behaves. The zero Options take everything in clear.
type Options struct {
	StartTLS bool // offers it
	TLS      bool // connections begin encrypted
	// Login and Password; without a Login nobody has to sign in.
	Login, Password string
}

// Letter is one that arrived.
type Letter struct {
	From, To  string // of the envelope
	Encrypted bool
	Header    mail.Header
	Subject   string // decoded
	Text      string
	HTML      string
}

// Server is a mail server on a port of its own.
type Server struct {
	// Addr is host:port.
	Addr    string
	options Options
	tb      testing.TB

	mu      sync.Mutex
	down    bool
	open    []net.Conn
	refusal error
	slow    chan struct{}
	refused chan struct{}
	letters chan Letter
}

// Start starts a server that ends with the test.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{
		Addr: l.Addr().String(), options: o, tb: tb,
		refused: make(chan struct{}, 1000), letters: make(chan Letter, 1000),
	}
	server := smtp.NewServer(smtp.BackendFunc(s.session))
	server.Domain = "localhost"
	server.ErrorLog = log.New(io.Discard, "", 0)
	server.AllowInsecureAuth = true
	server.EnableSMTPUTF8 = true
	secure := certificate(tb)
	if o.StartTLS {
		server.TLSConfig = secure
	}
	l = &listener{l, s}
	if o.TLS {
		l = tls.NewListener(l, secure)
	}
	ended := make(chan struct{})
	go func() { _ = server.Serve(l); close(ended) }()
	tb.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return s
}

// listener hangs up while the server is stopped.
type listener struct {
	net.Listener
	server *Server
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		l.server.mu.Lock()
		down := l.server.down
		l.server.open = append(l.server.open, conn)
		l.server.mu.Unlock()
		if !down {
			return conn, nil
		}
		_ = conn.Close()
	}
}

// Stop lets the server hang up on everybody, until Restart. Its port stays its own.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = true
	for _, conn := range s.open {
		_ = conn.Close()
	}
	s.open = nil
}

// Restart ends what Stop began.
func (s *Server) Restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = false
}

// Refuse answers recipients with an SMTP code from now on; 0 takes letters again.
func (s *Server) Refuse(code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = nil
	if code != 0 {
		s.refusal = &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 0, 0}, Message: "no"}
	}
}

// Hold lets letters wait at the server until the returned function is called.
func (s *Server) Hold() (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slow := make(chan struct{})
	s.slow = slow
	return sync.OnceFunc(func() { close(slow) })
}

// Refused waits until a recipient was refused.
func (s *Server) Refused() { <-s.refused }

// Next waits for the next letter.
func (s *Server) Next() Letter {
	s.tb.Helper()
	select {
	case l := <-s.letters:
		return l
	case <-time.After(time.Minute):
		s.tb.Fatal("no letter has come within a minute")
	}
	return Letter{}
}

// Waiting is how many letters have come and were not taken by Next.
func (s *Server) Waiting() int { return len(s.letters) }

func (s *Server) session(c *smtp.Conn) (smtp.Session, error) {
	_, encrypted := c.TLSConnectionState()
	return &session{server: s, letter: Letter{Encrypted: encrypted}, trusted: s.options.Login == ""}, nil
}

type session struct {
	server  *Server
	letter  Letter
	trusted bool
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (s *session) AuthMechanisms() []string {
	if s.server.options.Login == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, login, password string) error {
		if login != s.server.options.Login || password != s.server.options.Password {
			return smtp.ErrAuthFailed
		}
		s.trusted = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if !s.trusted {
		return smtp.ErrAuthRequired
	}
	s.letter.From = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.letter.To = to
	if s.server.refusal != nil {
		s.server.refused <- struct{}{}
	}
	return s.server.refusal
}

func (s *session) Data(r io.Reader) error {
	s.server.mu.Lock()
	slow := s.server.slow
	s.server.mu.Unlock()
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if slow != nil {
		<-slow
	}
	l := s.letter
	if err := l.read(raw); err != nil {
		s.server.tb.Errorf("a letter cannot be read: %v\n%s", err, raw)
	}
	s.server.letters <- l
	return nil
}

// read takes a letter apart.
func (l *Letter) read(raw []byte) error {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	l.Header = m.Header
	if l.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return err
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		return errors.Join(err, errors.New("not an alternative: "+kind))
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			return err
		}
		text := strings.ReplaceAll(string(body), "\r\n", "\n")
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			l.HTML = text
		} else {
			l.Text = text
		}
	}
}

// certificate makes one for this machine that nobody else trusts.
func certificate(tb testing.TB) *tls.Config {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}
