package server

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/store/testdb"
)

// signingKey is a key of SYNC_SECRET_KEYS.
func signingKey(n byte) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string('a'+rune(n)), 32)))
}

// TestSyncReseal: keys are replaced, one after the other, and nothing is lost.
func TestSyncReseal(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		s := openSynced(t, target)
		s.call(200, "PATCH", "/api/v1/sync/settings", `{"secrets":{"who":"the named secret"}}`)
		s.call(200, "PATCH", "/api/v1/sync/configs/partners", `{"auth_types":["hmac","bearer"],"hmac":{"header":"X-Sign","algorithm":"sha256","encoding":"hex"}}`)
		s.call(200, "POST", "/api/v1/sync/configs/partners/credentials", `{"label":"pay","type":"hmac","secret":"the first signer"}`)
		s.does(201, "POST", "partners", `{"name":"Oak","ref":"A-1"}`)
		entry := s.newest("config=partners&method=POST")["id"]
		var list struct{ Items []struct{ ID int64 } }
		s.read(s.call(200, "GET", "/api/v1/sync/configs/partners/credentials", ""), &list)
		signer := list.Items[len(list.Items)-1].ID
		s.call(200, "POST", fmt.Sprintf("/api/v1/sync/configs/partners/credentials/%d/rotate", signer), `{"grace_seconds":600}`)
		version := s.configVersion()
		base := s.env
		for _, keys := range []string{signingKey(1), signingKey(2) + "," + signingKey(1)} {
			s.restartWith(append(slices.Clone(base), "SYNC_SECRET_KEYS="+keys))
			s.opensSecret(entry, "partners")
			if n := s.warningsLogged(); n != 1 {
				s.Errorf("%d warnings of old keys", n)
			}
			out := s.operate("sync", "reseal")
			if strings.Contains(out, " 0 raw") || !strings.HasPrefix(out, "3 secrets and ") || strings.Contains(out, "cannot") {
				s.Errorf("sealed anew: %s", out)
			}
			if n := s.warningsLogged(); n != 0 {
				s.Errorf("%d warnings when all is sealed anew", n)
			}
			if out := s.operate("sync", "reseal"); !strings.HasPrefix(out, "0 secrets and 0 raw") {
				s.Errorf("and again: %s", out)
			}
			s.opensSecret(entry, "partners")
		}
		s.restartWith(append(slices.Clone(base), "SYNC_SECRET_KEYS="+signingKey(2)))
		s.opensSecret(entry, "partners")
		if now := s.configVersion(); now != version {
			s.Errorf("the config has version %v, had %v", now, version)
		}
	})
}

func (s *synced) restartWith(env []string) {
	s.Helper()
	s.end()
	s.env = env
	s.start()
}

func (s *synced) configVersion() (v float64) {
	s.Helper()
	var c struct{ Version float64 }
	s.read(s.call(200, "GET", "/api/v1/sync/configs/partners", ""), &c)
	return c.Version
}

func (s *synced) warningsLogged() int {
	s.Helper()
	var status struct{ Warnings []string }
	s.read(s.call(200, "GET", "/api/v1/sync/status", ""), &status)
	return len(status.Warnings)
}

// opensSecret looks whether secrets and the raw request of an entry are readable.
func (s *synced) opensSecret(entry any, config string) {
	s.Helper()
	st, err := s.app.sync.Current(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	if text, ok := st.Secret("who"); !ok || text != "the named secret" {
		s.Errorf("the named secret is %q", text)
	}
	c := st.Configs[config]
	cr := &c.Credentials[len(c.Credentials)-1]
	if now, old, err := s.app.sync.OpenCredential(c, cr); err != nil || len(now) < 40 || old != "the first signer" {
		s.Errorf("the credential is %q, was %q: %v", now, old, err)
	}
	if r := s.replay(entry, `{"dry_run":true}`); r.Status != 409 && r.Status != 200 {
		s.Errorf("a replay: %+v", r)
	}
}

// TestSyncResealLost: what no key opens is told, stays, and is an error.
func TestSyncResealLost(t *testing.T) {
	s := openSynced(t, testdb.SQLite(t), "SYNC_SECRET_KEYS="+signingKey(1))
	s.call(200, "PATCH", "/api/v1/sync/settings", `{"secrets":{"who":"the named secret"}}`)
	base := s.env
	s.restartWith(append(slices.Clone(base), "SYNC_SECRET_KEYS="+signingKey(2)))
	done, err := s.app.sync.Reseal(t.Context(), catalog.Actor{System: true, Origin: "cli"})
	if err != nil || done.Secrets != 0 || fmt.Sprint(done.Lost) != "[settings secrets.who]" {
		t.Errorf("%+v, %v", done, err)
	}
	s.restartWith(base)
	if st, err := s.app.sync.Current(t.Context()); err != nil {
		t.Error(err)
	} else if text, ok := st.Secret("who"); !ok || text != "the named secret" {
		t.Errorf("with its key again: %q", text)
	}
}
