package account_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
	"kartoteka/internal/store/testdb"
)

// actor is the world's employee as a password let him in.
func (w *world) actor() account.Actor {
	return account.Actor{Account: w.id, Company: 1, Employee: int64(len(login)), Login: login}
}

// token makes a token of the world's employee.
func (w *world) token(t testing.TB, n account.NewToken) (account.Token, string) {
	t.Helper()
	if n.Name == "" {
		n.Name = "a program"
	}
	made, secret, err := w.CreateToken(t.Context(), w.actor(), n)
	if err != nil {
		t.Fatal(err)
	}
	return made, secret
}

func (w *world) bearer(t testing.TB, secret string) error {
	t.Helper()
	_, err := w.Bearer(t.Context(), secret, home)
	return err
}

func prefixes(list ...string) (all []netip.Prefix) {
	for _, s := range list {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

func TestTokenOpens(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target, nil)
		scope := account.Scope{Catalogs: []int64{25, 3}, Verbs: account.Reads | account.Creates}
		made, secret := w.token(t, account.NewToken{
			Name: "  Склад \"1\"  ", Scope: scope, Networks: prefixes("192.0.2.0/24", "2001:db8::/32"), Expires: w.clock.now().Add(time.Hour),
		})
		if !strings.HasPrefix(secret, made.Prefix()) || len(secret) != 51 || strings.Trim(secret[3:], "abcdefghijklmnopqrstuvwxyz234567") != "" {
			t.Errorf("token %q, prefix %q", secret, made.Prefix())
		}
		for name, node := range map[string]*world{"here": w, "after a restart": w.restart(nil)} {
			p, err := node.Bearer(t.Context(), secret, home)
			if err != nil {
				t.Fatal(name, err)
			}
			employee, ok := p.Employee(1)
			if p.Account != w.id || p.Login != login || !ok || employee != int64(len(login)) || p.Token != made.ID || p.Cookie != "" {
				t.Errorf("%s: principal %+v", name, p)
			}
			if !slices.Equal(p.Scope.Catalogs, scope.Catalogs) || p.Scope.Verbs != scope.Verbs {
				t.Errorf("%s: scope %+v", name, p.Scope)
			}
		}
		list, err := w.Tokens(t.Context(), w.actor())
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		got, want := list[0], made
		want.LastUse, want.LastIP = w.clock.now().UTC(), home.String() // seen before it is saved
		got.Created, want.Created = got.Created.UTC(), want.Created.UTC()
		got.Expires, want.Expires = got.Expires.UTC(), want.Expires.UTC()
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) || got.Name != `Склад "1"` {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

// TestTokenRefusals: whatever is wrong, the answer is the same.
func TestTokenRefusals(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, testdb.SQLite(t), func(o *account.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	_, secret := w.token(t, account.NewToken{Networks: prefixes("192.0.2.0/28"), Expires: w.clock.now().Add(time.Hour)})
	other := func(i int) string { // another character of the alphabet there
		c := "a"
		if secret[i] == 'a' {
			c = "b"
		}
		return secret[:i] + c + secret[i+1:]
	}
	_, err := w.Bearer(t.Context(), "", home)
	want := err.Error()
	for name, text := range map[string]string{
		"another secret": other(50), "another id": other(3), "another mark": "KT_" + secret[3:], "upper case": strings.ToUpper(secret),
		"cut": secret[:50], "longer": secret + "a", "the prefix": secret[:19], "blank": " " + secret[1:], "a password": password,
		"foreign letters": secret[:48] + "ab1", "NUL": secret[:50] + "\x00", "long": strings.Repeat("kt_", 100_000), "a cookie": w.signIn(t).Cookie,
	} {
		if err := w.bearer(t, text); err == nil || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	for ip, ok := range map[string]bool{
		"192.0.2.1": true, "192.0.2.15": true, "::ffff:192.0.2.1": true, "192.0.2.16": false, "2001:db8::1": false, "": false,
	} {
		addr, _ := netip.ParseAddr(ip)
		if _, err := w.Bearer(t.Context(), secret, addr); (err == nil) != ok || err != nil && err.Error() != want {
			t.Errorf("from %s: %v", ip, err)
		}
	}
	w.clock.advance(time.Hour - time.Millisecond)
	wantCode(t, "before the end", w.bearer(t, secret), "")
	w.clock.advance(time.Millisecond)
	if err := w.bearer(t, secret); err == nil || err.Error() != want {
		t.Errorf("expired: %v", err)
	}
	if fault.CodeOf(err) != fault.BadCredentials {
		t.Errorf("code %s", fault.CodeOf(err))
	}
	for _, line := range []string{"reason=malformed", "reason=unknown", "reason=wrong", "reason=address", "reason=expired", "token.created"} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("the log lacks %s", line)
		}
	}
	if strings.Contains(log.String(), secret[19:]) {
		t.Error("the log tells the secret")
	}
}

func TestTokensEnd(t *testing.T) {
	link := func(w *world) account.Link { return account.Link{Company: 1, Employee: w.actor().Employee} }
	ends := []struct {
		name  string
		end   func(ctx context.Context, w *world, id string) error
		lives bool
	}{
		{"deleted", func(ctx context.Context, w *world, id string) error { return w.DeleteToken(ctx, w.actor(), id) }, false},
		{"account deleted", func(ctx context.Context, w *world, _ string) error { return w.DeleteAccount(ctx, w.id) }, false},
		{"unlinked", func(ctx context.Context, w *world, _ string) error { return w.Unlink(ctx, w.id, 1) }, false},
		{"login withdrawn", func(ctx context.Context, w *world, _ string) error {
			return setEmployee(ctx, w, account.Employee{Link: link(w)})
		}, false},
		{"another login", func(ctx context.Context, w *world, _ string) error {
			return setEmployee(ctx, w, account.Employee{Link: link(w), Login: "new@example.com"})
		}, false},
		{"employee given to another account", func(ctx context.Context, w *world, _ string) error {
			id, err := w.CreateAccount(ctx, account.NewAccount{Login: "boris"})
			if err != nil {
				return err
			}
			return w.Link(ctx, id, link(w))
		}, false},
		{"account made another employee", func(ctx context.Context, w *world, _ string) error {
			return w.Link(ctx, w.id, account.Link{Company: 1, Employee: 999})
		}, false},
		{"linked once more", func(ctx context.Context, w *world, _ string) error { return w.Link(ctx, w.id, link(w)) }, true},
		{"the same login told again", func(ctx context.Context, w *world, _ string) error {
			return setEmployee(ctx, w, account.Employee{Link: link(w), Login: login, Name: "Anna B"})
		}, true},
		{"linked elsewhere, too", func(ctx context.Context, w *world, _ string) error {
			return w.Link(ctx, w.id, account.Link{Company: 2, Employee: 5})
		}, true},
		{"password", func(ctx context.Context, w *world, _ string) error { return w.SetPassword(ctx, w.id, "new password") }, true},
		{"all sessions", func(ctx context.Context, w *world, _ string) error { return w.EndSessions(ctx, w.id) }, true},
		{"account's login", func(ctx context.Context, w *world, _ string) error {
			return w.UpdateAccount(ctx, account.Account{ID: w.id, Login: "other@example.com"})
		}, true},
	}
	for _, e := range ends {
		t.Run(e.name, func(t *testing.T) {
			testdb.Each(t, func(t *testing.T, target testdb.Target) {
				recheck := func(o *account.Options) { o.SessionRecheck = time.Second }
				w := newWorld(t, target, nil)
				node := w.restart(recheck)
				made, secret := w.token(t, account.NewToken{})
				wantCode(t, "before", w.bearer(t, secret), "")
				wantCode(t, "before, on another node", node.bearer(t, secret), "")
				if err := e.end(t.Context(), w, made.ID); err != nil {
					t.Fatal(err)
				}
				want := fault.BadCredentials
				if e.lives {
					want = ""
				}
				wantCode(t, "after", w.bearer(t, secret), want)
				w.clock.advance(time.Second)
				wantCode(t, "a second later, on another node", node.bearer(t, secret), want)
				wantCode(t, "after a restart", w.restart(nil).bearer(t, secret), want)
			})
		})
	}
}

func TestTokensOfOthers(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target, nil)
		made, secret := w.token(t, account.NewToken{})
		strangers := map[string]account.Actor{
			"another account": {Account: w.create(t, "boris", password), Company: 1, Employee: 5},
			"another company": {Account: w.id, Company: 2, Employee: 1},
		}
		for name, a := range strangers {
			if list, err := w.Tokens(t.Context(), a); err != nil || len(list) != 0 {
				t.Errorf("%s lists %v, %v", name, list, err)
			}
			_, err := w.Token(t.Context(), a, made.ID)
			wantCode(t, name+" reads", err, fault.NotFound)
			wantCode(t, name+" deletes", w.DeleteToken(t.Context(), a, made.ID), fault.NotFound)
		}
		_, _, err := w.CreateToken(t.Context(), strangers["another company"], account.NewToken{Name: "x"})
		wantCode(t, "a token without a link", err, fault.NotFound)
		program := w.actor()
		program.Scope = &account.Scope{Verbs: account.AllVerbs}
		_, _, err = w.CreateToken(t.Context(), program, account.NewToken{Name: "x"})
		wantCode(t, "a token of a token", err, fault.Forbidden)
		_, err = w.Tokens(t.Context(), program)
		wantCode(t, "a token that lists tokens", err, fault.Forbidden)
		wantCode(t, "a token that deletes itself", w.DeleteToken(t.Context(), program, made.ID), fault.Forbidden)
		wantCode(t, "nothing happened", w.bearer(t, secret), "")
	})
}

