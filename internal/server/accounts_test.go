package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kartoteka/internal/account"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

// office is a program with a client for each person.
type office struct {
	*testing.T
	app     *App
	handler http.Handler
}

func eachOffice(t *testing.T, test func(o *office)) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		app := open(t, target)
		test(&office{t, app, app.Handler()})
	})
}

// credentials are those of a person whose password is the login and "-password".
func credentials(login string) string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(login, login+"-password")
	return r.Header.Get("Authorization")
}

// as makes a request as a person, by default as the boss.
func (o *office) as(authorization, method, path, body string) *httptest.ResponseRecorder {
	o.Helper()
	if authorization == "" {
		authorization = basic()
	}
	return ask(o.handler, method, "/api/v1"+path, body, "Authorization", authorization)
}

// must makes a request of the boss that is to have a status, and decodes the answer.
func (o *office) must(status int, method, path, body string) map[string]any {
	o.Helper()
	w := o.as("", method, path, body)
	if w.Code != status {
		o.Fatalf("%s %s %s: %d %s", method, path, body, w.Code, w.Body)
	}
	var answer map[string]any
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			o.Fatalf("%s %s: %v in %s", method, path, err, w.Body)
		}
	}
	return answer
}

// values are the values of a record under their text ids.
func (o *office) values(path string) map[string]any {
	o.Helper()
	values, _ := o.must(200, "GET", path+"?skipPrevId=true", "")["values"].(map[string]any)
	return values
}

// hire makes an employee and gives the numbers of the employee and the account.
func (o *office) hire(login string) (employee, id string) {
	o.Helper()
	made := o.must(200, "POST", "/catalogs/$users/records",
		fmt.Sprintf(`{"values":{"$name":"Name of %[1]s","$email":%[1]q,"$password":"%[1]s-password"}}`, login))
	a, err := o.app.Accounts.AccountByLogin(o.Context(), login)
	if err != nil {
		o.Fatal(err)
	}
	return made["id"].(string), fmt.Sprint(a.ID)
}

func TestAccountsAreRecords(t *testing.T) {
	eachOffice(t, func(o *office) {
		boss := o.values("/catalogs/$accounts/records/1")
		for key, want := range map[string]any{"$name": "Administrator", "$email": bossLogin, "$failedLogins": 0.0, "$requestLimit": nil, "$sessionsFrom": nil} {
			if boss[key] != want {
				o.Errorf("%s is %v, not %v", key, boss[key], want)
			}
		}
		companies, _ := json.Marshal(boss["$companies"])
		if !strings.Contains(string(companies), `"recordId":"1"`) || !strings.Contains(string(companies), `"recordTitle":"Kartoteka"`) {
			o.Errorf("companies %s", companies)
		}
		_, id := o.hire("bo")
		if got := o.values("/catalogs/17/records/" + id); got["$name"] != "Name of bo" || got["$email"] != "bo" {
			o.Errorf("the new account is shown as %v", got)
		}
		for _, key := range []string{"hash", "salt", "password"} {
			if w := o.as("", "GET", "/catalogs/$accounts/records/"+id, ""); strings.Contains(strings.ToLower(w.Body.String()), key) {
				o.Errorf("the record of an account has a %s: %s", key, w.Body)
			}
		}
		o.must(400, "POST", "/catalogs/$accounts/records", `{"values":{"$name":"Cy","$email":"cy"}}`)
		o.must(400, "POST", "/catalogs/$accounts/clear", `{"name":"Accounts"}`)
		// What was read can be sent back; what the server keeps is passed over.
		sent, _ := json.Marshal(map[string]any{"values": o.values("/catalogs/$accounts/records/" + id)})
		if got := o.must(200, "PATCH", "/catalogs/$accounts/records/"+id, string(sent))["values"].(map[string]any); len(got) != 0 {
			o.Errorf("sending back changes %v", got)
		}
		o.must(200, "PATCH", "/catalogs/$accounts/records/"+id, `{"values":{"$lastLogin":"2031-01-01T00:00:00.000Z"}}`)
		if got := o.values("/catalogs/$accounts/records/" + id)["$lastLogin"]; got != nil {
			o.Errorf("the last log-in was set to %v", got)
		}
	})
}

