package server

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/mail/mailtest"
	"kartoteka/internal/store/testdb"
)

func TestInvitation(t *testing.T) {
	eachPostOffice(t, mailtest.Options{StartTLS: true, Login: "robot", Password: "secret"}, func(o *postOffice) {
		o.hire("Bob <b>", "Bob@example.com")
		l := o.mail.Next()
		token := o.token(l)
		if l.To != "Bob@example.com" || !l.Encrypted || l.Subject != "Administrator invites you to cards.example" ||
			!strings.Contains(l.HTML, "Bob &lt;b&gt;") || !strings.Contains(l.Text, "Bob <b>") {
			o.Errorf("%+v", l)
		}
		if list := o.invites(); len(list) != 1 || list[0].token() != token || list[0].Values["$email"] != "Bob@example.com" {
			o.Errorf("%v", list)
		}
		o.signsIn("bob@example.com", "", 400)
		o.signsIn("bob@example.com", "anything", 401)

		page := ask(o.http, "GET", "/auth/setPass?token="+token, "", "Accept", "text/html")
		if page.Code != 200 || !strings.Contains(page.Body.String(), `value="`+token+`"`) || page.Header().Get("Referrer-Policy") != "no-referrer" {
			o.Errorf("%d %s %v", page.Code, page.Body, page.Header())
		}
		if w := o.choose(token, "short"); w.Code != 400 || !strings.Contains(w.Body.String(), `"password"`) {
			o.Errorf("%d %s", w.Code, w.Body)
		}
		w := o.choose(token, "a long password")
		cookie, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
		if w.Code != 200 || !strings.Contains(w.Body.String(), `"result":true`) || cookie == "" {
			o.Fatalf("%d %s", w.Code, w.Body)
		}
		if me := ask(o.http, "GET", "/api/v1/profile/me", "", "Cookie", cookie); me.Code != 200 || !strings.Contains(me.Body.String(), "Bob@example.com") {
			o.Errorf("%d %s", me.Code, me.Body)
		}
		o.dead("a used token", token)
		if done := o.mail.Next(); done.Subject != "Welcome to cards.example" || done.To != l.To {
			o.Errorf("%+v", done)
		}
		o.signsIn("BOB@example.com", "a long password", 200)
		if list := o.invites(); len(list) != 0 {
			o.Errorf("%v", list)
		}
		o.end()
		if n := o.queued(); n != 0 || o.mail.Waiting() != 0 {
			o.Errorf("%d letters are left, %d came", n, o.mail.Waiting())
		}
	})
}

// What becomes of an employee becomes of the invitation.
func TestInvitationFollowsTheEmployee(t *testing.T) {
	eachPostOffice(t, mailtest.Options{}, func(o *postOffice) {
		id := o.hire("Bob", "bob@example.com")
		first := o.token(o.mail.Next())
		o.change(id, `{"$name":"Robert"}`)
		if list := o.invites(); len(list) != 1 || list[0].token() != first {
			o.Errorf("renamed: %v", list)
		}
		o.change(id, `{"$email":"rob@example.com"}`)
		l := o.mail.Next()
		second := o.token(l)
		if l.To != "rob@example.com" || !strings.Contains(l.Text, "Robert") {
			o.Errorf("%+v", l)
		}
		o.dead("of the old address", first)
		o.change(id, `{"$email":""}`)
		o.dead("of an address that was cleared", second)
		o.change(id, `{"$email":"rob@example.com"}`)
		third := o.token(o.mail.Next())
		o.change(id, `{"$password":"set by the boss"}`)
		o.dead("after the password was set", third)
		o.signsIn("rob@example.com", "set by the boss", 200)

		// The account is known now, also when somebody else's record gets it.
		o.call(200, "DELETE", "/api/v1/catalogs/$users/records/"+id, "")
		o.signsIn("rob@example.com", "set by the boss", 403)
		again := o.hire("Rob again", "ROB@example.com")
		if l := o.mail.Next(); !strings.Contains(l.Text, "http://cards.example/auth/login") || strings.Contains(l.Text, "token") {
			o.Errorf("%+v", l)
		}
		o.signsIn("rob@example.com", "set by the boss", 200)
		o.call(200, "DELETE", "/api/v1/catalogs/$users/records/"+again, "")

		gone := o.hire("Ann", "ann@example.com")
		token := o.token(o.mail.Next())
		o.call(200, "DELETE", "/api/v1/catalogs/$users/records/"+gone, "")
		o.dead("of a removed employee", token)
		o.hire("Cy", "cy@example.com")
		token = o.token(o.mail.Next())
		list := o.invites()
		if len(list) != 1 {
			o.Fatalf("%v", list)
		}
		o.call(200, "DELETE", "/api/v1/catalogs/$invites/records/"+list[0].ID, "")
		o.dead("withdrawn", token)
		o.call(400, "POST", "/api/v1/catalogs/$users/records", `{"values":{"$name":"Twin","$email":"CY@example.com"}}`)
		o.end()
		if n := o.queued(); n != 0 || o.mail.Waiting() != 0 {
			o.Errorf("%d letters are left, %d came", n, o.mail.Waiting())
		}
	})
}

