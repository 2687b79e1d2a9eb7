package bpiumapi_test

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"kartoteka/internal/bpiumapi"
	"kartoteka/internal/fault"
)

// invite hires somebody without a password and gives the invitation's token.
func (s *site) invite(t *testing.T, name, email string) (employee, token string) {
	t.Helper()
	employee = idOf(t, s.must(t, "POST", "/catalogs/$users/records", `{"values":{"$name":"`+name+`","$email":"`+email+`"}}`))
	for _, i := range s.invites(t) {
		if i.Values["$companyUserId"] == employee {
			return employee, i.Values["$hash"]
		}
	}
	t.Fatal("no invitation was made")
	return "", ""
}

type invitation struct {
	ID     string
	Values map[string]string
}

func (s *site) invites(t *testing.T) (list []invitation) {
	t.Helper()
	check(t, json.Unmarshal([]byte(s.must(t, "GET", "/catalogs/$invites/records?sortType=1", "")), &list))
	return list
}

// employed makes an employee with a password.
func (s *site) employed(t *testing.T, name, login string) string {
	t.Helper()
	return idOf(t, s.must(t, "POST", "/catalogs/$users/records", `{"values":{"$name":"`+name+`","$email":"`+login+`","$password":"password of `+name+`"}}`))
}

// as makes a request of somebody made by employed.
func (s *site) as(t *testing.T, name, login, method, path, body string) answer {
	t.Helper()
	r := s.request(t, method, path, body)
	r.SetBasicAuth(login, "password of "+name)
	return s.send(t, r)
}

func TestSetPassPage(t *testing.T) {
	s := newSite(t, nil)
	_, token := s.invite(t, "Bob", "bob@example.com")
	for _, path := range []string{"/setPass", "/register"} {
		for _, lang := range fault.Languages {
			a := s.auth(t, sent{"GET", path + "?token=" + token, "", map[string]string{"Accept": html, "Accept-Language": lang}})
			if a.status != 200 || !strings.Contains(a.body, `action="/auth`+path+`"`) || !strings.Contains(a.body, `<html lang="`+lang+`">`) ||
				!strings.Contains(a.body, fault.Msg("Save and sign in").In(lang)) || strings.Contains(a.body, `name="name"`) != (path == "/register") {
				t.Errorf("%s in %s: %d %s", path, lang, a.status, a.body)
			}
			for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
				if got := a.header.Get(name); got != want {
					t.Errorf("%s: %q", name, got)
				}
			}
			if policy := a.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; base-uri 'none'; form-action 'self'") {
				t.Error(policy)
			}
		}
	}
	for _, dead := range []string{"", "x", token + "x", token[:len(token)-1], "i999.ABC", "i-1.A", "i99999999999999999999.A", `"><script>`, "\xff"} {
		a := s.auth(t, sent{"GET", "/setPass?token=" + esc(dead), "", map[string]string{"Accept": html}})
		if a.status != 400 || strings.Contains(a.body, "<form") || strings.Contains(a.body, "script>") {
			t.Errorf("%q: %d %s", dead, a.status, a.body)
		}
	}
	wrong := s.auth(t, sent{"POST", "/setPass", formBody("token", token, "password", "short"), asBrowser})
	if wrong.status != 400 || !strings.Contains(wrong.body, "<form") || !strings.Contains(wrong.body, `role="alert"`) || !strings.Contains(wrong.body, token) {
		t.Errorf("%d %s", wrong.status, wrong.body)
	}
	done := s.auth(t, sent{"POST", "/setPass", formBody("token", token, "password", "long enough"), asBrowser})
	if done.status != 302 || done.header.Get("Location") != "/" || !strings.HasPrefix(done.header.Get("Set-Cookie"), "connect.sid=") {
		t.Errorf("%d %v", done.status, done.header)
	}
	if strings.Contains(s.log.text(), token[4:]) {
		t.Error("the log has the token")
	}
}

