package store

import (
	"net/netip"
	"testing"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
	"kartoteka/internal/store/testdb"
)

// tokenOf makes an account with a token.
func tokenOf(t *testing.T, c *Control) account.Token {
	t.Helper()
	made := account.Token{
		ID: "aaaaaaaaaaaaaaaa", Link: account.Link{Company: 1, Employee: 7}, Name: "x",
		Scope:    account.Scope{Catalogs: []int64{25, 3}, Verbs: account.Reads | account.Deletes},
		Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Created: time.UnixMilli(1).UTC(), Expires: time.UnixMilli(9).UTC(),
	}
	var err error
	if made.Account, err = c.CreateAccount(t.Context(), "anna", account.Account{Login: "anna", Links: []account.Link{made.Link}}); err != nil {
		t.Fatal(err)
	}
	if room, err := c.CreateToken(t.Context(), made, account.TokenHash{1}, 1); err != nil || !room {
		t.Fatal(room, err)
	}
	return made
}

// TestTokenThatCannotBeRead: a limit that is damaged is never no limit.
func TestTokenThatCannotBeRead(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		c := openTestControl(t, target)
		defer func() { _ = c.Close() }()
		made := tokenOf(t, c)
		for _, sql := range []string{
			`UPDATE tokens SET catalogs = '25,x'`, `UPDATE tokens SET catalogs = ','`, `UPDATE tokens SET catalogs = '25', ip_ranges = '192.0.2.0'`,
		} {
			if err := c.update(t.Context(), do(sql)); err != nil {
				t.Fatal(err)
			}
			if _, _, _, err := c.TokenByID(t.Context(), made.ID); fault.CodeOf(err) != fault.Internal {
				t.Errorf("%s: %v", sql, err)
			}
		}
		if err := c.update(t.Context(), do(`UPDATE tokens SET ip_ranges = '', verbs = 'read,fly'`)); err != nil {
			t.Fatal(err)
		}
		if got, _, _, err := c.TokenByID(t.Context(), made.ID); err != nil || got.Verbs != account.Reads {
			t.Errorf("a verb of a later version: %v, %v", got.Verbs.Names(), err)
		}
	})
}

func TestTokensOfControl(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		c := openTestControl(t, target)
		defer func() { _ = c.Close() }()
		made := tokenOf(t, c)
		if room, err := c.CreateToken(t.Context(), account.Token{ID: "b", Account: made.Account, Link: made.Link}, account.TokenHash{}, 1); err != nil || room {
			t.Errorf("one more than the most: %v, %v", room, err)
		}
		for _, link := range []account.Link{{Company: 1, Employee: 8}, {Company: 2, Employee: 7}} {
			_, err := c.CreateToken(t.Context(), account.Token{ID: "b", Account: made.Account, Link: link}, account.TokenHash{}, 9)
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("under a link that is not there, %+v: %v", link, err)
			}
		}
		used := func(want int64, ip string) {
			t.Helper()
			got, hash, a, err := c.TokenByID(t.Context(), made.ID)
			if err != nil || hash != (account.TokenHash{1}) || a.Login != "anna" || got.LastUse.UnixMilli() != want || got.LastIP != ip {
				t.Errorf("%+v of %s, %v", got, a.Login, err)
			}
		}
		for _, u := range []struct {
			at, want int64
			ip       string
		}{{100, 100, "::1"}, {50, 100, "::1"}, {200, 200, "::2"}} {
			err := c.TouchTokens(t.Context(), []account.TokenUse{{ID: "gone", At: time.UnixMilli(u.at)}, {ID: made.ID, At: time.UnixMilli(u.at), IP: u.ip}})
			if err != nil {
				t.Fatal(err)
			}
			used(u.want, u.ip)
		}
		if err := c.DeleteToken(t.Context(), made.Account, 2, made.ID); err != nil {
			t.Fatal(err)
		}
		used(200, "::2")
		if err := c.DeleteToken(t.Context(), made.Account, 1, made.ID); err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := c.TokenByID(t.Context(), made.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("deleted: %v", err)
		}
	})
}
