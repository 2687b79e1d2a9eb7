package account_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
	"kartoteka/internal/store/testdb"
)

func (w *world) session(t testing.TB, cookie string) error {
	t.Helper()
	_, err := w.Session(t.Context(), cookie)
	return err
}

func TestSessionLives(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target, nil)
		p := w.signIn(t)
		if len(p.Cookie) < 60 || strings.ContainsAny(p.Cookie, ";, \"%=") {
			t.Errorf("the cookie value %q does not travel well", p.Cookie)
		}
		employee, ok := p.Employee(1)
		if p.Account != w.id || !ok || employee != int64(len(login)) {
			t.Errorf("principal %+v", p)
		}
		if _, ok := p.Employee(2); ok {
			t.Error("employee of another company")
		}
		again := w.restart(nil)
		read, err := again.Session(t.Context(), p.Cookie)
		if err != nil || read.Login != login || len(read.Links) != 1 {
			t.Errorf("after a restart: %+v, %v", read, err)
		}
		a, err := w.Account(t.Context(), w.id)
		if err != nil || !a.LastLogin.Equal(w.clock.now()) {
			t.Errorf("last login %v, %v", a.LastLogin, err)
		}
	})
}

func TestForgedCookies(t *testing.T) {
	w := newWorld(t, testdb.SQLite(t), nil)
	good := w.signIn(t).Cookie
	id, signature, _ := strings.Cut(good, ".")
	other := w.restart(func(o *account.Options) { o.Secret = []byte("another secret") })
	if err := other.session(t, good); !fault.Is(err, fault.SessionExpired) {
		t.Errorf("signed with another secret: %v", err)
	}
	for name, cookie := range map[string]string{
		"empty":           "",
		"no signature":    id,
		"empty signature": id + ".",
		"cut signature":   id + "." + signature[:42],
		"other id":        "A" + id[1:] + "x." + signature,
		"other case":      strings.ToLower(id) + "." + signature,
		"blank":           " " + good,
		"long":            strings.Repeat("a", 10_000),
		"foreign":         "s:abcdefghijklmnopqrstuvwxyz.0123456789",
	} {
		if err := w.session(t, cookie); !fault.Is(err, fault.SessionExpired) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSessionExpiresUnused(t *testing.T) {
	w := newWorld(t, testdb.SQLite(t), nil)
	cookie := w.signIn(t).Cookie
	for range 3 {
		w.clock.advance(59 * time.Minute)
		if err := w.session(t, cookie); err != nil {
			t.Fatalf("used within the hour: %v", err)
		}
	}
	w.clock.advance(time.Hour)
	wantCode(t, "an hour later", w.session(t, cookie), fault.SessionExpired)
	wantCode(t, "once more", w.session(t, cookie), fault.SessionExpired)
}

func TestSessionsEnd(t *testing.T) {
	ends := []struct {
		name   string
		end    func(ctx context.Context, w *world, cookie string) error
		others fault.Code // what happens to the account's other session
	}{
		{"logout", func(ctx context.Context, w *world, cookie string) error { return w.EndSession(ctx, cookie) }, ""},
		{"all", func(ctx context.Context, w *world, _ string) error { return w.EndSessions(ctx, w.id) }, fault.SessionExpired},
		{"password", func(ctx context.Context, w *world, _ string) error { return w.SetPassword(ctx, w.id, "new password") }, fault.SessionExpired},
		{"login", func(ctx context.Context, w *world, _ string) error {
			return w.UpdateAccount(ctx, account.Account{ID: w.id, Login: "new"})
		}, fault.SessionExpired},
		{"sessions from now", func(ctx context.Context, w *world, _ string) error {
			return w.UpdateAccount(ctx, account.Account{ID: w.id, Login: "sessions from now", SessionsFrom: w.clock.now().Add(time.Second)})
		}, fault.SessionExpired},
		{"unlinked", func(ctx context.Context, w *world, _ string) error { return w.Unlink(ctx, w.id, 1) }, fault.SessionExpired},
		{"deleted", func(ctx context.Context, w *world, _ string) error { return w.DeleteAccount(ctx, w.id) }, fault.SessionExpired},
	}
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target, nil)
		for _, e := range ends {
			t.Run(e.name, func(t *testing.T) {
				w.id = w.create(t, e.name, password)
				sign := func() string {
					p, err := w.SignIn(t.Context(), credentials(e.name, password, home))
					if err != nil {
						t.Fatal(err)
					}
					return p.Cookie
				}
				first, second := sign(), sign()
				if err := e.end(t.Context(), w, first); err != nil {
					t.Fatal(err)
				}
				w.clock.advance(2 * time.Second)
				wantCode(t, "this session", w.session(t, first), fault.SessionExpired)
				wantCode(t, "the other session", w.session(t, second), e.others)
				node := w.restart(nil)
				wantCode(t, "this session on another node", node.session(t, first), fault.SessionExpired)
			})
		}
	})
}

