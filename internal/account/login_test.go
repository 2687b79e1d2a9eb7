package account_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
	"kartoteka/internal/store/testdb"
)

func TestUnknownLoginIsAnsweredLikeAKnownOne(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target, func(o *account.Options) { o.LoginLimit.MaxAttempts = 3 })
		noPassword, err := w.CreateAccount(t.Context(), account.NewAccount{Login: "closed"})
		if err != nil {
			t.Fatal(err)
		}
		if noPassword == w.id {
			t.Fatal("two accounts with one id")
		}
		transcript := func(login string) string {
			var b strings.Builder
			for range 5 {
				before := w.Hashes()
				_, err := w.Verify(t.Context(), credentials(login, "wrong password", home))
				wait := time.Duration(0)
				if e := (*fault.Error)(nil); errors.As(err, &e) {
					wait = e.RetryAfter
				}
				b.WriteString(err.Error() + " " + wait.String() + " hashes " + strconv.FormatInt(w.Hashes()-before, 10) + "\n")
				w.clock.advance(time.Hour)
			}
			return b.String()
		}
		known := transcript(login)
		if !strings.Contains(known, "bad_credentials") || !strings.Contains(known, "hashes 1") || !strings.Contains(known, "account_locked") {
			t.Errorf("a known login:\n%s", known)
		}
		if unknown := transcript("nobody"); unknown != known {
			t.Errorf("an unknown login:\n%s\na known one:\n%s", unknown, known)
		}
		if closed := transcript("closed"); closed != known {
			t.Errorf("a login without a password:\n%s\na known one:\n%s", closed, known)
		}
	})
}

func TestDelayDoubles(t *testing.T) {
	w := newWorld(t, testdb.SQLite(t), func(o *account.Options) { o.LoginLimit.MaxInterval = time.Second })
	for i, want := range []time.Duration{200, 400, 800, 1000, 1000} {
		wantCode(t, "a wrong password", w.verify(t, "wrong", home), fault.BadCredentials)
		before := w.Hashes()
		err := w.verify(t, password, home)
		var e *fault.Error
		if !errors.As(err, &e) || e.Code != fault.RateLimited || e.RetryAfter != want*time.Millisecond {
			t.Fatalf("failure %d: got %v, want a wait of %d ms", i+1, err, want)
		}
		if w.Hashes() != before {
			t.Error("a password was looked at during the delay")
		}
		w.clock.advance(want*time.Millisecond - time.Millisecond)
		wantCode(t, "1 ms too early", w.verify(t, password, home), fault.RateLimited)
		w.clock.advance(time.Millisecond)
	}
	wantCode(t, "after the delay", w.verify(t, password, home), "")
	wantCode(t, "a failure after success", w.verify(t, "wrong", home), fault.BadCredentials)
	w.clock.advance(200 * time.Millisecond)
	wantCode(t, "the count began again", w.verify(t, password, home), "")
}

func (w *world) verify(t *testing.T, password string, ip netip.Addr) error {
	_, err := w.Verify(t.Context(), credentials(login, password, ip))
	return err
}

func TestDelayIsPerAddressAndLogin(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target, nil)
		w.create(t, "boris", "other password")
		six, neighbour := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::ffff:2")
		for range 2 {
			w.attempt(t.Context(), login, "wrong", six)
		}
		tests := []struct {
			name, login, password string
			ip                    netip.Addr
			want                  fault.Code
		}{
			{"same address", login, password, six, fault.RateLimited},
			{"same address, other spelling", " ANNA@example.COM ", password, six, fault.RateLimited},
			{"same /64", login, password, neighbour, fault.RateLimited},
			{"other login", "boris", "other password", six, ""},
			{"other address", login, password, home, ""},
		}
		for _, test := range tests {
			if got := w.attempt(t.Context(), test.login, test.password, test.ip); got != test.want {
				t.Errorf("%s: got %q, want %q", test.name, got, test.want)
			}
		}
		again := w.restart(nil)
		if got := again.attempt(t.Context(), login, password, six); got != fault.RateLimited {
			t.Errorf("after a restart: %q", got)
		}
	})
}

func TestLock(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target, func(o *account.Options) { o.LoginLimit.MaxAttempts = 3 })
		for i := range 3 {
			ip := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
			if got := w.attempt(t.Context(), login, "wrong", ip); got != fault.BadCredentials {
				t.Errorf("attempt %d: %q", i, got)
			}
		}
		w.clock.advance(time.Hour)
		before := w.Hashes()
		if got := w.attempt(t.Context(), login, password, home); got != fault.AccountLocked || w.Hashes() != before {
			t.Errorf("locked: %q after %d hashes", got, w.Hashes()-before)
		}
		if err := w.Unlock(t.Context(), w.id); err != nil {
			t.Fatal(err)
		}
		if got := w.attempt(t.Context(), login, password, home); got != "" {
			t.Errorf("unlocked: %q", got)
		}
	})
}

