package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// Settings say which server takes letters.
type Settings struct {
	Host string
	Port int
	// TLS says that the connection begins encrypted. Else STARTTLS is used when
	// the server offers it; without it nothing is sent to another machine as soon
	// as there is a login.
	TLS bool
	// Login and Password; an empty Login does not sign in.
	Login, Password string
	From            string // the sender's address
}

const (
	answerTime = 15 * time.Second // for the connection and each answer of the server
	sendTime   = time.Minute      // for a letter as a whole
)

// Sender hands letters to a mail server. It is safe for concurrent use.
type Sender struct {
	settings Settings
	loopback bool
}

// NewSender makes a sender. It fails when From is no address.
func NewSender(s Settings) (*Sender, error) {
	if !IsAddress(s.From) {
		return nil, fmt.Errorf("the sender %q is not an e-mail address", s.From)
	}
	ip, err := netip.ParseAddr(s.Host)
	return &Sender{settings: s, loopback: strings.EqualFold(s.Host, "localhost") || err == nil && ip.IsLoopback()}, nil
}

// ErrUnreachable says that the server took no letter at all, whatever it said: it
// is down, its certificate is wrong, or it refuses the login.
var ErrUnreachable = errors.New("the mail server is not reached")

// ErrRefused says that the server will never take this letter.
var ErrRefused = errors.New("the mail server refuses the letter")

// Send hands over one letter. It fails with ErrUnreachable, ErrRefused, or
// another error when a later attempt may succeed.
func (s *Sender) Send(ctx context.Context, l Letter) error {
	message, err := s.message(l)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	client, err := gomail.NewClient(s.settings.Host, s.options(ctx)...)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	connection, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	err = client.SendWithSMTPClient(connection, message)
	// What the server says to the farewell changes nothing: it has the letter.
	_ = client.CloseWithSMTPClient(connection)
	if refused(err) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

// refused tells whether the server will never take the letter: it knows no such
// recipient, or dislikes what is in it. What it has against the sender is the
// operator's to mend.
func refused(err error) bool {
	var said *gomail.SendError
	if !errors.As(err, &said) || said.ErrorCode() < 500 {
		return false
	}
	return said.Reason == gomail.ErrSMTPRcptTo || said.Reason == gomail.ErrSMTPData || said.Reason == gomail.ErrSMTPDataClose
}

func (s *Sender) message(l Letter) (*gomail.Msg, error) {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := m.FromFormat(oneLine(l.FromName), s.settings.From); err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	if !IsAddress(l.To) {
		return nil, errors.New("the recipient is not an e-mail address")
	}
	if err := m.To(l.To); err != nil {
		return nil, fmt.Errorf("recipient: %w", err)
	}
	m.Subject(oneLine(l.Subject))
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetBodyString(gomail.TypeTextPlain, l.Text)
	m.AddAlternativeString(gomail.TypeTextHTML, l.HTML)
	return m, nil
}

func (s *Sender) options(ctx context.Context) []gomail.Option {
	policy := gomail.TLSMandatory
	if s.settings.Login == "" || s.loopback {
		policy = gomail.TLSOpportunistic
	}
	// A server on this machine has a certificate of its own making, if any.
	security := &tls.Config{ServerName: s.settings.Host, MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.loopback}
	options := []gomail.Option{
		gomail.WithPort(s.settings.Port),
		gomail.WithTimeout(answerTime),
		gomail.WithTLSConfig(security),
		gomail.WithTLSPolicy(policy),
		gomail.WithDialContextFunc(s.dialer(ctx, security)),
	}
	if s.settings.TLS {
		options = append(options, gomail.WithSSL())
	}
	if s.settings.Login == "" {
		return options
	}
	return append(options, gomail.WithUsername(s.settings.Login), gomail.WithPassword(s.settings.Password), s.mechanisms())
}

// mechanisms are the ways to sign in, best first. Only within this machine the
// password may go over an open connection.
func (s *Sender) mechanisms() gomail.Option {
	if s.loopback {
		return gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthPlainNoEnc, gomail.SMTPAuthLoginNoEnc, gomail.SMTPAuthCramMD5)
	}
	return gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin, gomail.SMTPAuthCramMD5)
}

// dialer opens connections that end with ctx, also while the server is waited for.
func (s *Sender) dialer(ctx context.Context, security *tls.Config) gomail.DialContextFunc {
	return func(dialing context.Context, network, address string) (conn net.Conn, err error) {
		if s.settings.TLS {
			conn, err = (&tls.Dialer{Config: security}).DialContext(dialing, network, address)
		} else {
			conn, err = new(net.Dialer).DialContext(dialing, network, address)
		}
		if err == nil {
			context.AfterFunc(ctx, func() { _ = conn.Close() })
		}
		return conn, err
	}
}