// Browsers send the form of such a page with "Origin: null".
func TestFormsOfOtherSites(t *testing.T) {
	s := newSite(t, nil)
	_, token := s.invite(t, "Bob", "bob@example.com")
	page := s.auth(t, sent{"GET", "/setPass?token=" + token, "", map[string]string{"Accept": html}})
	cookie, attributes, _ := strings.Cut(page.header.Get("Set-Cookie"), ";")
	if !strings.Contains(attributes, "SameSite=Strict") || !strings.Contains(attributes, "HttpOnly") {
		t.Errorf("%s; %s", cookie, attributes)
	}
	body := formBody("token", token, "password", "short")
	for name, c := range map[string]struct {
		header map[string]string
		status int
	}{
		"the page's form":             {map[string]string{"Origin": "null", "Cookie": cookie}, 400},
		"one without the page":        {map[string]string{"Origin": "null"}, 403},
		"another site's":              {map[string]string{"Origin": "https://evil.example", "Cookie": cookie}, 403},
		"another site's without both": {map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		"a program":                   {nil, 400},
	} {
		c.header = mapsWith(c.header, "Content-Type", "application/x-www-form-urlencoded")
		if a := s.auth(t, sent{"POST", "/setPass", body, c.header}); a.status != c.status {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func mapsWith(m map[string]string, name, value string) map[string]string {
	all := map[string]string{name: value}
	for k, v := range m {
		all[k] = v
	}
	return all
}

func TestRegister(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		employee, token := s.invite(t, "Bob", "bob@example.com")
		for what, body := range map[string]string{
			"a name that is too long": `{"token":"` + token + `","name":"` + strings.Repeat("x", 257) + `","password":"long enough"}`,
			"no password":             `{"token":"` + token + `","name":"Robert"}`,
			"U+0000":                  `{"token":"` + token + `","password":"long\u0000enough"}`,
			"no token":                `{"password":"long enough"}`,
			"no JSON":                 `{`,
		} {
			if a := s.auth(t, sent{"POST", "/register", body, nil}); a.status != 400 {
				t.Errorf("%s: %d %s", what, a.status, a.body)
			}
		}
		a := s.auth(t, sent{"POST", "/register", `{"token":"` + token + `","name":" Robert ","password":"long enough"}`, nil})
		if a.status != 200 || !strings.Contains(a.body, `"result":true`) || !strings.Contains(a.body, `"recordId":"`+employee+`"`) && !strings.Contains(a.body, `"id":"`+employee+`"`) {
			t.Fatalf("%d %s", a.status, a.body)
		}
		who, err := s.accounts.AccountByLogin(t.Context(), "bob@example.com")
		if err != nil || who.Name != "Robert" {
			t.Errorf("%+v, %v", who, err)
		}
		if a := s.auth(t, sent{"POST", "/register", `{"token":"` + token + `","password":"long enough"}`, nil}); a.status != 400 {
			t.Errorf("again: %d %s", a.status, a.body)
		}
		// A link to a new password registers nobody.
		reset, _, err := s.accounts.NewReset(t.Context(), login)
		check(t, err)
		if a := s.auth(t, sent{"POST", "/register", `{"token":"` + reset + `","password":"long enough"}`, nil}); a.status != 400 {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := s.auth(t, sent{"GET", "/setPass?token=" + reset, "", nil}); a.status != 200 || a.body != `{"result":true}` {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

func TestCreateInvite(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		s.employed(t, "Cy", "cy")
		body := `{"name":"Fay","email":"fay@example.com","company":"Fay & Co","phone":"1"}`
		basic := func(r sent, login, password string) answer {
			req := s.request(t, r.method, "/auth"+r.path, r.body)
			req.SetBasicAuth(login, password)
			return s.send(t, req)
		}
		for what, c := range map[string]struct {
			a      answer
			status int
		}{
			"a stranger":                {s.auth(t, sent{"POST", "/createInvite", body, nil}), 401},
			"an employee":               {basic(sent{"POST", "/createInvite", body, nil}, "cy", "password of Cy"), 403},
			"an employee, bad body":     {basic(sent{"POST", "/createInvite", "{", nil}, "cy", "password of Cy"), 403},
			"an employee upgrades":      {basic(sent{"GET", "/updateCompanies/1", "", nil}, "cy", "password of Cy"), 403},
			"a stranger upgrades":       {s.auth(t, sent{"GET", "/updateCompanies/1", "", nil}), 401},
			"upgrade":                   {basic(sent{"GET", "/updateCompanies/1", "", nil}, login, password), 200},
			"no address":                {basic(sent{"POST", "/createInvite", `{"email":"fay"}`, nil}, login, password), 400},
			"nobody":                    {basic(sent{"POST", "/createInvite", `{}`, nil}, login, password), 400},
			"founding":                  {s.auth(t, sent{"POST", "/company/create", `{"token":"x"}`, nil}), 501},
			"activation of the licence": {s.auth(t, sent{"GET", "/activate", "", nil}), 501},
		} {
			if c.a.status != c.status {
				t.Errorf("%s: %d %s", what, c.a.status, c.a.body)
			}
		}
		if list := s.invites(t); len(list) != 0 {
			t.Errorf("%v", list)
		}
		for range 2 { // the second one replaces the first
			if a := basic(sent{"POST", "/createInvite", body, nil}, login, password); a.status != 200 || a.body != `{"result":true}` {
				t.Fatalf("%d %s", a.status, a.body)
			}
		}
		list := s.invites(t)
		if len(list) != 1 || list[0].Values["$email"] != "fay@example.com" || list[0].Values["$companyId"] != "" {
			t.Fatalf("%v", list)
		}
		// There is no other company to found, and the token is not spent by that.
		for range 2 {
			a := s.auth(t, sent{"POST", "/register", `{"token":"` + list[0].Values["$hash"] + `","name":"Fay","password":"long enough","company":"x"}`, nil})
			if a.status != 403 || a.failed(t).Code != "no_company" {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
		if _, err := s.accounts.AccountByLogin(t.Context(), "fay@example.com"); !fault.Is(err, fault.NotFound) {
			t.Errorf("an account was made: %v", err)
		}
		// Once she works here all invitations of hers are over.
		_, token := s.invite(t, "Fay", "FAY@example.com")
		if a := s.auth(t, sent{"POST", "/setPass", `{"token":"` + token + `","password":"long enough"}`, nil}); a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
		if list := s.invites(t); len(list) != 0 {
			t.Errorf("%v", list)
		}
	})
}

func TestResetPasswordTellsNothing(t *testing.T) {
	var asked []string
	s := newSite(t, func(o *bpiumapi.Options) {
		o.Reset = func(login string, ip netip.Addr) { asked = append(asked, login+" "+ip.String()) }
	})
	for _, in := range []sent{
		{"POST", "/resetPassword", `{"email":"` + login + `"}`, nil},
		{"POST", "/resetPassword", `{"login":"nobody"}`, nil},
		{"POST", "/resetPassword", formBody("email", "x y"), asForm},
	} {
		if a := s.auth(t, in); a.status != 200 || a.body != `{"result":true}` {
			t.Errorf("%s: %d %s", in.body, a.status, a.body)
		}
	}
	if got := strings.Join(asked, ", "); got != login+" 127.0.0.1, nobody 127.0.0.1, x y 127.0.0.1" {
		t.Error(got)
	}
	if a := s.auth(t, sent{"POST", "/resetPassword", `{}`, nil}); a.status != 400 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := s.auth(t, sent{"POST", "/resetPassword", `{"email":"a"}`, map[string]string{"Origin": "https://evil.example"}}); a.status != 403 || len(asked) != 3 {
		t.Errorf("%d %s", a.status, a.body)
	}
	pages := map[string]bool{}
	for _, who := range []string{login, "nobody"} {
		a := s.auth(t, sent{"POST", "/resetPassword", formBody("email", who), asBrowser})
		if a.status != 200 || !strings.Contains(a.body, `role="status"`) {
			t.Errorf("%d %s", a.status, a.body)
		}
		pages[a.body] = true
	}
	if len(pages) != 1 {
		t.Error("the pages differ")
	}
	if a := s.auth(t, sent{"GET", "/resetPassword", "", map[string]string{"Accept": html}}); a.status != 200 || !strings.Contains(a.body, `action="/auth/resetPassword"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := s.auth(t, sent{"GET", "/login", "", map[string]string{"Accept": html}}); !strings.Contains(a.body, `href="/auth/resetPassword"`) {
		t.Error(a.body)
	}
}

func TestSeats(t *testing.T) {
	s := newSite(t, func(o *bpiumapi.Options) { o.License.Users = 2 })
	bob := s.employed(t, "Bob", "bob")
	s.must(t, "POST", "/catalogs/$users/records", `{"values":{"$name":"Without a login"}}`)
	cy := s.employed(t, "Cy", "cy")
	_, token := s.invite(t, "Di", "di")
	want := func(what string, a answer, status int) {
		t.Helper()
		if a.status != status || status == 402 && a.failed(t).Code != "license_seats" {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	signIn := func(name, login string) answer {
		return s.auth(t, sent{"POST", "/login", formBody("email", login, "password", "password of "+name), asForm})
	}
	want("the second", signIn("Bob", "bob"), 200)
	want("the third", signIn("Cy", "cy"), 402)
	if a := s.auth(t, sent{"POST", "/login", formBody("email", "cy", "password", "password of Cy"), asBrowser}); a.header.Get("Location") != "/auth/login?error=seats" {
		t.Errorf("%d %v", a.status, a.header)
	}
	want("the second by Basic", s.as(t, "Bob", "bob", "GET", "/api/v1/sections", ""), 200)
	want("the third by Basic", s.as(t, "Cy", "cy", "GET", "/api/v1/sections", ""), 402)
	want("the third asks who it is", s.as(t, "Cy", "cy", "GET", "/api/v1/profile/me", ""), 200)
	want("an invited one", s.auth(t, sent{"POST", "/setPass", `{"token":"` + token + `","password":"password of Di"}`, nil}), 402)
	// Somebody leaves: the next one moves up.
	s.must(t, "PATCH", "/catalogs/$users/records/"+bob, `{"values":{"$email":""}}`)
	want("the third moved up", signIn("Cy", "cy"), 200)
	want("the fourth did not", signIn("Di", "di"), 402)
	s.must(t, "DELETE", "/catalogs/$users/records/"+cy, "")
	want("the fourth", signIn("Di", "di"), 200)
}

// Invitations are seen by those who administer them, ended by those who may delete,
// and made by nobody.
func TestInvitesAreGuarded(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		_, token := s.invite(t, "Bob", "bob@example.com")
		cy := s.employed(t, "Cy", "cy")
		id := s.invites(t)[0].ID
		path := "/catalogs/$invites/records"
		for _, c := range []struct{ method, path, body string }{
			{"POST", path, `{"values":{"$email":"eve@example.com","$hash":"i9.x"}}`},
			{"PATCH", path + "/" + id, `{"values":{"$email":"eve@example.com"}}`},
			{"PATCH", path + "/" + id, `{"values":{"$hash":"i1.x"}}`},
		} {
			if a := s.do(t, c.method, c.path, c.body); a.status != 405 {
				t.Errorf("%s %s: %d %s", c.method, c.body, a.status, a.body)
			}
		}
		s.must(t, "POST", "/rights", `{"object":{"catalogId":"$invites"},"rules":[{"rightSubject":{"userAttr":"id","catalogId":"3","recordId":"`+cy+`"},"privilegeCode":"delete"}]}`)
		asCy := func(method, path string) answer { return s.as(t, "Cy", "cy", method, "/api/v1"+path, "") }
		read := asCy("GET", path)
		if read.status != 200 || !strings.Contains(read.body, "bob@example.com") || strings.Contains(read.body, token) {
			t.Fatalf("%d %s", read.status, read.body)
		}
		for _, q := range []string{
			"?filters=" + esc(`[{"fieldId":"$hash","value":"`+token+`"}]`), "?sortField=$hash", "?filters=" + esc(`{"$hash":"i"}`),
		} {
			if a := asCy("GET", path+q); a.status == 200 {
				t.Errorf("%s: %s", q, a.body)
			}
		}
		for _, q := range []string{path + "?searchText=" + token[len(token)-8:], "/histories?catalogId=$invites", path + "/" + id} {
			if a := asCy("GET", q); a.status != 200 || strings.Contains(a.body, token) || strings.HasPrefix(q, path+"?") && a.body != "[]" {
				t.Errorf("%s: %d %s", q, a.status, a.body)
			}
		}
		if a := s.auth(t, sent{"GET", "/setPass?token=" + url.QueryEscape(token), "", nil}); a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := asCy("DELETE", path+"/"+id); a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := s.auth(t, sent{"POST", "/setPass", `{"token":"` + token + `","password":"long enough"}`, nil}); a.status != 400 {
			t.Errorf("withdrawn: %d %s", a.status, a.body)
		}
	})
}
