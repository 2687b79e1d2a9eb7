package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestNpmClientMessages talks about a record with the published client
// (js/messages.mjs); a back-up has all of it.
func TestNpmClientMessages(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := converse(t, db)
		if db != sqlite {
			return
		}
		to := filepath.Join(t.TempDir(), "today")
		s.run("backup", to)
		again := prepare(t, sqlite)
		if out := again.run("restore", to); !strings.Contains(out, "No problems found") {
			t.Errorf("restore: %s", out)
		}
		again.start()
		if talk := again.admin().named(t, "Orders"); len(decode[[]object](t, again.admin().call(t, 200, "GET", talk.records("/1/messages"), nil))) != 6 {
			t.Error("the messages are not those that were backed up")
		}
		again.stop()
	})
}

// TestNpmClientMessagesOnS3 has the files in a bucket.
func TestNpmClientMessagesOnS3(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) { converse(t, db, newBucket(t)...) })
}

// converse runs the client and gives the stopped server.
func converse(t *testing.T, db database, env ...string) *server {
	t.Helper()
	s := serve(t, db, env...)
	node(t, s, "messages.mjs")
	if out := s.run("check"); !strings.Contains(out, "No problems found") {
		t.Errorf("check: %s", out)
	}
	s.stop()
	return s
}

// chatsOnTheOtherNode writes the first message of a catalog on one node, and looks
// for it on the other at once.
func chatsOnTheOtherNode(t *testing.T, nodes ...*server) {
	type counted struct {
		Chat struct{ MessagesCount int }
	}
	for i := range 10 {
		here, there := nodes[i%2].admin(), nodes[(i+1)%2].admin()
		k := here.newCatalog(t, "Talk", object{"name": "Name", "type": "text"})
		path := k.records("/%s", decode[record](t, here.call(t, 200, "POST", k.records(""), object{"values": object{k.fields["Name"]: "A"}})).ID)
		if got := decode[counted](t, there.call(t, 200, "GET", path, nil)); got.Chat.MessagesCount != 0 {
			t.Errorf("before any: %+v", got)
		}
		here.call(t, 200, "POST", path+"/messages", object{"text": "one"})
		if got := decode[counted](t, there.call(t, 200, "GET", path, nil)); got.Chat.MessagesCount != 1 {
			t.Errorf("after the first: %+v", got)
		}
	}
}
