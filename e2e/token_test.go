package e2e

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

// bearer is a caller who comes with a token only.
func (s *server) bearer(token string) *caller {
	c := s.admin()
	c.login, c.password, c.token = "", "", token
	return c
}

// newToken makes a token of the caller's.
func (c *caller) newToken(t *testing.T, limits object) (id, token string) {
	t.Helper()
	limits["name"] = "a program"
	made := decode[struct{ ID, Token string }](t, c.call(t, 200, "POST", "/api/v1/tokens", limits))
	return made.ID, made.Token
}

// TestTokens: a program works with a token, within its limits, also after a
// restart, until it is revoked.
func TestTokens(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db)
		admin := s.admin()
		orders := admin.newCatalog(t, "Orders", object{"name": "Name", "type": "text"})
		others := admin.newCatalog(t, "Others", object{"name": "Name", "type": "text"})
		id, token := admin.newToken(t, object{"catalogs": []string{orders.id}, "verbs": []string{"read", "create"}})
		_, foreign := admin.newToken(t, object{"ipRanges": []string{"192.0.2.0/24"}})

		program := s.bearer(token)
		values := object{"values": object{orders.fields["Name"]: "By a program"}}
		made := decode[record](t, program.call(t, 200, "POST", orders.records(""), values))
		if a := program.call(t, 200, "GET", orders.records("/%s", made.ID), nil); decode[record](t, a).Title != "By a program" || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s %v", a.body, a.header)
		}
		program.call(t, 403, "PATCH", orders.records("/%s", made.ID), values)
		program.call(t, 403, "GET", others.records(""), nil)
		program.call(t, 403, "POST", "/api/v1/sections", object{"name": "x"})
		program.call(t, 403, "POST", "/api/v1/tokens", object{"name": "x"})
		s.bearer(foreign).call(t, 401, "GET", orders.records(""), nil)
		if list := decode[[]object](t, program.call(t, 200, "GET", "/api/v1/catalogs", nil)); len(list) != 1 || list[0]["id"] != orders.id {
			t.Errorf("catalogs %v", list)
		}
		if body, status := curl(t, "http://"+s.addr+orders.records("?fields=[]"), token); status != "200" || !strings.Contains(body, "By a program") {
			t.Errorf("curl: %s %s", status, body)
		}
		if body, status := curl(t, "http://"+s.addr+others.records(""), token); status != "403" || !strings.Contains(body, "forbidden") {
			t.Errorf("curl: %s %s", status, body)
		}

		log := s.log
		s.stop()
		if strings.Contains(log.String(), token[19:]) {
			t.Error("the log tells the token")
		}
		s.start()
		program, admin = s.bearer(token), s.admin()
		shown := decode[object](t, admin.call(t, 200, "GET", "/api/v1/tokens/"+id, nil))
		if shown["lastUsedIp"] != "127.0.0.1" || shown["token"] != nil {
			t.Errorf("after a restart: %v", shown)
		}
		program.call(t, 200, "GET", orders.records(""), nil)
		admin.call(t, 200, "DELETE", "/api/v1/tokens/"+id, nil)
		program.call(t, 401, "GET", orders.records(""), nil)
		s.stop()
	})
}

// curl is what a person tries first.
func curl(t *testing.T, address, token string) (body, status string) {
	t.Helper()
	out, err := exec.Command("curl", "-sS", "-g", "-w", "\n%{http_code}", "-H", "Authorization: Bearer "+token, address).CombinedOutput()
	if err != nil {
		t.Fatalf("curl: %v\n%s", err, out)
	}
	text := string(out)
	i := strings.LastIndexByte(text, '\n')
	return text[:i], text[i+1:]
}

// endsOnTheOtherNode revokes a token on one node and waits for the other one.
func endsOnTheOtherNode(t *testing.T, here, there *server) {
	id, token := here.admin().newToken(t, object{})
	program := there.bearer(token)
	program.call(t, 200, "GET", "/api/v1/profile/me", nil)
	here.admin().call(t, 200, "DELETE", "/api/v1/tokens/"+id, nil)
	here.bearer(token).call(t, 401, "GET", "/api/v1/profile/me", nil)
	revoked := time.Now()
	for {
		a, err := program.send("GET", "/api/v1/profile/me", nil)
		if err != nil {
			t.Fatal(err)
		}
		if a.status == 401 {
			break
		}
		if time.Since(revoked) > 15*time.Second {
			t.Fatalf("a token that was revoked on one node lives on the other: status %d", a.status)
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("dead on the other node after %s", time.Since(revoked).Round(time.Millisecond))
}
