package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	kills   = 20
	writers = 16
)

// kept is what the server acknowledged about one record. amount is the last
// acknowledged one; a later one may be stored, too, when its answer was lost.
type kept struct {
	id, name, vendor   string
	amount, tried      int
	updates, triedMore int
}

// TestKill pulls the plug under concurrent writers: whatever was acknowledged,
// a record, its link, its history, is there afterwards, and the database is sound.
func TestKill(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := prepare(t, db)
		s.start()
		c := s.admin()
		vendors := c.newCatalog(t, "Vendors", object{"name": "Name", "type": "text"})
		orders := c.newCatalog(t, "Orders",
			object{"name": "Name", "type": "text"}, object{"name": "Amount", "type": "number"},
			object{"name": "Vendor", "type": "object", "config": object{"catalogs": []object{{"id": vendors.id}}}})
		var sellers []string
		for i := range 5 {
			made := c.call(t, 200, "POST", vendors.records(""), object{"values": object{vendors.fields["Name"]: fmt.Sprint("Seller ", i)}})
			sellers = append(sellers, decode[record](t, made).ID)
		}
		var all []*kept
		for round := range kills {
			written := writeUntilKilled(s, orders, vendors, sellers, round)
			if len(written) == 0 {
				t.Errorf("round %d: nothing was acknowledged", round)
			}
			s.run("check")
			s.start()
			verify(t, s.admin(), orders, vendors, written)
			all = append(all, written...)
			if t.Failed() {
				return
			}
		}
		verify(t, s.admin(), orders, vendors, all)
		t.Logf("%d records survived %d kills", len(all), kills)
		s.stop()
		s.run("check")
	})
}

// writeUntilKilled lets the writers run for a short random time after the first
// acknowledgement, kills the server and gives what was acknowledged.
func writeUntilKilled(s *server, orders, vendors catalog, sellers []string, round int) []*kept {
	var wg sync.WaitGroup
	lists := make([][]*kept, writers)
	first, over := make(chan struct{}, writers), make(chan struct{})
	for w := range writers {
		wg.Go(func() { lists[w] = write(s.admin(), orders, vendors, sellers, fmt.Sprintf("r%d w%d", round, w), first) })
	}
	go func() { wg.Wait(); close(over) }()
	select {
	case <-first:
	case <-over:
	}
	time.Sleep(time.Duration(rand.IntN(450)) * time.Millisecond)
	s.kill()
	wg.Wait()
	var all []*kept
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// write creates and changes records until a call fails, which the kill makes it do.
// It tells first when something was acknowledged.
func write(c *caller, orders, vendors catalog, sellers []string, name string, first chan<- struct{}) []*kept {
	c.cookie = session(c)
	var all []*kept
	for n := 0; ; n++ {
		k := &kept{name: fmt.Sprintf("%s n%d", name, n), vendor: sellers[n%len(sellers)], amount: n, tried: n}
		body := object{"values": object{
			orders.fields["Name"]: k.name, orders.fields["Amount"]: n,
			orders.fields["Vendor"]: []object{{"catalogId": vendors.id, "recordId": k.vendor}},
		}}
		a, err := c.send("POST", orders.records(""), body)
		var made record
		if err != nil || a.status != 200 || json.Unmarshal(a.body, &made) != nil {
			return all
		}
		k.id = made.ID
		if all = append(all, k); len(all) == 1 {
			first <- struct{}{}
		}
		for range n % 3 {
			k.tried++
			k.triedMore++
			a, err := c.send("PATCH", orders.records("/%s", k.id), object{"values": object{orders.fields["Amount"]: k.tried}})
			if err != nil || a.status != 200 {
				return all
			}
			k.amount = k.tried
			k.updates++
		}
	}
}

// session logs in once, so that the writers do not measure password checks.
// Without an answer (the kill came first) Basic stays.
func session(c *caller) string {
	a, err := c.send("GET", "/api/v1/profile/me", nil)
	if err != nil || a.status != 200 {
		return ""
	}
	cookie, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	return cookie
}

// verify compares what is stored with what was acknowledged.
func verify(t *testing.T, c *caller, orders, vendors catalog, want []*kept) {
	t.Helper()
	stored := readAll(t, c, orders)
	creates, updates := readHistory(t, c, orders)
	for _, k := range want {
		r, ok := stored[k.id]
		if !ok {
			t.Errorf("acknowledged record %s (%s) is lost", k.id, k.name)
			continue
		}
		amount, _ := r.Values[orders.fields["Amount"]].(float64)
		if r.Title != k.name || int(amount) < k.amount || int(amount) > k.tried {
			t.Errorf("record %s (%s, amount %d to %d) is %+v", k.id, k.name, k.amount, k.tried, r)
		}
		links, _ := r.Values[orders.fields["Vendor"]].([]any)
		if len(links) != 1 || links[0].(object)["recordId"] != k.vendor || links[0].(object)["catalogId"] != vendors.id {
			t.Errorf("record %s: link to %s is %v", k.id, k.vendor, links)
		}
		if creates[k.id] != 1 || updates[k.id] < k.updates || updates[k.id] > k.triedMore {
			t.Errorf("record %s: %d CREATE and %d UPDATE entries, acknowledged 1 and %d", k.id, creates[k.id], updates[k.id], k.updates)
		}
	}
}

func readAll(t *testing.T, c *caller, k catalog) map[string]record {
	t.Helper()
	all := map[string]record{}
	for {
		page := decode[[]record](t, c.call(t, 200, "GET", k.records("?limit=5000&offset=%d", len(all)), nil))
		for _, r := range page {
			all[r.ID] = r
		}
		if len(page) < 5000 {
			return all
		}
	}
}

// readHistory counts the entries of the whole catalog by record.
func readHistory(t *testing.T, c *caller, k catalog) (creates, updates map[string]int) {
	t.Helper()
	creates, updates = map[string]int{}, map[string]int{}
	for from := 0; ; from += 1000 {
		path := fmt.Sprintf("/api/v1/histories?catalogId=%s&limit=1000&from=%d", k.id, from)
		page := decode[[]struct{ RecordID, ActionType string }](t, c.call(t, 200, "GET", path, nil))
		for _, e := range page {
			switch e.ActionType {
			case "CREATE":
				creates[e.RecordID]++
			case "UPDATE":
				updates[e.RecordID]++
			}
		}
		if len(page) < 1000 {
			return creates, updates
		}
	}
}