func TestAccountFollows(t *testing.T) {
	eachOffice(t, func(o *office) {
		_, id := o.hire("bo")
		path := "/catalogs/$accounts/records/" + id
		if w := o.as(credentials("bo"), "GET", "/profile/me", ""); w.Code != 200 {
			o.Fatal(w.Code, w.Body)
		}
		wrong := &http.Request{Header: http.Header{}}
		wrong.SetBasicAuth("bo", "wrong")
		o.as(wrong.Header.Get("Authorization"), "GET", "/profile/me", "")
		history := o.as("", "GET", "/histories?catalogId=$accounts&recordId="+id, "").Body.String()
		o.follow()
		got := o.values(path)
		if got["$failedLogins"] != 1.0 || got["$lastLogin"] == nil || got["$lastActivity"] == nil {
			o.Errorf("after a log-in and a failure: %v", got)
		}
		if now := o.as("", "GET", "/histories?catalogId=$accounts&recordId="+id, "").Body.String(); now != history {
			o.Errorf("following made history: %s, then %s", history, now)
		}
		// Own fields are nobody's but their users'.
		o.must(200, "PATCH", "/catalogs/$accounts", withField(o.must(200, "GET", "/catalogs/$accounts", ""), `{"id":"note","name":"Note","type":"text"}`))
		o.must(200, "PATCH", path, `{"values":{"note":"kept"}}`)
		name := "Another name"
		if err := o.app.Accounts.EditAccount(o.Context(), o.account("bo").ID, account.Edit{Name: &name}); err != nil {
			o.Fatal(err)
		}
		o.follow()
		if got := o.values(path); got["note"] != "kept" || got["$name"] != name {
			o.Errorf("with an own field the record is %v", got)
		}
		// An account that is removed by other means takes its record along.
		if err := o.app.Accounts.DeleteAccount(o.Context(), o.account("bo").ID); err != nil {
			o.Fatal(err)
		}
		o.follow()
		o.must(404, "GET", path, "")
	})
}

// follow does what the program does each minute.
func (o *office) follow() {
	o.Helper()
	if err := o.app.Catalog.FollowServer(o.Context()); err != nil {
		o.Fatal(err)
	}
}

// withField is the body that adds a field to a catalog.
func withField(c map[string]any, field string) string {
	fields := append([]any{}, c["fields"].([]any)...)
	body, _ := json.Marshal(map[string]any{"fields": append(fields, json.RawMessage(field))})
	return string(body)
}

