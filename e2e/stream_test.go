package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// told is an event of a stream; only ID is set in what tells where the stream is.
type told struct {
	ID, Name  string
	CatalogID string   `json:"catalogId"`
	RecordID  string   `json:"recordId"`
	Changed   []string `json:"changed"`
	At        string   `json:"at"`
}

// listening is curl -N on a stream.
type listening struct {
	t      *testing.T
	events chan told // closed when the stream ends
	at     string    // id of the last event
}

// listen opens a stream with curl, and waits until it has begun. after is the id of
// the last event, "" for none.
func (c *caller) listen(t *testing.T, query, after string) *listening {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	args := []string{"-sSN", "--fail-with-body", c.base + "/api/v1/stream?" + query}
	if c.token != "" {
		args = append(args, "-H", "Authorization: Bearer "+c.token)
	} else {
		args = append(args, "-u", c.login+":"+c.password)
	}
	if after != "" {
		args = append(args, "-H", "Last-Event-ID: "+after)
	}
	cmd := exec.CommandContext(ctx, "curl", args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	l := &listening{t: t, events: make(chan told, 1000), at: after}
	go func() {
		defer close(l.events)
		lines := bufio.NewScanner(out)
		for e := (told{}); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				e.ID = value
			case "event":
				e.Name = value
			case "data":
				_ = json.Unmarshal([]byte(value), &e) // what is missing is found out
			case "":
				l.events <- e
				e = told{}
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
	})
	return l
}

// next is the next event, "" for the end of the stream; what is only a number is
// passed over.
func (l *listening) next() string {
	l.t.Helper()
	for {
		select {
		case e, ok := <-l.events:
			if !ok {
				return ""
			}
			l.at = e.ID
			if e.Name == "" {
				continue
			}
			if _, err := time.Parse(time.RFC3339, e.At); err != nil {
				l.t.Errorf("the time of %+v: %v", e, err)
			}
			slices.Sort(e.Changed)
			return fmt.Sprint(e.Name, " ", e.RecordID, " ", e.Changed)
		case <-time.After(20 * time.Second):
			l.t.Fatal("nothing was heard for 20 s")
		}
	}
}

// began waits until the stream tells where it is.
func (l *listening) began() *listening {
	l.t.Helper()
	select {
	case e, ok := <-l.events:
		if !ok || e.Name != "" {
			l.t.Fatalf("the stream began with %+v", e)
		}
		l.at = e.ID
	case <-time.After(20 * time.Second):
		l.t.Fatal("the stream did not begin")
	}
	return l
}

func (l *listening) hears(want ...string) {
	l.t.Helper()
	for _, w := range want {
		if got := l.next(); got != w {
			l.t.Fatalf("heard %q, want %q", got, w)
		}
	}
}

// guardedStream is a catalog that a clerk sees a part of: cheap things, without notes.
type guardedStream struct {
	*testing.T
	catalog
	boss, clerk *caller
}

func newGuardedStream(t *testing.T, boss, clerk *caller) *guardedStream {
	t.Helper()
	clerk.login, clerk.password = "clerk-of-streams@example.com", "password1"
	k := boss.newCatalog(t, "Streamed", object{"name": "Name", "type": "text"}, object{"name": "Price", "type": "number"}, object{"name": "Note", "type": "text"})
	card := decode[record](t, boss.call(t, 200, "POST", "/api/v1/catalogs/$users/records",
		object{"values": object{"$name": "Clerk", "$email": clerk.login, "$password": clerk.password}})).ID
	seen := decode[object](t, boss.call(t, 200, "GET", "/api/v1/catalogs/"+k.id, nil))
	only := func(of object, who, privilege string, fields object) {
		rule := object{"rightSubject": object{"userAttr": "id", "catalogId": "$users", "recordId": who}, "privilegeCode": privilege, "fields": fields}
		boss.call(t, 200, "POST", "/api/v1/rights", object{"object": of, "rules": []object{rule}})
	}
	only(object{"sectionId": seen["sectionId"]}, "1", "admin", object{})
	view := decode[object](t, boss.call(t, 200, "POST", "/api/v1/catalogs/"+k.id+"/views", object{"name": "Cheap", "forRights": true,
		"filters": []object{{"fieldId": k.fields["Price"], "value": object{"to": 50}}}}))["id"]
	only(object{"catalogId": k.id, "viewId": view}, card, "view", object{k.fields["Note"]: "hide"})
	return &guardedStream{t, k, boss, clerk}
}

func (g *guardedStream) add(values object) string {
	g.Helper()
	return decode[record](g.T, g.boss.call(g.T, 200, "POST", g.records(""), object{"values": g.named(values)})).ID
}

func (g *guardedStream) patch(id string, values object) {
	g.Helper()
	g.boss.call(g.T, 200, "PATCH", g.records("/%s", id), object{"values": g.named(values)})
}

