package e2e

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"kartoteka/internal/mail/mailtest"
)

var linkForm = regexp.MustCompile(`https://cards\.example(/auth/setPass\?token=([\w.]+))`)

// TestInvited: an employee is added, the letter comes, the link is opened once, and
// the employee works with bp-api (js/invited.mjs). A forgotten password is replaced.
func TestInvited(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		post := mailtest.Start(t, mailtest.Options{StartTLS: true, Login: "robot", Password: "robot's secret"})
		s := serve(t, db, "KARTOTEKA_HOST=cards.example", "KARTOTEKA_LINKS_HTTPS=true", "KARTOTEKA_EMAIL_HOST="+post.Addr,
			"KARTOTEKA_EMAIL_LOGIN=robot", "KARTOTEKA_EMAIL_PASSWORD=robot's secret", "KARTOTEKA_EMAIL_FROM=robot@example.com")
		admin := s.admin()
		orders := admin.newCatalog(t, "Orders", object{"name": "Name", "type": "text"})
		admin.call(t, 200, "POST", "/api/v1/catalogs/$users/records", object{"values": object{"$name": "Bob", "$email": "bob@example.com"}})
		const password, another = "пароль of Bob", "another of Bob"
		s.choose(t, post.Next(), password)
		if l := post.Next(); l.To != "bob@example.com" || !strings.Contains(l.Text, "https://cards.example") {
			t.Errorf("%+v", l)
		}
		bob := func(password string) {
			t.Setenv("KT_INVITED", "bob@example.com")
			t.Setenv("KT_INVITED_PASSWORD", password)
			t.Setenv("KT_CATALOG", orders.id)
			node(t, s, "invited.mjs")
		}
		bob(password)
		admin.call(t, 200, "POST", "/auth/resetPassword", object{"email": "Bob@Example.com"})
		s.choose(t, post.Next(), another)
		bob(another)
		log := s.log
		s.stop()
		for _, secret := range []string{"token=i", "token=r", "robot's secret", password} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log has %q", secret)
			}
		}
	})
}

// choose opens the link of a letter as a browser does and sends its form, twice.
func (s *server) choose(t *testing.T, l mailtest.Letter, password string) {
	t.Helper()
	link := linkForm.FindStringSubmatch(l.Text)
	if link == nil || l.To != "bob@example.com" || !l.Encrypted {
		t.Fatalf("%+v", l)
	}
	browser := func(method, path, form, cookie string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.addr+path, strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/html")
		if form != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", "null") // the page's policy lets no referrer out
			r.Header.Set("Cookie", cookie)
		}
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res
	}
	page := browser("GET", link[1], "", "")
	cookie, _, _ := strings.Cut(page.Header.Get("Set-Cookie"), ";")
	if page.StatusCode != 200 || cookie == "" {
		t.Fatalf("the page: %d %v", page.StatusCode, page.Header)
	}
	form := url.Values{"token": {link[2]}, "password": {password}}.Encode()
	if res := browser("POST", "/auth/setPass", form, cookie); res.StatusCode != 302 || res.Header.Get("Set-Cookie") == "" {
		t.Fatalf("the form: %d %v", res.StatusCode, res.Header)
	}
	if res := browser("POST", "/auth/setPass", form, cookie); res.StatusCode != 400 {
		t.Errorf("the form again: %d", res.StatusCode)
	}
	if res := browser("GET", link[1], "", ""); res.StatusCode != 400 {
		t.Errorf("the link again: %d", res.StatusCode)
	}
}