func TestTokensAreBounded(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target, nil)
		for range 95 {
			w.token(t, account.NewToken{})
		}
		var group sync.WaitGroup
		for range 10 { // five of them too many
			group.Go(func() {
				_, _, err := w.CreateToken(t.Context(), w.actor(), account.NewToken{Name: "x"})
				if err != nil && !fault.Is(err, fault.LimitTooLarge) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		list, err := w.Tokens(t.Context(), w.actor())
		if err != nil || len(list) != 100 {
			t.Fatalf("%d tokens, %v", len(list), err)
		}
		if err := w.DeleteToken(t.Context(), w.actor(), list[0].ID); err != nil {
			t.Fatal(err)
		}
		w.token(t, account.NewToken{})
	})
}

func TestNewTokenRefuses(t *testing.T) {
	w := newWorld(t, testdb.SQLite(t), nil)
	for name, c := range map[string]struct {
		token account.NewToken
		path  string
	}{
		"no name":              {account.NewToken{Name: " \t"}, "name"},
		"a long name":          {account.NewToken{Name: strings.Repeat("ї", 256)}, "name"},
		"a control character":  {account.NewToken{Name: "a\nb"}, "name"},
		"an end that has been": {account.NewToken{Name: "x", Expires: w.clock.now()}, "expiresAt"},
		"catalogs and admin":   {account.NewToken{Name: "x", Scope: account.Scope{Catalogs: []int64{1}, Verbs: account.AllVerbs}}, "verbs"},
		"no catalog at all":    {account.NewToken{Name: "x", Scope: account.Scope{Catalogs: []int64{}}}, "catalogs"},
		"many catalogs":        {account.NewToken{Name: "x", Scope: account.Scope{Catalogs: make([]int64, 301)}}, "catalogs"},
		"many networks":        {account.NewToken{Name: "x", Networks: make([]netip.Prefix, 301)}, "ipRanges"},
	} {
		_, _, err := w.CreateToken(t.Context(), w.actor(), c.token)
		if f, ok := err.(*fault.Error); !ok || f.Code != fault.ValidationFailed || f.Details[0].Path != c.path {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerbsThatAreNotNamed(t *testing.T) {
	w := newWorld(t, testdb.SQLite(t), nil)
	all, _ := w.token(t, account.NewToken{})
	some, _ := w.token(t, account.NewToken{Scope: account.Scope{Catalogs: []int64{25}}})
	if all.Verbs != account.AllVerbs || some.Verbs != account.AllVerbs&^account.Administers {
		t.Errorf("%v, %v", all.Verbs.Names(), some.Verbs.Names())
	}
}

func TestScope(t *testing.T) {
	some := &account.Scope{Catalogs: []int64{25}, Verbs: account.AllVerbs}
	all := &account.Scope{Verbs: account.Administers}
	for name, c := range map[string]struct{ got, want bool }{
		"none allows":                  {(*account.Scope)(nil).Allows(account.Administers), true},
		"none covers":                  {(*account.Scope)(nil).Covers(7), true},
		"all catalogs":                 {all.Covers(7), true},
		"a catalog inside":             {some.Covers(25), true},
		"a catalog outside":            {some.Covers(7), false},
		"a verb":                       {all.Allows(account.Administers | account.Reads), true},
		"another verb":                 {all.Allows(account.Reads), false},
		"some catalogs administer":     {some.Allows(account.Administers), false},
		"some catalogs, another verb":  {some.Allows(account.Administers | account.Deletes), true},
		"no catalog, which is not all": {(&account.Scope{Catalogs: []int64{}, Verbs: account.Reads}).Covers(1), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v", name, c.got)
		}
	}
}

func TestRunSavesUsesOfTokens(t *testing.T) {
	target := testdb.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, target, func(o *account.Options) { o.Now = time.Now })
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.Run(ctx) }()
		_, secret := w.token(t, account.NewToken{})
		dead, _ := w.token(t, account.NewToken{Expires: time.Now().Add(time.Hour)})
		used := time.Now()
		wantCode(t, "in use", w.bearer(t, secret), "")
		saved := func() account.Token { // as the database has it
			list, err := w.store.Tokens(t.Context(), w.id, 1)
			if err != nil {
				t.Fatal(err)
			}
			return list[slices.IndexFunc(list, func(t account.Token) bool { return strings.HasPrefix(secret, t.Prefix()) })]
		}
		if got := saved(); !got.LastUse.IsZero() {
			t.Errorf("written at once: %v", got.LastUse)
		}
		time.Sleep(61 * time.Second)
		if got := saved(); got.LastUse.UnixMilli() != used.UnixMilli() || got.LastIP != home.String() {
			t.Errorf("after a minute: %v from %s", got.LastUse, got.LastIP)
		}
		wantCode(t, "from elsewhere", func() error { _, err := w.Bearer(t.Context(), secret, abroad); return err }(), "")
		used = time.Now()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := saved(); got.LastUse.UnixMilli() != used.UnixMilli() || got.LastIP != abroad.String() {
			t.Errorf("at the end: %v from %s", got.LastUse, got.LastIP)
		}
		if err := w.store.PruneTokens(t.Context(), dead.Expires); err != nil {
			t.Fatal(err)
		}
		if list, _ := w.Tokens(t.Context(), w.actor()); len(list) != 2 {
			t.Errorf("%d tokens, one of them not expired before its end", len(list))
		}
		if err := w.store.PruneTokens(t.Context(), dead.Expires.Add(time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if list, _ := w.Tokens(t.Context(), w.actor()); len(list) != 1 {
			t.Errorf("%d tokens after the expired one was removed", len(list))
		}
	})
}

func BenchmarkBearer(b *testing.B) {
	w := newWorld(b, testdb.SQLite(b), func(o *account.Options) { o.Now = time.Now })
	_, secret := w.token(b, account.NewToken{Networks: prefixes("10.0.0.0/8", "192.0.2.0/24")})
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Bearer(ctx, secret, home); err != nil {
			b.Fatal(err)
		}
	}
}
