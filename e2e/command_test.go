package e2e

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestConfigCommand(t *testing.T) {
	s := prepare(t, sqlite, "KARTOTEKA_PORT_HTTP=8088", "BPM_PORT=2030")
	out := s.run("config", "--log-level", "debug")
	for _, want := range []string{
		`(?m)^PORT_HTTP\s+8088\s+80\s+environment KARTOTEKA_PORT_HTTP\s+yes`, `(?m)^LOG_LEVEL\s+debug\s+info\s+flag --log-level`,
		`(?m)^ADMIN_PASSWORD\s+\*\*\*`, `BPM_PORT \(environment BPM_PORT\) has no effect`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if strings.Contains(out, adminPassword) {
		t.Error("the password is printed")
	}
}

func TestVersionAndHelp(t *testing.T) {
	s := prepare(t, sqlite)
	if out := s.run("version"); !strings.HasPrefix(out, "kartoteka ") || strings.Count(out, "\n") != 1 {
		t.Errorf("version %q", out)
	}
	if out := s.run("help"); !strings.Contains(out, "config") {
		t.Errorf("help %q", out)
	}
	if out, err := s.try("no-such"); err == nil || !strings.Contains(out, "no-such") {
		t.Errorf("unknown command: %v %q", err, out)
	}
}

// TestServeRefusesBadSettings: all problems at once, and no database is made.
func TestServeRefusesBadSettings(t *testing.T) {
	s := prepare(t, sqlite, "KARTOTEKA_SESSION_TTL=soon", "HTTPS=maybe")
	out, err := s.try("serve")
	if err == nil || !strings.Contains(out, "SESSION_TTL") || !strings.Contains(out, "HTTPS") {
		t.Errorf("%v\n%s", err, out)
	}
	if files, _ := filepath.Glob(filepath.Join(s.dir, "*")); len(files) > 0 {
		t.Errorf("made %v", files)
	}
}

// TestFirstStart: without ADMIN_PASSWORD a random one is printed, once.
func TestFirstStart(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := prepare(t, db, "KARTOTEKA_ADMIN_PASSWORD=", "KARTOTEKA_ADMIN_LOGIN=boss@example.com", "KARTOTEKA_LOGIN_LIMIT_ENABLED=false")
		s.start()
		c := s.admin()
		c.login = "boss@example.com"
		password := ""
		for _, word := range regexp.MustCompile(`[^\s"'=]{8,}`).FindAllString(s.log.String(), -1) {
			c.password = word
			if a, err := c.send("GET", "/api/v1/profile/me", nil); err == nil && a.status == 200 {
				password = word
			}
		}
		if password == "" {
			t.Fatalf("no word of the output is the password:\n%s", s.log)
		}
		s.stop()
		s.start()
		if strings.Contains(s.log.String(), password) {
			t.Errorf("the password is printed again:\n%s", s.log)
		}
		s.stop()
	})
}

// TestImportMovies loads a real file through the running server, and into a
// folder that nobody serves.
func TestImportMovies(t *testing.T) {
	movies, err := filepath.Abs(filepath.Join("node_modules", "vega-datasets", "data", "movies.json"))
	if err != nil {
		t.Fatal(err)
	}
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db)
		s.run("import", movies, "--section", "Cinema", "--catalog", "Movies")
		s.stop()
		s.run("import", movies, "--section", "Cinema", "--catalog", "Movies again")
		s.start()
		c := s.admin()
		catalogs := decode[[]struct{ ID, Name string }](t, c.call(t, 200, "GET", "/api/v1/catalogs", nil))
		found := 0
		for _, k := range catalogs {
			if k.Name != "Movies" && k.Name != "Movies again" {
				continue
			}
			found++
			path := "/api/v1/catalogs/" + k.ID + "/records?limit=1&withTotal=true"
			if total := c.call(t, 200, "GET", path, nil).header.Get("X-Total-Count"); total != "3201" {
				t.Errorf("%s has %s records, not 3201", k.Name, total)
			}
		}
		if found != 2 {
			t.Errorf("catalogs %+v", catalogs)
		}
		s.stop()
		s.run("check")
	})
}