func TestDelayCanBeSwitchedOff(t *testing.T) {
	w := newWorld(t, testdb.SQLite(t), func(o *account.Options) { o.LoginLimit.Enabled = false })
	for range 3 {
		wantCode(t, "wrong", w.verify(t, "wrong", home), fault.BadCredentials)
	}
	wantCode(t, "right", w.verify(t, password, home), "")
}

func TestParallelGuessesWaitForEachOther(t *testing.T) {
	w := newWorld(t, testdb.SQLite(t), nil)
	before := w.Hashes()
	codes := make([]fault.Code, 20)
	var wg sync.WaitGroup
	for i := range codes {
		wg.Go(func() { codes[i] = w.attempt(t.Context(), login, "guess "+strconv.Itoa(i), home) })
	}
	wg.Wait()
	looked := 0
	for _, code := range codes {
		if code == fault.BadCredentials {
			looked++
		}
	}
	if looked != 1 || w.Hashes()-before != 1 {
		t.Errorf("%d guesses were looked at with %d hashes, want 1", looked, w.Hashes()-before)
	}
}

func TestParallelBasicIsOneSessionAndOneHash(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target, nil)
		before := w.Hashes()
		cookies := make([]string, 20)
		var wg sync.WaitGroup
		for i := range cookies {
			wg.Go(func() {
				if p, err := w.basic(t, password, home); err == nil {
					cookies[i] = p.Cookie
				}
			})
		}
		wg.Wait()
		for _, c := range cookies {
			if c == "" || c != cookies[0] {
				t.Fatalf("cookies differ: %q and %q", c, cookies[0])
			}
		}
		if n := w.Hashes() - before; n != 1 {
			t.Errorf("%d hashes", n)
		}
	})
}

func TestHangingUpIsCounted(t *testing.T) {
	w := newWorld(t, testdb.SQLite(t), nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for w.Hashes() == 1 { // the one of the account's creation
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	w.attempt(ctx, login, "wrong", home)
	wantCode(t, "after a cut attempt", w.verify(t, password, home), fault.RateLimited)
}

func TestBasicIsRemembered(t *testing.T) {
	w := newWorld(t, testdb.SQLite(t), nil)
	start := w.Hashes()
	first, err := w.basic(t, password, home)
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		name     string
		advance  time.Duration
		password string
		ip       netip.Addr
		hashes   int64
		code     fault.Code
	}{
		{"again", 0, password, home, 1, ""},
		{"from another address", 0, password, abroad, 1, ""},
		{"just before the end", 59 * time.Second, password, home, 1, ""},
		{"after the end", time.Second, password, home, 2, ""},
		{"remembered anew", 30 * time.Second, password, home, 2, ""},
		{"wrong password", 0, "wrong", home, 3, fault.BadCredentials},
		{"right one during the delay", 0, password, home, 3, fault.RateLimited},
		{"elsewhere there is no delay", 0, password, abroad, 3, ""},
		{"after the delay", time.Second, password, home, 4, ""},
	}
	for _, step := range steps {
		w.clock.advance(step.advance)
		p, err := w.basic(t, step.password, step.ip)
		wantCode(t, step.name, err, step.code)
		if w.Hashes()-start != step.hashes {
			t.Errorf("%s: %d hashes, want %d", step.name, w.Hashes()-start, step.hashes)
		}
		if err == nil && p.Cookie != first.Cookie {
			t.Errorf("%s: another session", step.name)
		}
	}
}

func TestBasicIsForgottenOnChange(t *testing.T) {
	changes := []struct {
		name   string
		change func(t *testing.T, w *world) error
		code   fault.Code
	}{
		{"new password", func(t *testing.T, w *world) error { return w.SetPassword(t.Context(), w.id, "new password") }, fault.BadCredentials},
		{"new login", func(t *testing.T, w *world) error {
			return w.UpdateAccount(t.Context(), account.Account{ID: w.id, Login: "other"})
		}, fault.BadCredentials},
		{"deleted", func(t *testing.T, w *world) error { return w.DeleteAccount(t.Context(), w.id) }, fault.BadCredentials},
		{"sessions ended", func(t *testing.T, w *world) error { return w.EndSessions(t.Context(), w.id) }, ""},
	}
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, testdb.SQLite(t), nil)
			first, err := w.basic(t, password, home)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.change(t, w); err != nil {
				t.Fatal(err)
			}
			before := w.Hashes()
			p, err := w.basic(t, password, home)
			wantCode(t, "afterwards", err, c.code)
			if w.Hashes() != before+1 {
				t.Errorf("%d hashes, want 1", w.Hashes()-before)
			}
			if err == nil && p.Cookie == first.Cookie {
				t.Error("the ended session came back")
			}
		})
	}
}

