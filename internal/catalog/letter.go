package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kartoteka/internal/mail"
)

// LetterOptions say how letters are sent and where their links lead.
type LetterOptions struct {
	// Send hands a letter over, as mail.Sender does; nil when there is no mail
	// server: then no letter is queued.
	Send func(ctx context.Context, l mail.Letter) error
	// Host is the public name of the server, with a port if it is not the usual
	// one; HTTPS tells how it is reached.
	Host  string
	HTTPS bool
	// Language is that of the templates, of fault.Languages. With "" a company
	// gets no templates of its own.
	Language string
}

// letterKind marks the outbox messages that are letters.
const letterKind = "mail"

// queuedLetter is a letter in the outbox: it becomes one of a template when it is
// sent. Times are Unix milliseconds.
type queuedLetter struct {
	Code   mail.Code   `json:"code"`
	To     string      `json:"to"`
	Values mail.Values `json:"values"`
	Since  int64       `json:"since"`
	// Due is when it may be tried next; while somebody sends it that is when he
	// must have died.
	Due      int64 `json:"due"`
	Attempts int   `json:"attempts,omitempty"`
}

// queueLetter puts a letter into the outbox of a transaction that is its cause,
// unless there is no mail server or the login is no address. wakeLetters follows
// the commit.
func (s *Service) queueLetter(ctx context.Context, w Writer, code mail.Code, to string, values mail.Values) error {
	o := s.options.Letters
	if o.Send == nil || !mail.IsAddress(to) {
		return nil
	}
	now := s.options.Now().UnixMilli()
	l := queuedLetter{Code: code, To: to, Since: now, Due: now, Values: mail.Values{
		"scheme": "http", "companyLink": o.Host, "VENDOR.title": "Kartoteka", "VENDOR.site": o.Host, "VENDOR.siteUrl": o.Host,
	}}
	if o.HTTPS {
		l.Values["scheme"] = "https"
	}
	for name, value := range values {
		l.Values[name] = value
	}
	payload, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode letter: %w", err)
	}
	return w.Enqueue(ctx, letterKind, payload)
}

// link is the address of a page of the server, without a scheme.
func (s *Service) link(path string) string { return s.options.Letters.Host + path }

// wakeLetters lets the sender look at the outbox now.
func (s *Service) wakeLetters() {
	select {
	case s.letters <- struct{}{}:
	default: // it will look anyway
	}
}

// Letter queues one letter that no change of records goes with.
func (s *Service) Letter(ctx context.Context, code mail.Code, to string, values mail.Values) error {
	err := s.update(ctx, Interactive, nil, func(_ *Structure, w Writer) error { return s.queueLetter(ctx, w, code, to, values) })
	if err != nil {
		return fmt.Errorf("queue letter: %w", err)
	}
	s.wakeLetters()
	return nil
}

// ResetLetter queues the letter with the link to a new password.
func (s *Service) ResetLetter(ctx context.Context, login, name, token string) error {
	return s.Letter(ctx, mail.ResetPassword, login, mail.Values{"userName": name, "resetLink": s.link(setPassPath + token)})
}

// setPassPath and registerPath begin the links with a token.
const (
	setPassPath  = "/auth/setPass?token="
	registerPath = "/auth/register?token="
	loginPath    = "/auth/login"
)

const (
	// letterLife is how long a letter is tried.
	letterLife = 24 * time.Hour
	// claimTime is longer than sending one takes.
	claimTime = 5 * time.Minute
	// letterPoll is how often the outbox is looked at for letters of other nodes.
	letterPoll = 30 * time.Second
	// drainTime is how long a letter that is being sent may take when the program
	// ends.
	drainTime = 5 * time.Second
)

// letterDelay is the wait after so many failed attempts.
func letterDelay(attempts int) time.Duration {
	return min(5*time.Second<<min(max(attempts-1, 0), 10), 10*time.Minute)
}
