package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestNpmClient runs bp-api from npm, unmodified, through every method that is
// served (js/client.mjs).
func TestNpmClient(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db)
		node(t, s, "client.mjs")
		s.stop()
	})
}

// TestNpmClientRights sets up rights and views and looks at them as an employee
// (js/rights.mjs).
func TestNpmClientRights(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db)
		node(t, s, "rights.mjs")
		s.stop()
	})
}

// TestNpmClientSystem works with the system catalogs (js/system.mjs).
func TestNpmClientSystem(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db)
		node(t, s, "system.mjs")
		s.stop()
	})
}

// TestNpmClientScenarios makes and sets off the scenarios of the guide as they are
// printed (js/scenarios.mjs). What they wrote is there after a restart.
func TestNpmClientScenarios(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db)
		node(t, s, "scenarios.mjs")
		s.stop()
		s.start()
		for path, want := range map[string]string{"26": "Two chairs", "27": "Call Ann about Two chairs", "$processes": `"$status":["$done"]`} {
			if a := s.admin().call(t, 200, "GET", "/api/v1/catalogs/"+path+"/records", nil); !strings.Contains(string(a.body), want) {
				t.Errorf("catalog %s lacks %q: %s", path, want, a.body)
			}
		}
		s.stop()
	})
}

// TestNpmClientPaging reads 1,200 records in pages while others change them.
func TestNpmClientPaging(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db)
		node(t, s, "paging.mjs")
		s.stop()
	})
}

// node runs a script of js/ against a server and shows its report on failure.
func node(t *testing.T, s *server, script string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join("node_modules", "bp-api")); err != nil {
		t.Fatal("the npm packages are missing: run make test, or npm ci in e2e")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", filepath.Join("js", script))
	cmd.Env = append(os.Environ(), "KT_ADDR="+s.addr, "KT_LOGIN="+adminLogin, "KT_PASSWORD="+adminPassword, "NO_COLOR=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("node %s: %v\n%s", script, err, out)
	}
}