func TestAccountEdits(t *testing.T) {
	eachOffice(t, func(o *office) {
		employee, id := o.hire("bo")
		path := "/catalogs/$accounts/records/" + id
		cookie, _, _ := strings.Cut(o.as(credentials("bo"), "GET", "/profile/me", "").Header().Get("Set-Cookie"), ";")
		me := func(header, value string) *httptest.ResponseRecorder {
			return ask(o.handler, "GET", "/api/v1/profile/me", "", header, value)
		}
		if w := me("Cookie", cookie); w.Code != 200 {
			o.Fatal(w.Code, w.Body)
		}
		o.must(200, "PATCH", path, `{"values":{"$name":"Bo the First","$requestLimit":7,"$limitInterval":60000}}`)
		if w := me("Cookie", cookie); w.Header().Get("X-RateLimit-Limit") != "7" {
			o.Errorf("the limit of the next request is %s", w.Header().Get("X-RateLimit-Limit"))
		}
		a := o.account("bo")
		if a.Name != "Bo the First" || a.RequestLimit != 7 || a.RequestInterval.Milliseconds() != 60000 {
			o.Errorf("the account is %+v", a)
		}
		o.must(200, "PATCH", path, `{"values":{"$sessionsFrom":"`+a.LastLogin.AddDate(0, 0, 1).Format("2006-01-02T15:04:05Z")+`"}}`)
		if w := me("Cookie", cookie); w.Code != 200 {
			o.Errorf("before the start of new sessions: %d", w.Code)
		}
		o.must(200, "PATCH", path, `{"values":{"$sessionsFrom":"`+o.app.now().UTC().Format("2006-01-02T15:04:05.000Z")+`"}}`)
		if w := me("Cookie", cookie); w.Code != 401 {
			o.Errorf("a session from before the start of new ones: %d", w.Code)
		}
		for name, body := range map[string]string{
			"negative": `{"values":{"$requestLimit":-1}}`, "fraction": `{"values":{"$limitInterval":1.5}}`, "huge": `{"values":{"$requestLimit":1e300}}`,
			"count": `{"values":{"$failedLogins":3}}`, "no login": `{"values":{"$email":""}}`, "colon": `{"values":{"$email":"a:b"}}`,
			"taken": `{"values":{"$email":"` + strings.ToUpper(bossLogin) + `"}}`,
		} {
			w := o.as("", "PATCH", path, body)
			if w.Code != 400 || !strings.Contains(w.Body.String(), `"fieldId":"$`) {
				o.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
		o.must(200, "PATCH", path, `{"values":{"$email":"bob@example.com"}}`)
		if got := o.values("/catalogs/$users/records/" + employee)["$email"]; got != "bob@example.com" {
			o.Errorf("the employee's e-mail is %v", got)
		}
		if got := o.account("bob@example.com"); fmt.Sprint(got.ID) != id || len(got.Links) != 1 {
			o.Errorf("the account is %+v", got)
		}
		if history := o.as("", "GET", "/histories?catalogId=$users&recordId="+employee, "").Body.String(); !strings.Contains(history, `"newValue":"bob@example.com"`) {
			o.Errorf("the employee's history is %s", history)
		}
		o.must(200, "PATCH", "/catalogs/$users/records/"+employee, `{"values":{"$name":"Bob"}}`)
		if got := o.account("bob@example.com"); fmt.Sprint(got.ID) != id || len(got.Links) != 1 {
			o.Errorf("after the employee's renaming the account is %+v", got)
		}
	})
}

func (o *office) account(login string) account.Account {
	o.Helper()
	a, err := o.app.Accounts.AccountByLogin(o.Context(), login)
	if err != nil {
		o.Fatal(err)
	}
	return a
}

func TestAccountUnlocked(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		app := open(t, target, "LOGIN_LIMIT_MAX_AUTH_ATTEMPTS=2", "LOGIN_LIMIT_SPEED=0")
		o := &office{t, app, app.Handler()}
		_, id := o.hire("bo")
		wrong := &http.Request{Header: http.Header{}}
		wrong.SetBasicAuth("bo", "wrong")
		for range 2 {
			o.as(wrong.Header.Get("Authorization"), "GET", "/profile/me", "")
		}
		if w := o.as(credentials("bo"), "GET", "/profile/me", ""); w.Code != 403 {
			o.Fatal(w.Code, w.Body)
		}
		// The record does not show the failures yet.
		o.must(200, "PATCH", "/catalogs/$accounts/records/"+id, `{"values":{"5":0}}`)
		if w := o.as(credentials("bo"), "GET", "/profile/me", ""); w.Code != 200 {
			o.Error(w.Code, w.Body)
		}
	})
}