func (g *guardedStream) named(values object) object {
	of := object{}
	for name, v := range values {
		of[g.fields[name]] = v
	}
	return of
}

func (g *guardedStream) list(names ...string) string {
	ids := make([]string, len(names))
	for i, name := range names {
		ids[i] = g.fields[name]
	}
	slices.Sort(ids)
	return fmt.Sprint(ids)
}

// TestStream: who may see what is told of it, of nothing else, and again after the
// server was killed.
func TestStream(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db)
		g := newGuardedStream(t, s.admin(), s.admin())
		boss, clerk := g.boss.listen(t, "catalogId="+g.id, "").began(), g.clerk.listen(t, "catalogId="+g.id, "").began()
		dear := g.add(object{"Name": "dear", "Price": 100, "Note": "x"})
		cheap := g.add(object{"Name": "cheap", "Price": 5, "Note": "y"})
		g.patch(cheap, object{"Note": "z"}) // hidden
		g.patch(dear, object{"Price": 10})  // comes in
		g.patch(cheap, object{"Price": 70, "Note": "gone"})
		all := g.list("Name", "Price", "Note")
		boss.hears("record.created "+dear+" "+all, "record.created "+cheap+" "+all, "record.updated "+cheap+" "+g.list("Note"),
			"record.updated "+dear+" "+g.list("Price"), "record.updated "+cheap+" "+g.list("Price", "Note"))
		clerk.hears("record.created "+cheap+" "+g.list("Name", "Price"), "record.created "+dear+" "+g.list("Price"), "record.gone "+cheap+" []")

		s.kill()
		boss.hears("")
		clerk.hears("")
		s.start()
		g.boss.base, g.clerk.base = "http://"+s.addr, "http://"+s.addr
		g.patch(cheap, object{"Name": "unseen"})
		g.patch(dear, object{"Name": "seen", "Note": "n"})
		g.boss.call(t, 200, "DELETE", g.records("/%s", dear), nil)
		clerk = g.clerk.listen(t, "catalogId="+g.id, clerk.at)
		clerk.hears("record.updated "+dear+" "+g.list("Name"), "record.gone "+dear+" []")

		g.endsWithLogin(s)
		began := time.Now()
		open := g.boss.listen(t, "catalogId="+g.id, "").began()
		s.stop()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("with an open stream the server stopped after %s", took)
		}
		open.hears("")
	})
}

// endsWithLogin: a stream ends with the token that opened it, and with a password
// that is changed.
func (g *guardedStream) endsWithLogin(s *server) {
	g.Helper()
	id, token := g.boss.newToken(g.T, object{"verbs": []string{"read"}})
	program := s.bearer(token).listen(g.T, "catalogId="+g.id, "").began()
	g.boss.call(g.T, 200, "DELETE", "/api/v1/tokens/"+id, nil)
	program.hears("")
	clerk := g.clerk.listen(g.T, "catalogId="+g.id, "").began()
	users := decode[[]record](g.T, g.boss.call(g.T, 200, "GET", "/api/v1/catalogs/$users/records", nil))
	at := slices.IndexFunc(users, func(r record) bool { return r.Title == "Clerk" })
	g.boss.call(g.T, 200, "PATCH", "/api/v1/catalogs/$users/records/"+users[at].ID, object{"values": object{"$password": "password2"}})
	g.clerk.password = "password2"
	clerk.hears("")
}

// streamsOnTheOtherNode: who listens to one node hears what happens on the other, and
// may come back to either.
func streamsOnTheOtherNode(t *testing.T, here, there *server) {
	g := newGuardedStream(t, here.admin(), there.admin())
	clerk := g.clerk.listen(t, "catalogId="+g.id, "").began()
	cheap := g.add(object{"Name": "cheap", "Price": 5})
	clerk.hears("record.created " + cheap + " " + g.list("Name", "Price"))
	g.add(object{"Name": "dear", "Price": 500})
	g.patch(cheap, object{"Price": 6})
	clerk.hears("record.updated " + cheap + " " + g.list("Price"))
	g.patch(cheap, object{"Price": 600})
	g.clerk.base = "http://" + here.addr
	back := g.clerk.listen(t, "catalogId="+g.id, clerk.at)
	back.hears("record.gone " + cheap + " []")
	clerk.hears("record.gone " + cheap + " []") // before the rights: of both in one look there would be the reset alone
	rule := object{"rightSubject": object{"userAttr": "allUsers"}, "privilegeCode": "view"}
	g.boss.call(t, 200, "POST", "/api/v1/rights", object{"object": object{"catalogId": g.id}, "rules": []object{rule}})
	clerk.hears("record.reset  []")
	back.hears("record.reset  []")
}
