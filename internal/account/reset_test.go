package account_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
	"kartoteka/internal/store/testdb"
)

// newReset makes a link's token for a login.
func (w *world) newReset(t *testing.T, login string) string {
	t.Helper()
	token, a, err := w.NewReset(t.Context(), login)
	if err != nil || a.ID != w.id || len(token) != 27 {
		t.Fatalf("%q of %d, %v", token, a.ID, err)
	}
	return token
}

func TestReset(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		var log bytes.Buffer
		w := newWorld(t, target, func(o *account.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		session := w.signIn(t)
		wantCode(t, "a wrong password", func() error { _, err := w.SignIn(t.Context(), credentials(login, "wrong!", home)); return err }(), fault.BadCredentials)
		token, other := w.newReset(t, " anna@example.COM "), w.newReset(t, login)
		if err := w.CheckReset(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		_, err := w.ResetPassword(t.Context(), token, "short")
		wantCode(t, "a short password", err, fault.ValidationFailed)
		id, err := w.ResetPassword(t.Context(), token, "a new password")
		if err != nil || id != w.id {
			t.Fatal(id, err)
		}
		_, err = w.Session(t.Context(), session.Cookie)
		wantCode(t, "the old session", err, fault.SessionExpired)
		for name, dead := range map[string]string{"used": token, "of before": other, "unknown": "r" + strings.Repeat("A", 26), "empty": "", "of another kind": "i1." + strings.Repeat("A", 26)} {
			wantCode(t, name, w.CheckReset(t.Context(), dead), fault.InvalidParameter)
			_, err := w.ResetPassword(t.Context(), dead, "another password")
			wantCode(t, name, err, fault.InvalidParameter)
			if err.Error() != account.ErrDeadLink().Error() {
				t.Errorf("%s: %v", name, err)
			}
		}
		// The failed login is forgotten: there is no delay.
		if got := w.attempt(t.Context(), login, "a new password", home); got != "" {
			t.Error(got)
		}
		p, err := w.Enter(t.Context(), id, home)
		if err != nil || p.Account != id {
			t.Fatal(err)
		}
		if text := log.String(); strings.Contains(text, token[1:]) || !strings.Contains(text, "account.password_changed") {
			t.Error(text)
		}
	})
}

func TestResetEnds(t *testing.T) {
	cases := []struct {
		name string
		end  func(t *testing.T, w *world) error
		want fault.Code
	}{
		{"in time", func(_ *testing.T, w *world) error { w.clock.advance(24*time.Hour - time.Second); return nil }, ""},
		{"too late", func(_ *testing.T, w *world) error { w.clock.advance(24 * time.Hour); return nil }, fault.InvalidParameter},
		{"a password", func(t *testing.T, w *world) error { return w.SetPassword(t.Context(), w.id, "another one") }, fault.InvalidParameter},
		{"another login", func(t *testing.T, w *world) error {
			return w.UpdateAccount(t.Context(), account.Account{ID: w.id, Login: "other@example.com"})
		}, fault.InvalidParameter},
		{"the account's end", func(t *testing.T, w *world) error { return w.DeleteAccount(t.Context(), w.id) }, fault.InvalidParameter},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			testdb.Each(t, func(t *testing.T, target testdb.Target) {
				w := newWorld(t, target, nil)
				token := w.newReset(t, login)
				if err := c.end(t, w); err != nil {
					t.Fatal(err)
				}
				_, err := w.ResetPassword(t.Context(), token, "a new password")
				wantCode(t, c.name, err, c.want)
			})
		})
	}
}

// Of many who use one link at once one gets through.
func TestResetRace(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target, nil)
		token := w.newReset(t, login)
		var wg sync.WaitGroup
		results := make([]error, 8)
		for i := range results {
			wg.Go(func() { _, results[i] = w.ResetPassword(t.Context(), token, "password of "+strings.Repeat("x", i)) })
		}
		wg.Wait()
		won := 0
		for i, err := range results {
			if err == nil {
				won++
				if got := w.attempt(t.Context(), login, "password of "+strings.Repeat("x", i), home); got != "" {
					t.Errorf("the winner's password: %s", got)
				}
				continue
			}
			wantCode(t, "a loser", err, fault.InvalidParameter)
		}
		if won != 1 {
			t.Errorf("%d got through", won)
		}
	})
}

func TestNoResetFor(t *testing.T) {
	w := newWorld(t, testdb.SQLite(t), nil)
	w.create(t, "invited@example.com", "")
	for _, login := range []string{"", "nobody@example.com", "a\x00b", "invited@example.com"} {
		_, _, err := w.NewReset(t.Context(), login)
		wantCode(t, login, err, fault.NotFound)
	}
}

// One person may work in several companies: the account is linked to each, under
// one password.
func TestOneAccountInSeveralCompanies(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target, nil)
		second := account.Employee{Link: account.Link{Company: 2, Employee: 5}, Name: "Anna", Login: "ANNA@example.com"}
		standing, err := w.SetEmployee(t.Context(), second)
		if err != nil || standing != (account.Standing{SignsIn: true, Known: true}) {
			t.Fatalf("%+v, %v", standing, err)
		}
		p := w.signIn(t)
		if one, _ := p.Employee(1); one != int64(len(login)) {
			t.Error(p.Links)
		}
		if two, _ := p.Employee(2); two != 5 {
			t.Error(p.Links)
		}
		// One company takes the access away; the other one's stays.
		second.Login = ""
		if _, err := w.SetEmployee(t.Context(), second); err != nil {
			t.Fatal(err)
		}
		p = w.signIn(t)
		if _, linked := p.Employee(2); linked || len(p.Links) != 1 {
			t.Error(p.Links)
		}
	})
}

func TestStanding(t *testing.T) {
	w := newWorld(t, testdb.SQLite(t), nil)
	hash, err := w.HashPassword(t.Context(), "a password")
	if err != nil {
		t.Fatal(err)
	}
	bob := account.Employee{Link: account.Link{Company: 1, Employee: 7}, Name: "Bob", Login: "bob@example.com"}
	set := func(what, password string, want account.Standing) {
		t.Helper()
		bob.Password = password
		if got, err := w.SetEmployee(t.Context(), bob); err != nil || got != want {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	set("new", "", account.Standing{})
	set("new again", "", account.Standing{})
	set("with a password", hash, account.Standing{SignsIn: true})
	set("the same message again", hash, account.Standing{SignsIn: true})
	set("renamed", "", account.Standing{SignsIn: true, Known: true})
	bob.Login = "rob@example.com"
	set("another login", hash, account.Standing{SignsIn: true})
	bob.Login = ""
	set("withdrawn", "", account.Standing{})
}