// Of many who use one invitation at once one gets through.
func TestInvitationRace(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		o := openPostOffice(t, target, nil, "LIMIT_IP_MAX_REQUESTS=0")
		o.hire("Bob", "bob")
		token := o.invites()[0].token()
		codes := make([]int, 6)
		var wg sync.WaitGroup
		for i := range codes {
			wg.Go(func() { codes[i] = o.choose(token, fmt.Sprint("password ", i)).Code })
		}
		wg.Wait()
		winner := -1
		for i, code := range codes {
			switch {
			case code == 200 && winner < 0:
				winner = i
			case code != 400:
				t.Errorf("answers %v", codes)
			}
		}
		if winner < 0 {
			t.Fatalf("answers %v", codes)
		}
		o.signsIn("bob", fmt.Sprint("password ", winner), 200)
	})
}

// A mail server that is down, refuses or is slow holds up nobody.
func TestMailServerOutOfOrder(t *testing.T) {
	eachPostOffice(t, mailtest.Options{}, func(o *postOffice) {
		o.mail.Stop()
		o.hire("Ann", "ann@example.com")
		o.mail.Restart()
		o.mail.Refuse(451)
		o.hire("Bob", "bob@example.com")
		o.mail.Refused()
		// From now on no letter ends before all of this is answered.
		release := o.mail.Hold()
		defer release()
		o.mail.Refuse(0)
		o.hire("Cy", "cy@example.com")
		if len(o.invites()) != 3 || o.mail.Waiting() != 0 {
			o.Errorf("%d invitations, %d letters", len(o.invites()), o.mail.Waiting())
		}
		release()
		to := map[string]bool{}
		for range 3 {
			to[o.mail.Next().To] = true
		}
		if len(to) != 3 {
			o.Errorf("letters to %v", to)
		}
	})
}

// A letter that nobody can get is given up, and the others go on.
func TestRefusedLetter(t *testing.T) {
	o := openPostOffice(t, testdb.SQLite(t), mailtest.Start(t, mailtest.Options{}))
	o.mail.Refuse(550)
	o.hire("Ann", "ann@example.com")
	o.mail.Refused()
	o.mail.Refuse(0)
	o.hire("Bob", "bob@example.com")
	if l := o.mail.Next(); l.To != "bob@example.com" {
		t.Errorf("%+v", l)
	}
	o.end()
	if n := o.queued(); n != 0 {
		t.Errorf("%d letters are left", n)
	}
}

