package server

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// usedAt gives the last use of the credentials of partners, by label.
func (s *synced) usedAt() map[string]string {
	s.Helper()
	var c struct {
		Version     int64
		Credentials []struct {
			Label      string
			LastUsedAt string `json:"last_used_at"`
		}
	}
	if err := json.Unmarshal([]byte(s.call(200, "GET", "/api/v1/sync/configs/partners", "")), &c); err != nil {
		s.Fatal(err)
	}
	used := map[string]string{}
	for _, cr := range c.Credentials {
		used[cr.Label] = cr.LastUsedAt
	}
	if c.Version != 1 {
		s.Errorf("to use a credential changed the config: version %d", c.Version)
	}
	return used
}

func (s *synced) wantUsed(shop, boss string) {
	s.Helper()
	if got := s.usedAt(); got["shop"] != shop || got["boss"] != boss || got["key"] != "" {
		s.Errorf("used %v, want shop %q, boss %q", got, shop, boss)
	}
}

func TestSyncLastUsed(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.wantUsed("", "")
		s.ask("GET", "partners", "", "Authorization", "Bearer guess")
		s.wantUsed("", "")
		first := s.linkStamp()
		s.does(200, "GET", "partners", "")
		s.wantUsed(first, "")
		if err := s.app.sync.KeepUses(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.wantUsed(first, "")
		s.clock.ms.Add(5000)
		second := s.linkStamp()
		s.does(200, "GET", "partners", "", "Authorization", "Basic YWRtaW46YWRtaW4=")
		s.does(404, "GET", "partners/99", "", "Authorization", shopToken)
		s.wantUsed(second, second)
		if got := s.call(200, "GET", "/api/v1/sync/configs/partners/credentials", ""); strings.Count(got, `"last_used_at":"`) != 2 {
			s.Errorf("the credentials alone: %s", got)
		}
		if got := s.call(200, "GET", "/api/v1/sync/export?format=json", ""); strings.Contains(got, "last_used_at") {
			s.Errorf("exported: %s", got)
		}
	})
}

// TestSyncLastUsedKept: what was noted is there after the server has ended.
func TestSyncLastUsedKept(t *testing.T) {
	eachSynced(t, func(s *synced) {
		want := s.linkStamp()
		s.does(200, "GET", "partners", "")
		s.end()
		s.start()
		s.wantUsed(want, "")
	})
}

func (s *synced) linkStamp() string {
	return time.UnixMilli(s.clock.ms.Load()).UTC().Format(time.RFC3339Nano)
}
