package account_test

import (
	"testing"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
	"kartoteka/internal/store/testdb"
)

func TestEditAccount(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target, nil)
		other := w.create(t, "Bob", "password of bob")
		p := w.signIn(t)
		limit, interval, name := 5, time.Minute, "Anna the First"
		must := func(e account.Edit) {
			t.Helper()
			for range 2 { // repeated as after a crash
				if err := w.EditAccount(t.Context(), w.id, e); err != nil {
					t.Fatal(err)
				}
			}
		}
		must(account.Edit{RequestLimit: &limit, RequestInterval: &interval, Name: &name})
		if got, err := w.Session(t.Context(), p.Cookie); err != nil || got.RequestLimit != 5 || got.RequestInterval != time.Minute {
			t.Errorf("the next request has %+v, %v", got, err)
		}
		from := w.clock.now().Add(time.Second)
		must(account.Edit{SessionsFrom: &from})
		if _, err := w.Session(t.Context(), p.Cookie); err != nil {
			t.Errorf("before the start of new sessions: %v", err)
		}
		w.clock.advance(2 * time.Second)
		if _, err := w.Session(t.Context(), p.Cookie); !fault.Is(err, fault.SessionExpired) {
			t.Errorf("an old session: %v", err)
		}
		p = w.signIn(t)
		taken, free := "BOB ", "anna@example.org"
		if err := w.EditAccount(t.Context(), w.id, account.Edit{Login: &taken}); !fault.Is(err, fault.Duplicate) {
			t.Errorf("a taken login: %v", err)
		}
		for login, want := range map[string]fault.Code{"bob": fault.Duplicate, "a:b": fault.ValidationFailed, free: ""} {
			if err := w.LoginFree(t.Context(), w.id, login); fault.CodeOf(err) != want {
				t.Errorf("%s: %v", login, err)
			}
		}
		if err := w.LoginFree(t.Context(), other, "BOB"); err != nil {
			t.Errorf("its own login: %v", err)
		}
		must(account.Edit{Login: &free})
		if _, err := w.Session(t.Context(), p.Cookie); !fault.Is(err, fault.SessionExpired) {
			t.Errorf("a session of the old login: %v", err)
		}
		a, err := w.Account(t.Context(), w.id)
		if err != nil || a.Login != free || a.Name != name || a.RequestLimit != 5 || !a.SessionsFrom.Equal(from.Truncate(time.Millisecond)) || len(a.Links) != 1 {
			t.Errorf("%+v, %v", a, err)
		}
		if err := w.EditAccount(t.Context(), 999, account.Edit{Unlock: true}); !fault.Is(err, fault.NotFound) {
			t.Errorf("no account: %v", err)
		}
	})
}

func TestUses(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target, nil)
		other := w.create(t, "Bob", "password of bob")
		w.signIn(t)
		used := w.clock.now()
		for _, c := range []account.Credentials{credentials("Bob", "wrong", home), credentials("bob", "wrong", abroad), credentials("nobody", "wrong", home)} {
			if _, err := w.SignIn(t.Context(), c); err == nil {
				t.Fatal("a wrong password opens the account")
			}
		}
		expect := func(failed int) {
			t.Helper()
			got, err := w.Uses(t.Context())
			if err != nil || len(got) != 2 || got[0].Account != w.id || !got[0].Last.Equal(used) || got[0].Failed != 0 ||
				got[1].Account != other || !got[1].Last.IsZero() || got[1].Failed != failed {
				t.Errorf("%+v, %v", got, err)
			}
		}
		expect(2)
		if err := w.EditAccount(t.Context(), other, account.Edit{Unlock: true}); err != nil {
			t.Fatal(err)
		}
		expect(0)
	})
}