// A letter that could not be sent for a day is given up, and the others go on.
func TestLetterIsGivenUp(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		post := mailtest.Start(t, mailtest.Options{})
		post.Refuse(451)
		o := openPostOffice(t, target, post)
		o.hire("Ann", "ann@example.com")
		post.Refused()
		o.end()
		o.outbox(func(ctx context.Context, w catalog.Writer, row catalog.OutboxRow) error {
			var l map[string]any
			if err := json.Unmarshal(row.Payload, &l); err != nil {
				return err
			}
			l["since"], l["due"] = l["since"].(float64)-24*60*60*1000, 0
			aged, err := json.Marshal(l)
			if err != nil {
				return err
			}
			_, err = w.Replace(ctx, row, aged)
			return err
		})
		if err := o.app.Close(); err != nil {
			t.Fatal(err)
		}
		o = openPostOffice(t, target, post)
		post.Refused()
		o.hire("Bob", "bob@example.com")
		post.Refused() // the worker is done with the first one
		post.Refuse(0)
		if l := post.Next(); l.To != "bob@example.com" {
			t.Errorf("%+v", l)
		}
		o.end()
		if n := o.queued(); n != 0 || post.Waiting() != 0 {
			t.Errorf("%d letters are left, %d came", n, post.Waiting())
		}
	})
}

// What was queued before the program ended is sent when it starts again.
func TestLettersSurviveARestart(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		post := mailtest.Start(t, mailtest.Options{})
		post.Stop()
		o := openPostOffice(t, target, post)
		o.hire("Ann", "ann@example.com")
		o.end()
		if err := o.app.Close(); err != nil {
			t.Fatal(err)
		}
		post.Restart()
		// The last attempt of the old process may have claimed the letter just
		// before; it has put it back.
		openPostOffice(t, target, post)
		if l := post.Next(); l.To != "ann@example.com" {
			t.Errorf("%+v", l)
		}
	})
}