func TestBasicWithoutMemory(t *testing.T) {
	w := newWorld(t, testdb.SQLite(t), func(o *account.Options) { o.BasicTTL = 0 })
	before := w.Hashes()
	first, err := w.basic(t, password, home)
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.basic(t, password, home)
	if err != nil || second.Cookie != first.Cookie || w.Hashes()-before != 2 {
		t.Errorf("%v, same session %v, %d hashes", err, second.Cookie == first.Cookie, w.Hashes()-before)
	}
}

func TestCredentialsOfEveryAlphabet(t *testing.T) {
	w := newWorld(t, testdb.SQLite(t), nil)
	tests := []struct {
		name, login, password string
		want                  fault.Code
	}{
		{"as set", login, password, ""},
		{"decomposed accents", login, norm.NFD.String(password), ""},
		{"letter case of the login", strings.ToUpper(login), password, ""},
		{"letter case of the password", login, strings.ToUpper(password), fault.BadCredentials},
		{"cut at the second colon", login, "пароль:з", fault.BadCredentials},
		{"empty password", login, "", fault.BadCredentials},
		{"NUL in the login", "a\x00b", password, fault.BadCredentials},
		{"invalid UTF-8 in the login", "\xff", password, fault.BadCredentials},
		{"invalid UTF-8 in the password", login, "\xff", fault.BadCredentials},
		{"a login of 10,000 characters", strings.Repeat("a", 10_000), password, fault.BadCredentials},
		{"SQL", `' OR 1=1 --`, password, fault.BadCredentials},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := w.attempt(t.Context(), test.login, test.password, home); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			w.clock.advance(time.Hour)
		})
	}
}

func TestCreateAccountRefuses(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target, nil)
		tests := []struct {
			name, login, password string
			want                  fault.Code
		}{
			{"taken login", login, password, fault.Duplicate},
			{"taken login in other letters", " anna@EXAMPLE.com", password, fault.Duplicate},
			{"no login", "  ", password, fault.ValidationFailed},
			{"colon", "a:b", password, fault.ValidationFailed},
			{"control character", "a\x00b", password, fault.ValidationFailed},
			{"long login", strings.Repeat("я", 257), password, fault.ValidationFailed},
			{"5 characters", "new", "п'ять", fault.ValidationFailed},
			{"long password", "new", strings.Repeat("a", 1025), fault.ValidationFailed},
			{"6 characters", "new", "шість!", ""},
		}
		for _, test := range tests {
			_, err := w.CreateAccount(t.Context(), account.NewAccount{Login: test.login, Password: test.password})
			wantCode(t, test.name, err, test.want)
		}
		wantCode(t, "short new password", w.SetPassword(t.Context(), w.id, "short"), fault.ValidationFailed)
		wantCode(t, "password of nobody", w.SetPassword(t.Context(), 999, "long enough"), fault.NotFound)
	})
}

func TestEveryFailureIsLoggedWithoutThePassword(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, testdb.SQLite(t), func(o *account.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	for _, c := range []struct{ name, login, password, want string }{
		{"wrong", login, "geheim1", "reason=wrong"},
		{"while the delay runs", login, "geheim2", "reason=rate_limited"},
		{"unknown", "nobody", "geheim3", "reason=wrong"},
		{"a password that cannot be", login, strings.Repeat("geheim", 1000), "reason=impossible"},
		{"a login that cannot be", strings.Repeat("x", 5000), "geheim4", "login=" + strings.Repeat("x", 100) + " "},
	} {
		log.Reset()
		if got := w.attempt(t.Context(), c.login, c.password, home); got == "" {
			t.Errorf("%s: no failure", c.name)
		}
		if line := log.String(); strings.Count(line, "auth.login_failed") != 1 || !strings.Contains(line, c.want) || strings.Contains(line, "geheim") {
			t.Errorf("%s: %.300s", c.name, line)
		}
	}
}

// crowd is a store where others fail on a login while one attempt is looked at.
type crowd struct {
	account.Store
	failures int
}

func (c *crowd) Attempt(ctx context.Context, key, ip string) (account.Attempt, error) {
	known, err := c.Store.Attempt(ctx, key, ip)
	for ; c.failures > 0 && err == nil; c.failures-- {
		_, _, err = c.AddFailure(ctx, key, "203.0.113."+strconv.Itoa(c.failures), time.UnixMilli(0))
	}
	return known, err
}

func TestLockHoldsForGuessesThatWereLetInBefore(t *testing.T) {
	for failures, want := range map[int]fault.Code{2: "", 3: fault.AccountLocked} {
		w := newWorld(t, testdb.SQLite(t), nil)
		opt := options(w.clock)
		opt.LoginLimit.MaxAttempts = 3
		w.Service = account.New(&crowd{w.store, failures}, opt)
		if got := w.attempt(t.Context(), login, password, home); got != want {
			t.Errorf("%d failures meanwhile: %q, want %q", failures, got, want)
		}
	}
}
