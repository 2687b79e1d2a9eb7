package httpkit

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/account"
)

// token makes a token of the house's employee.
func (h *house) token(t *testing.T, n account.NewToken) (account.Token, map[string]string) {
	t.Helper()
	n.Name = "a program"
	made, secret, err := h.accounts.CreateToken(t.Context(), account.Actor{Account: h.id, Company: 1, Employee: 7}, n)
	if err != nil {
		t.Fatal(err)
	}
	return made, map[string]string{"Authorization": "Bearer " + secret}
}

func with(headers map[string]string, more ...string) map[string]string {
	all := map[string]string{}
	for name, value := range headers {
		all[name] = value
	}
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

func TestBearer(t *testing.T) {
	h := newHouse(t, houseOptions{})
	cookie := h.cookie(t)
	made, right := h.token(t, account.NewToken{})
	_, elsewhere := h.token(t, account.NewToken{Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	deleted, revoked := h.token(t, account.NewToken{})
	if err := h.accounts.DeleteToken(t.Context(), account.Actor{Account: h.id, Company: 1, Employee: 7}, deleted.ID); err != nil {
		t.Fatal(err)
	}
	secret := strings.TrimPrefix(right["Authorization"], "Bearer ")
	const me, refused = `"employee":7`, `"bad_credentials","message":"the token is not valid"`
	calls := []call{
		{name: "right", headers: right, want: me},
		{name: "right, changing", method: "POST", headers: right, want: me},
		{name: "scheme in other letters", headers: map[string]string{"Authorization": "bEARER   " + secret + " "}, want: me},
		{name: "beside a live cookie", headers: with(right, "Cookie", cookie), want: me},
		{name: "another site's page", method: "POST", headers: with(right, "Origin", "https://evil.example.com"), want: me},
		{name: "unknown route", path: "/api/v1/missing", headers: right, status: 404, want: `"not_found"`},
		{name: "revoked", headers: revoked, status: 401, want: refused},
		{name: "revoked beside a live cookie", headers: with(revoked, "Cookie", cookie), status: 401, want: refused},
		{name: "cut", headers: map[string]string{"Authorization": "Bearer " + secret[:50]}, status: 401, want: refused},
		{name: "none", headers: map[string]string{"Authorization": "Bearer"}, status: 401, want: refused},
		{name: "another address", headers: elsewhere, status: 401, want: refused},
		{name: "the right address, by a proxy", headers: with(elsewhere, "X-Forwarded-For", "192.0.2.7"), want: `"ip":"192.0.2.7"`},
		{name: "as a password", headers: map[string]string{"Authorization": basic("token", secret)}, status: 401, want: `"bad_credentials"`},
		{name: "another scheme", headers: map[string]string{"Authorization": "Token " + secret, "Cookie": cookie}, status: 401, want: `"bad_credentials"`},
		{name: "no scheme", headers: map[string]string{"Authorization": secret}, status: 401, want: `"bad_credentials"`},
	}
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			if c.path == "" {
				c.path = "/api/v1/me"
			}
			c.header = map[string]string{"WWW-Authenticate": "", "Set-Cookie": ""}
			h.check(t, c)
		})
	}
	if log := h.log.String(); strings.Contains(log, secret) || strings.Contains(log, secret[20:]) {
		t.Error("the log tells the token")
	}
	if !strings.Contains(h.log.String(), `"token":"`+made.ID+`"`) {
		t.Error("the log does not tell which token it was")
	}
}

// TestMethodsOfVerbs: a route whose author forgot tokens is narrowed all the
// same.
func TestMethodsOfVerbs(t *testing.T) {
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"}
	tests := map[account.Verbs]string{ // methods that get through
		account.Reads:                   "GET HEAD",
		account.Creates:                 "GET HEAD POST PROPFIND",
		account.Updates:                 "GET HEAD POST PUT PATCH PROPFIND",
		account.Deletes:                 "GET HEAD DELETE PROPFIND",
		account.Administers:             "GET HEAD POST PUT PATCH DELETE PROPFIND",
		account.Reads | account.Creates: "GET HEAD POST PROPFIND",
	}
	h := newHouse(t, houseOptions{})
	for verbs, through := range tests {
		_, headers := h.token(t, account.NewToken{Scope: account.Scope{Verbs: verbs}})
		for _, method := range methods {
			res, body := h.send(t, call{method: method, path: "/api/v1/nothing", headers: headers})
			want := http.StatusForbidden
			if strings.Contains(" "+through+" ", " "+method+" ") {
				want = http.StatusNotFound
			}
			if res.StatusCode != want {
				t.Errorf("%v: %s gives %d %s", verbs.Names(), method, res.StatusCode, body)
			}
		}
	}
}

func TestTokenOfAnotherCompany(t *testing.T) {
	h := newHouse(t, houseOptions{company: func(r *http.Request) (account.CompanyID, error) {
		if Host(r.Context()) == "two.example.com" {
			return 2, nil
		}
		return 1, nil
	}})
	if err := h.accounts.Link(t.Context(), h.id, account.Link{Company: 2, Employee: 9}); err != nil {
		t.Fatal(err)
	}
	_, right := h.token(t, account.NewToken{})
	h.check(t, call{path: "/api/v1/me", headers: with(right, "Host", "one.example.com"), want: `"employee":7`})
	h.check(t, call{path: "/api/v1/me", headers: with(right, "Host", "two.example.com"), status: 403, want: `"no_company"`})
}

func TestTokensCountAsTheirAccount(t *testing.T) {
	h := newHouse(t, houseOptions{kit: Options{LimitIP: Rule{6, time.Minute}, LimitAccount: Rule{3, time.Minute}}})
	_, first := h.token(t, account.NewToken{})
	_, second := h.token(t, account.NewToken{})
	cookie := map[string]string{"Cookie": h.cookie(t)}
	bad := map[string]string{"Authorization": "Bearer kt_wrong"}
	for i, c := range []call{
		{headers: first}, {headers: second}, {headers: first, status: 429}, {headers: cookie, status: 429},
		{headers: bad, status: 401}, {headers: bad, status: 429, header: map[string]string{"X-RateLimit-Limit": "6"}},
	} {
		c.path = "/api/v1/me"
		res, body := h.send(t, c)
		if res.StatusCode != max(c.status, 200) {
			t.Errorf("call %d: %d %s", i, res.StatusCode, body)
		}
	}
}
