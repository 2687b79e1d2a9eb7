package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/mail/mailtest"
	"kartoteka/internal/store/testdb"
)

// postOffice is a running server with a mail server.
type postOffice struct {
	*testing.T
	app  *App
	http http.Handler
	mail *mailtest.Server
	end  func() // lets the server drain and end
}

// openPostOffice runs the program with the settings of a mail server, or of none.
func openPostOffice(t *testing.T, target testdb.Target, post *mailtest.Server, env ...string) *postOffice {
	t.Helper()
	if post != nil {
		env = append(env, "EMAIL_HOST="+post.Addr, "EMAIL_FROM=robot@example.com", "HOST=cards.example", "LIMIT_USER_MAX_REQUESTS=0", "LIMIT_IP_MAX_REQUESTS=0")
	}
	o := &postOffice{T: t, app: open(t, target, env...), mail: post}
	o.http = o.app.Handler()
	ctx, cancel := context.WithCancel(t.Context())
	done, ready := make(chan error, 1), make(chan struct{})
	go func() { done <- o.app.Run(ctx, func(net.Addr) { close(ready) }) }()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	o.end = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(o.end)
	return o
}

func basicOf(login, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(login+":"+password))
}

// call is a call of the administrator.
func (o *postOffice) call(status int, method, path, body string) string {
	o.Helper()
	w := ask(o.http, method, path, body, "Authorization", basicOf(bossLogin, bossPassword))
	if w.Code != status {
		o.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w.Body.String()
}

// hire adds an employee and gives the record's id.
func (o *postOffice) hire(name, email string) string {
	o.Helper()
	var made struct{ ID string }
	body := o.call(200, "POST", "/api/v1/catalogs/$users/records", fmt.Sprintf(`{"values":{"$name":%q,"$email":%q}}`, name, email))
	if err := json.Unmarshal([]byte(body), &made); err != nil {
		o.Fatal(err)
	}
	return made.ID
}

func (o *postOffice) change(id, values string) {
	o.Helper()
	o.call(200, "PATCH", "/api/v1/catalogs/$users/records/"+id, `{"values":`+values+`}`)
}

// invite is a record of $invites as an administrator sees it.
type invite struct {
	ID     string
	Values map[string]any
}

func (i invite) token() string { return i.Values["$hash"].(string) }

func (o *postOffice) invites() (list []invite) {
	o.Helper()
	if err := json.Unmarshal([]byte(o.call(200, "GET", "/api/v1/catalogs/$invites/records", "")), &list); err != nil {
		o.Fatal(err)
	}
	return list
}

var tokenForm = regexp.MustCompile(`http://cards\.example/auth/(?:setPass|register)\?token=([\w.]+)`)

// token is that of the link in a letter.
func (o *postOffice) token(l mailtest.Letter) string {
	o.Helper()
	m := tokenForm.FindStringSubmatch(l.Text)
	if m == nil || !strings.Contains(l.HTML, `<a href="`+m[0]+`">`) {
		o.Fatalf("no link in %+v", l)
	}
	return m[1]
}

// choose posts a password with a token, as a program.
func (o *postOffice) choose(token, password string) *httptest.ResponseRecorder {
	o.Helper()
	return ask(o.http, "POST", "/auth/setPass", url.Values{"token": {token}, "password": {password}}.Encode(),
		"Content-Type", "application/x-www-form-urlencoded")
}

// dead wants a token to be answered as one that never was.
func (o *postOffice) dead(what, token string) {
	o.Helper()
	for _, answers := range [][2]*httptest.ResponseRecorder{
		{o.choose(token, "password!"), o.choose("i1.ABC", "password!")},
		{ask(o.http, "GET", "/auth/setPass?token="+token, ""), ask(o.http, "GET", "/auth/setPass?token=", "")},
	} {
		got, want := answers[0], answers[1]
		same := func(w *httptest.ResponseRecorder) string { return marker.ReplaceAllString(w.Body.String(), "") }
		if got.Code != 400 || want.Code != 400 || same(got) != same(want) || got.Header().Get("Set-Cookie") != "" {
			o.Errorf("%s: %d %s, but %d %s", what, got.Code, got.Body, want.Code, want.Body)
		}
	}
}

// marker is what no two error bodies share.
var marker = regexp.MustCompile(`"(?:requestId|marker)":"[^"]*"`)

func (o *postOffice) signsIn(login, password string, status int) {
	o.Helper()
	body := url.Values{"email": {login}, "password": {password}}.Encode()
	w := ask(o.http, "POST", "/auth/login", body, "Content-Type", "application/x-www-form-urlencoded")
	if w.Code != status {
		o.Errorf("%s signs in: %d %s", login, w.Code, w.Body)
	}
}

// queued counts the letters in the outbox.
func (o *postOffice) queued() (n int) {
	o.Helper()
	o.outbox(func(context.Context, catalog.Writer, catalog.OutboxRow) error { n++; return nil })
	return n
}

// outbox calls each with the letters in the outbox.
func (o *postOffice) outbox(each func(context.Context, catalog.Writer, catalog.OutboxRow) error) {
	o.Helper()
	ctx := o.Context()
	st, err := o.app.Catalog.Structure(ctx)
	if err == nil {
		err = o.app.company.Update(ctx, catalog.Plan{Version: st.Version}, func(w catalog.Writer) error {
			rows, err := w.Outbox(ctx, []string{"mail"}, 0, 1000)
			for _, row := range rows {
				err = errors.Join(err, each(ctx, w, row))
			}
			return err
		})
	}
	if err != nil {
		o.Fatal(err)
	}
}

func eachPostOffice(t *testing.T, options mailtest.Options, test func(o *postOffice)) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		test(openPostOffice(t, target, mailtest.Start(t, options), "EMAIL_LOGIN="+options.Login, "EMAIL_PASSWORD="+options.Password))
	})
}
