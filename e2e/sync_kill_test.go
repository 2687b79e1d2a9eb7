package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// TestSyncLinkKilled pulls the plug under writers by others' ids: a record and its link
// are there both or not at all, and what was acknowledged is.
func TestSyncLinkKilled(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := prepare(t, db)
		s.start()
		c := s.admin()
		model := c.newCatalog(t, "Partners", object{"name": "Name", "type": "text"})
		c.call(t, 200, "POST", "/api/v1/sync/configs", object{
			"code": "links", "name": "Links", "request_type": "in", "model": model.id, "endpoint": "links", "identity": "link", "max_limit": 1000,
			"methods": []string{"GET", "PUT"}, "auth_types": []string{"header"}, "rate_limit": object{"per_minute_ip": 0, "per_hour_key": 0},
			"credentials": []object{{"label": "key", "type": "header", "secret": linksKey}},
			"lines": []object{{"field": "$external_id", "external_key": "ext", "is_record_identifier": true},
				{"field": model.fields["Name"], "external_key": "name"}},
		})
		acknowledged := map[string]int64{}
		for round := range 5 {
			linksUntilKilled(s, round, acknowledged)
			s.run("check")
			s.start()
			verifyLinks(t, s.admin(), acknowledged)
			if t.Failed() {
				return
			}
		}
		t.Logf("%d links survived", len(acknowledged))
		s.stop()
	})
}

const linksKey = "a key of the links, 1"

type linkedRecord struct {
	ID        int64
	Ext, Name string
}

// linksUntilKilled upserts until the server is killed, and notes what was acknowledged.
func linksUntilKilled(s *server, round int, acknowledged map[string]int64) {
	var wg sync.WaitGroup
	var mutex sync.Mutex
	first := make(chan struct{}, 1)
	for w := range 8 {
		wg.Go(func() {
			c := s.admin()
			for n := 0; ; n++ {
				ext := fmt.Sprintf("r%d w%d n%d", round, w, n)
				a, err := c.send("PUT", "/bj_api_sync/v1/links", object{"ext": ext, "name": ext}, "X-API-Key", linksKey)
				var made linkedRecord
				if err != nil || a.status != 201 || json.Unmarshal(a.body, &made) != nil {
					return
				}
				mutex.Lock()
				acknowledged[ext] = made.ID
				mutex.Unlock()
				select {
				case first <- struct{}{}:
				default:
				}
			}
		})
	}
	select {
	case <-first:
	case <-time.After(time.Minute):
	}
	time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
	s.kill()
	wg.Wait()
}

func verifyLinks(t *testing.T, c *caller, acknowledged map[string]int64) {
	t.Helper()
	if len(acknowledged) == 0 {
		t.Fatal("nothing was acknowledged")
	}
	list := func() (records map[string]int64) {
		records = map[string]int64{}
		for more := true; more; {
			path := fmt.Sprintf("/bj_api_sync/v1/links?limit=1000&offset=%d", len(records))
			page := decode[struct{ Data []linkedRecord }](t, c.call(t, 200, "GET", path, nil, "X-API-Key", linksKey))
			for _, r := range page.Data {
				if r.Ext != r.Name {
					t.Errorf("record %d (%s) has the id %q", r.ID, r.Name, r.Ext)
				}
				records[r.Name] = r.ID
			}
			more = len(page.Data) == 1000
		}
		return records
	}
	before := list()
	for ext, id := range acknowledged {
		if before[ext] != id {
			t.Errorf("%s was record %d and is %d", ext, id, before[ext])
		}
	}
	var items []object
	for ext := range before {
		if items = append(items, object{"ext": ext, "name": ext}); len(items) == 100 {
			break
		}
	}
	c.call(t, 200, "PUT", "/bj_api_sync/v1/links", items, "X-API-Key", linksKey)
	if after := list(); len(after) != len(before) {
		t.Errorf("%d records, and %d after the same again", len(before), len(after))
	}
}
