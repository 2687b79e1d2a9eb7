package server

import (
	"context"
	"net/netip"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/mail"
)

// letters are how the settings say that letters are sent.
func (a *App) letters() (catalog.LetterOptions, error) {
	s := a.Settings
	o := catalog.LetterOptions{Host: s.Host, HTTPS: s.LinksHTTPS, Language: s.DefaultLanguage}
	if s.MailServer.Host == "" {
		return o, nil
	}
	sender, err := mail.NewSender(mail.Settings{
		Host: s.MailServer.Host, Port: s.MailServer.Port, TLS: s.MailServer.TLS,
		Login: s.EmailLogin, Password: s.EmailPassword, From: s.EmailFrom,
	})
	if err != nil {
		return o, err
	}
	o.Send = sender.Send
	return o, nil
}

// resets makes links to new passwords, apart from the requests that ask for them:
// their answers, and the time these take, do not tell which logins exist.
type resets struct {
	app     *App
	asked   chan string
	byIP    *httpkit.Limiter[netip.Addr]
	byLogin *httpkit.Limiter[string]
}

// The bounds of what is asked for.
var (
	resetsByIP    = httpkit.Rule{Max: 20, Window: time.Hour}
	resetsByLogin = httpkit.Rule{Max: 3, Window: time.Hour}
)

const (
	resetsWaiting = 1000
	resetLogin    = 1024 // bytes of the longest login
)

func newResets(a *App) *resets {
	return &resets{a, make(chan string, resetsWaiting), httpkit.NewLimiter[netip.Addr](a.now), httpkit.NewLimiter[string](a.now)}
}

// ask notes that somebody wants a new password. What is over a bound is dropped:
// to say so would tell something.
func (r *resets) ask(login string, ip netip.Addr) {
	if len(login) > resetLogin {
		return
	}
	if !r.byIP.Take(account.Network(ip), resetsByIP).OK || !r.byLogin.Take(account.Key(login), resetsByLogin).OK {
		r.app.Log.Warn("auth.reset_dropped", "module", "Auth", "ip", ip.String())
		return
	}
	select {
	case r.asked <- login:
	default:
		r.app.Log.Warn("auth.reset_dropped", "module", "Auth", "ip", ip.String())
	}
}

// run makes the links until ctx ends, and then those that are still asked for.
func (r *resets) run(ctx context.Context) error {
	for {
		select {
		case login := <-r.asked:
			r.make(ctx, login)
			continue
		default:
		}
		select {
		case login := <-r.asked:
			r.make(ctx, login)
		case <-ctx.Done():
			if len(r.asked) == 0 {
				return nil
			}
		}
	}
}

// resetTime bounds how long one link may take to be made.
const resetTime = 10 * time.Second

func (r *resets) make(ctx context.Context, login string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resetTime)
	defer cancel()
	token, who, err := r.app.Accounts.NewReset(ctx, login)
	if err == nil {
		err = r.app.Catalog.ResetLetter(ctx, who.Login, who.Name, token)
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		r.app.Log.ErrorContext(ctx, "auth.reset_failed", "module", "Auth", "error", err)
	}
}