func TestSessionsFromLaterEndsThemThen(t *testing.T) {
	w := newWorld(t, testdb.SQLite(t), nil)
	from := w.clock.now().Add(time.Minute)
	if err := w.UpdateAccount(t.Context(), account.Account{ID: w.id, Login: login, SessionsFrom: from}); err != nil {
		t.Fatal(err)
	}
	cookie := w.signIn(t).Cookie
	wantCode(t, "before", w.session(t, cookie), "")
	w.clock.advance(time.Minute)
	wantCode(t, "when it came", w.session(t, cookie), fault.SessionExpired)
	wantCode(t, "a new one", w.session(t, w.signIn(t).Cookie), "")
}

func TestAnotherNodeSeesTheEndWithinTheRecheck(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		second := func(o *account.Options) { o.SessionRecheck = time.Second }
		w := newWorld(t, target, second)
		node := w.restart(second)
		cookie := w.signIn(t).Cookie
		wantCode(t, "on the other node", node.session(t, cookie), "")
		if p, err := node.basic(t, password, home); err != nil || p.Cookie == cookie {
			t.Errorf("Basic on the other node: %v", err)
		}
		if err := w.SetPassword(t.Context(), w.id, "new password"); err != nil {
			t.Fatal(err)
		}
		w.clock.advance(time.Second)
		wantCode(t, "a second later", node.session(t, cookie), fault.SessionExpired)
		_, err := node.basic(t, password, home)
		wantCode(t, "remembered Basic", err, fault.BadCredentials)
	})
}

func TestLinksMove(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target, nil)
		other := w.create(t, "boris", "other password")
		cookie := w.signIn(t).Cookie
		for range 2 { // linking may be repeated
			if err := w.Link(t.Context(), other, account.Link{Company: 1, Employee: int64(len(login))}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Link(t.Context(), other, account.Link{Company: 2, Employee: 5}); err != nil {
			t.Fatal(err)
		}
		p, err := w.Session(t.Context(), cookie)
		if err != nil || len(p.Links) != 0 {
			t.Errorf("who lost the employee: %+v, %v", p, err)
		}
		all, err := w.Accounts(t.Context())
		if err != nil || len(all) != 2 || len(all[0].Links) != 0 || len(all[1].Links) != 2 {
			t.Errorf("accounts %+v, %v", all, err)
		}
		wantCode(t, "a link of nobody", w.Link(t.Context(), 999, account.Link{Company: 1, Employee: 9}), fault.NotFound)
	})
}

func TestRunSavesUsesAndRemovesDeadSessions(t *testing.T) {
	target := testdb.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, target, func(o *account.Options) { o.Now = time.Now })
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.Run(ctx) }()
		cookie, dead := w.signIn(t).Cookie, w.signIn(t).Cookie
		opened := time.Now()
		for range 30 { // two hours
			time.Sleep(4 * time.Minute)
			wantCode(t, "in use", w.session(t, cookie), "")
		}
		time.Sleep(61 * time.Second)
		fresh := w.restart(func(o *account.Options) { o.Now = time.Now })
		wantCode(t, "the used one on another node", fresh.session(t, cookie), "")
		wantCode(t, "the unused one", fresh.session(t, dead), fault.SessionExpired)
		if err := w.UpdateAccount(t.Context(), account.Account{ID: w.id, Login: login, SessionsFrom: opened.Add(-time.Hour)}); err != nil {
			t.Fatal(err) // drops the entry: its use must not be lost
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkSession(b *testing.B) {
	w := newWorld(b, testdb.SQLite(b), func(o *account.Options) { o.Now = time.Now })
	cookie := w.signIn(b).Cookie
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Session(ctx, cookie); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBasicRemembered(b *testing.B) {
	w := newWorld(b, testdb.SQLite(b), nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.basic(b, password, home); err != nil {
			b.Fatal(err)
		}
	}
}
