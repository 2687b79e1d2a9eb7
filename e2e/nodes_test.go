package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestTwoNodes: two processes on one PostgreSQL. What one does to the structure
// binds the very next request to the other.
func TestTwoNodes(t *testing.T) {
	shared := []string{"KARTOTEKA_DB_CONNECTION_STRING=" + newPostgres(t), "KARTOTEKA_COOKIE_SECRET=one secret for both nodes"}
	first, second := serve(t, sqlite, shared...), serve(t, sqlite, shared...)
	callers := []*caller{first.admin(), second.admin()}
	k := callers[0].newCatalog(t, "Shared", object{"name": "Field 0", "type": "text"})

	t.Run("structure", func(t *testing.T) {
		for i := 1; i <= 40; i++ {
			a, b := callers[i%2], callers[(i+1)%2]
			// The catalog keeps one field: the new one replaces the old one.
			name := fmt.Sprint("Field ", i)
			a.call(t, 200, "PATCH", "/api/v1/catalogs/"+k.id, object{"fields": []object{{"name": name, "type": "text", "required": true}}})
			old := k.fields
			k = b.catalog(t, k.id)
			if len(k.fields) != 1 || k.fields[name] == "" {
				t.Fatalf("round %d: the other node shows %v", i, k.fields)
			}
			for _, id := range old {
				bad := decode[object](t, b.call(t, 400, "POST", k.records(""), object{"values": object{id: "x"}}))
				if bad["code"] != "unknown_field" {
					t.Fatalf("round %d: the other node takes a removed field: %v", i, bad)
				}
			}
			b.call(t, 400, "POST", k.records(""), object{"values": object{}})
			b.call(t, 200, "POST", k.records(""), object{"values": object{k.fields[name]: fmt.Sprint("value ", i)}})
		}
	})
	t.Run("records", func(t *testing.T) {
		for i := range 20 {
			a, b := callers[i%2], callers[(i+1)%2]
			made := decode[record](t, a.call(t, 200, "POST", k.records(""), object{"values": object{k.fields["Field 40"]: "seen"}}))
			if got := decode[record](t, b.call(t, 200, "GET", k.records("/%s", made.ID), nil)); got.Title != "seen" {
				t.Errorf("record %+v", got)
			}
		}
	})
	t.Run("sessions", func(t *testing.T) {
		a := callers[0].call(t, 200, "GET", "/api/v1/profile/me", nil)
		cookie, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
		here, there := first.admin(), second.admin()
		here.cookie, there.cookie = cookie, cookie
		there.call(t, 200, "GET", "/api/v1/profile/me", nil)
		here.call(t, 200, "POST", "/auth/logout", nil)
		here.call(t, 401, "GET", "/api/v1/profile/me", nil)
		// A node asks the database again about a session it knows only after a while.
		for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(200 * time.Millisecond) {
			a, err := there.send("GET", "/api/v1/profile/me", nil)
			if err != nil {
				t.Fatal(err)
			}
			if a.status == 401 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("a session that ended on one node lives on the other: status %d", a.status)
			}
		}
	})
	t.Run("tokens", func(t *testing.T) { endsOnTheOtherNode(t, first, second) })
	t.Run("rights", func(t *testing.T) { rightsOnTheOtherNode(t, first, second) })
	t.Run("boards", func(t *testing.T) { boardsOnTheOtherNode(t, first, second) })
	t.Run("chats", func(t *testing.T) { chatsOnTheOtherNode(t, first, second) })
	t.Run("streams", func(t *testing.T) { streamsOnTheOtherNode(t, first, second) })
	t.Run("a removed catalog", func(t *testing.T) {
		callers[1].call(t, 200, "DELETE", "/api/v1/catalogs/"+k.id, nil)
		callers[0].call(t, 404, "GET", k.records(""), nil)
	})
	first.stop()
	second.stop()
}

// TestOneProcessPerFolder: a second server on the same folder says so and ends.
func TestOneProcessPerFolder(t *testing.T) {
	s := serve(t, sqlite)
	out, err := s.try("serve", "--data", s.dir, "--listen", "127.0.0.1:0")
	if err == nil {
		t.Fatalf("a second server ended without an error:\n%s", out)
	}
	if !strings.Contains(out, s.dir) {
		t.Errorf("the message does not name the folder:\n%s", out)
	}
	s.admin().call(t, 200, "GET", "/api/v1/sections", nil)
	s.stop()
}
