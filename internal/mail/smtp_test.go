package mail

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"

	"kartoteka/internal/mail/mailtest"
)

// sender makes one for a server; host "" is the server's own address.
func sender(t *testing.T, server *mailtest.Server, host string, change func(*Settings)) *Sender {
	t.Helper()
	name, port, err := net.SplitHostPort(server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		name = host
	}
	settings := Settings{Host: name, Port: n, From: "robot@example.com"}
	if change != nil {
		change(&settings)
	}
	s, err := NewSender(settings)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func signIn(s *Settings) { s.Login, s.Password = "robot", "пароль" }

var hello = Letter{To: "bob@example.com", FromName: "Олена", Subject: "Привіт", HTML: "<p>Hi</p>", Text: "Hi\n"}

func TestSend(t *testing.T) {
	account := mailtest.Options{Login: "robot", Password: "пароль"}
	locked := account
	locked.StartTLS = true
	// This address leads to this machine as well, but is not known to.
	const elsewhere = "0.0.0.0"
	cases := []struct {
		name      string
		options   mailtest.Options
		host      string
		change    func(*Settings)
		encrypted bool
		err       error
	}{
		{"plain", mailtest.Options{}, "", nil, false, nil},
		{"STARTTLS is used when offered", mailtest.Options{StartTLS: true}, "", nil, true, nil},
		{"STARTTLS and a login", locked, "", signIn, true, nil},
		{"TLS from the beginning", mailtest.Options{TLS: true, Login: "robot", Password: "пароль"}, "", func(s *Settings) { signIn(s); s.TLS = true }, true, nil},
		{"a login on this machine without encryption", account, "", signIn, false, nil},
		{"a wrong password", locked, "", func(s *Settings) { s.Login, s.Password = "robot", "x" }, false, ErrUnreachable},
		{"no login where one is needed", locked, "", nil, false, errors.ErrUnsupported},
		{"elsewhere in clear without a login", mailtest.Options{}, elsewhere, nil, false, nil},
		{"elsewhere in clear with a login", account, elsewhere, signIn, false, ErrUnreachable},
		{"elsewhere with a certificate of nobody", locked, elsewhere, signIn, false, ErrUnreachable},
		{"TLS with a certificate of nobody", mailtest.Options{TLS: true}, elsewhere, func(s *Settings) { s.TLS = true }, false, ErrUnreachable},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server := mailtest.Start(t, c.options)
			err := sender(t, server, c.host, c.change).Send(t.Context(), hello)
			if c.err != nil {
				later := errors.Is(c.err, errors.ErrUnsupported) // any error that is neither
				if err == nil || !later && !errors.Is(err, c.err) || errors.Is(err, ErrRefused) || server.Waiting() != 0 {
					t.Errorf("%v, %d letters", err, server.Waiting())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := server.Next()
			if got.From != "robot@example.com" || got.To != hello.To || got.Subject != hello.Subject || got.Encrypted != c.encrypted ||
				got.HTML != hello.HTML || got.Text != hello.Text {
				t.Errorf("%+v", got)
			}
			if from, err := got.Header.AddressList("From"); err != nil || len(from) != 1 || from[0].Name != "Олена" {
				t.Errorf("from %v, %v", from, err)
			}
		})
	}
}

func TestSendFails(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	s := sender(t, server, "", nil)
	server.Refuse(550)
	if err := s.Send(t.Context(), hello); !errors.Is(err, ErrRefused) || errors.Is(err, ErrUnreachable) {
		t.Errorf("an unknown recipient: %v", err)
	}
	server.Refuse(451)
	if err := s.Send(t.Context(), hello); err == nil || errors.Is(err, ErrRefused) || errors.Is(err, ErrUnreachable) {
		t.Errorf("a grey list: %v", err)
	}
	server.Refuse(0)
	for _, to := range []string{"", "bob", "Bob <bob@example.com>", "bob@example.com\r\nBcc: eve@example.com", "a@b, c@d"} {
		l := hello
		l.To = to
		if err := s.Send(t.Context(), l); !errors.Is(err, ErrRefused) {
			t.Errorf("to %q: %v", to, err)
		}
	}
	server.Stop()
	if err := s.Send(t.Context(), hello); !errors.Is(err, ErrUnreachable) {
		t.Errorf("a server that is down: %v", err)
	}
	server.Restart()
	if err := s.Send(t.Context(), hello); err != nil {
		t.Error(err)
	}
	server.Next()
	if _, err := NewSender(Settings{Host: "h", Port: 25, From: "robot"}); err == nil {
		t.Error("a sender that is no address is taken")
	}
}

// Headers cannot be added by what people typed.
func TestHeaders(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	bad := "Hi\r\nBcc: eve@example.com\r\n\r\n<b>body</b>\x00\u2028end"
	l, err := Template{Subject: bad + "{{x}}", From: bad, HTML: "<p>{{x}}</p>"}.Fill("bob@example.com", Values{"x": bad})
	if err != nil {
		t.Fatal(err)
	}
	// Whoever makes a letter by hand is no safer.
	l.Subject, l.FromName = bad, bad
	if err := sender(t, server, "", nil).Send(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	got := server.Next()
	if got.Header.Get("Bcc") != "" || got.To != "bob@example.com" || strings.ContainsAny(got.Subject, "\r\n\x00") {
		t.Errorf("%+v", got)
	}
	for name := range got.Header {
		switch name {
		case "Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To":
		default:
			t.Errorf("a header %s", name)
		}
	}
}