func TestResetByLetter(t *testing.T) {
	eachPostOffice(t, mailtest.Options{}, func(o *postOffice) {
		o.hire("Bob", "bob@example.com")
		invited := o.token(o.mail.Next())
		wanted := func(login string) {
			o.Helper()
			if w := ask(o.http, "POST", "/auth/resetPassword", `{"email":"`+login+`"}`); w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"result":true}` {
				o.Errorf("%s: %d %s", login, w.Code, w.Body)
			}
		}
		for _, login := range []string{"nobody@example.com", "bob@example.com", "x\u2028y", bossLogin, bossLogin} {
			wanted(login)
		}
		// Only the administrator has a password to be replaced.
		l, second := o.mail.Next(), o.token(o.mail.Next())
		token := o.token(l)
		if l.To != bossLogin || l.Subject != "New password for cards.example" {
			o.Errorf("%+v", l)
		}
		session := ask(o.http, "POST", "/auth/login", `{"email":"`+bossLogin+`","password":"`+bossPassword+`"}`).Header().Get("Set-Cookie")
		cookie, _, _ := strings.Cut(session, ";")
		w := ask(o.http, "POST", "/auth/setPass", `{"token":"`+token+`","password":"quite another"}`)
		if w.Code != 200 || w.Header().Get("Set-Cookie") == "" {
			o.Fatalf("%d %s", w.Code, w.Body)
		}
		if me := ask(o.http, "GET", "/api/v1/profile/me", "", "Cookie", cookie); me.Code != 401 {
			o.Errorf("the old session: %d", me.Code)
		}
		o.dead("used", token)
		o.dead("of before the password", second)
		o.signsIn(bossLogin, "quite another", 200)
		if w := o.choose(invited, "bob's password"); w.Code != 200 {
			o.Errorf("the invitation of another one: %d", w.Code)
		}
		o.mail.Next() // the registration is done
		wanted(bossLogin)
		o.mail.Next()
		wanted(bossLogin) // one too many within the hour
		wanted("bob@example.com")
		if l := o.mail.Next(); l.To != "bob@example.com" {
			o.Errorf("%+v", l)
		}
	})
}

// Two nodes send each letter once.
func TestTwoNodesSendOnce(t *testing.T) {
	target := testdb.Postgres(t)
	post := mailtest.Start(t, mailtest.Options{})
	nodes := []*postOffice{openPostOffice(t, target, post), openPostOffice(t, target, post)}
	const letters = 30
	post.Stop() // so that both have all of them to send
	var wg sync.WaitGroup
	for i := range letters {
		wg.Go(func() { nodes[i%2].hire(fmt.Sprint("Employee ", i), fmt.Sprintf("e%d@example.com", i)) })
	}
	wg.Wait()
	post.Restart()
	got := map[string]int{}
	for range letters {
		got[post.Next().To]++
	}
	list := nodes[1].invites()
	for _, node := range nodes {
		node.end()
	}
	if nodes[0].queued() != 0 {
		t.Errorf("%d letters are left", nodes[0].queued())
	}
	if len(got) != letters || post.Waiting() != 0 {
		t.Errorf("%d of %d came, %d more: %v", len(got), letters, post.Waiting(), got)
	}
	if len(list) != letters {
		t.Errorf("%d invitations", len(list))
	}
}

func TestWithoutMailServer(t *testing.T) {
	o := openPostOffice(t, testdb.SQLite(t), nil)
	o.hire("Bob", "bob@example.com")
	o.hire("Cy", "cy")
	list := o.invites()
	if n := o.queued(); n != 0 || len(list) != 2 {
		t.Fatalf("%d letters, invitations %v", n, list)
	}
	for _, i := range list {
		if w := o.choose(i.token(), "a long password"); w.Code != 200 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if w := ask(o.http, "POST", "/auth/resetPassword", `{"email":"bob@example.com"}`); w.Code != 200 {
		t.Errorf("%d", w.Code)
	}
	if page := ask(o.http, "GET", "/auth/login", "", "Accept", "text/html"); strings.Contains(page.Body.String(), "resetPassword") {
		t.Error("the page offers letters")
	}
}

// Templates are the company's: changed ones are used, broken and deleted ones are
// replaced by the built-in text, and none comes back by itself.
func TestTemplates(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		post := mailtest.Start(t, mailtest.Options{})
		o := openPostOffice(t, target, post, "DEFAULT_LANGUAGE=uk")
		var list []invite
		read := func() {
			t.Helper()
			list = nil
			if err := json.Unmarshal([]byte(o.call(200, "GET", "/api/v1/catalogs/$emailTemplates/records", "")), &list); err != nil {
				t.Fatal(err)
			}
		}
		read()
		id := ""
		for _, r := range list {
			if r.Values["$templateCode"] == "invite-from-company-for-new" {
				id = r.ID
			}
		}
		if len(list) != 5 || id == "" {
			t.Fatalf("%v", list)
		}
		path := "/api/v1/catalogs/$emailTemplates/records/" + id
		o.hire("Ann", "ann@example.com")
		if l := post.Next(); !strings.Contains(l.Text, "Вітаємо, Ann!") {
			t.Errorf("%+v", l)
		}
		o.call(200, "PATCH", path, `{"values":{"$from":"Our\tcards","$subject":"For {{inviteUser}}","$template":"<p>{{#if inviteUser}}Go to http://{{loginLink}}{{/if}}, {{inviteUser}}{{nothing}}</p>"}}`)
		o.hire("<i>Bob", "bob@example.com")
		l := post.Next()
		if l.Subject != "For <i>Bob" || !strings.HasSuffix(strings.TrimSpace(l.HTML), ", &lt;i&gt;Bob</p>") || !strings.Contains(l.Header.Get("From"), "Our cards") {
			t.Errorf("%+v", l)
		}
		o.call(200, "PATCH", path, `{"values":{"$template":"{{#if inviteUser}}"}}`)
		o.hire("Cy", "cy@example.com")
		if l := post.Next(); !strings.Contains(l.Text, "Вітаємо, Cy!") {
			t.Errorf("%+v", l)
		}
		o.call(200, "DELETE", path, "")
		o.end()
		if err := o.app.Close(); err != nil {
			t.Fatal(err)
		}
		o = openPostOffice(t, target, post, "DEFAULT_LANGUAGE=uk")
		if read(); len(list) != 4 {
			t.Errorf("after a restart: %v", list)
		}
		o.hire("Di", "di@example.com")
		if l := post.Next(); !strings.Contains(l.Text, "Вітаємо, Di!") {
			t.Errorf("%+v", l)
		}
	})
}