func TestAccountDeleted(t *testing.T) {
	eachOffice(t, func(o *office) {
		employee, id := o.hire("bo")
		cookie, _, _ := strings.Cut(o.as(credentials("bo"), "GET", "/profile/me", "").Header().Get("Set-Cookie"), ";")
		if w := o.as("", "DELETE", "/catalogs/$accounts/records/1", ""); w.Code != 400 || !strings.Contains(w.Body.String(), `"last_admin"`) {
			o.Errorf("the last administrator's account: %d %s", w.Code, w.Body)
		}
		o.must(200, "GET", "/catalogs/$accounts/records/1", "")
		o.must(200, "DELETE", "/catalogs/$accounts/records/"+id, "")
		if _, err := o.app.Accounts.AccountByLogin(o.Context(), "bo"); err == nil {
			o.Error("the account is still there")
		}
		if w := ask(o.handler, "GET", "/api/v1/profile/me", "", "Cookie", cookie); w.Code != 401 {
			o.Errorf("its session: %d", w.Code)
		}
		got := o.values("/catalogs/$users/records/" + employee)
		if got["$name"] != "Name of bo" || got["$email"] != "" {
			o.Errorf("the employee is %v", got)
		}
		o.must(404, "DELETE", "/catalogs/$accounts/records/"+id, "")
		o.follow()
		o.must(404, "GET", "/catalogs/$accounts/records/"+id, "")
		if found, err := o.app.check(o.Context()); err != nil || found != nil {
			o.Errorf("the check finds %v, %v", found, err)
		}
	})
}

// stubborn is a directory that fails until it is mended.
type stubborn struct {
	accountDirectory
	broken bool
}

func (s *stubborn) Apply(ctx context.Context, m catalog.AccountMessage) error {
	if s.broken {
		return errors.New("the disk is full")
	}
	return s.accountDirectory.Apply(ctx, m)
}

func TestAccountMessagesAreNotLost(t *testing.T) {
	eachOffice(t, func(o *office) {
		employee, id := o.hire("bo")
		d := &stubborn{accountDirectory: accountDirectory{o.app.Accounts}, broken: true}
		o.app.Catalog = catalog.New(o.app.company, o.app.catalogOptions(d))
		o.handler = o.app.Handler()
		o.must(200, "PATCH", "/catalogs/$accounts/records/"+id, `{"values":{"$email":"bob","$requestLimit":5}}`)
		o.must(200, "PATCH", "/catalogs/$users/records/"+employee, `{"values":{"$password":"another password"}}`)
		o.follow() // must not undo what waits
		if got := o.values("/catalogs/$accounts/records/" + id); got["$email"] != "bob" || got["$requestLimit"] != 5.0 {
			o.Errorf("while the message waits the record is %v", got)
		}
		d.broken = false
		again, err := Open(o.Context(), o.app.Settings, "1.2.3", slog.New(slog.DiscardHandler))
		if o.app.Settings.DBConnection == "" {
			if err == nil {
				o.Fatal("two programs have one folder")
			}
			if _, err := o.app.Catalog.Open(o.Context(), catalog.First{}); err != nil {
				o.Fatal(err)
			}
		} else if err != nil {
			o.Fatal(err)
		} else if err := again.Close(); err != nil {
			o.Fatal(err)
		}
		a := o.account("bob")
		if fmt.Sprint(a.ID) != id || a.RequestLimit != 5 || len(a.Links) != 1 {
			o.Errorf("the account is %+v", a)
		}
		if _, err := o.app.Accounts.AccountByLogin(o.Context(), "bo"); err == nil {
			o.Error("the old login came back")
		}
		o.app.Accounts.Reset()
		r := &http.Request{Header: http.Header{}}
		r.SetBasicAuth("bob", "another password")
		if w := o.as(r.Header.Get("Authorization"), "GET", "/profile/me", ""); w.Code != 200 {
			o.Errorf("the new password: %d %s", w.Code, w.Body)
		}
		// Repeated after a crash it changes nothing.
		login := "bob"
		if err := d.Apply(o.Context(), catalog.AccountMessage{Account: query.Record(a.ID), Login: &login}); err != nil {
			o.Error(err)
		}
		if err := d.Apply(o.Context(), catalog.AccountMessage{Account: 999, Delete: true}); err != nil {
			o.Error(err)
		}
	})
}
