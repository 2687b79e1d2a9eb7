package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kartoteka/internal/config"
	"kartoteka/internal/store/testdb"
)

// syncSite is the program with a catalog of partners, and what it has logged.
type syncSite struct {
	*testing.T
	app *App
	h   http.Handler
	log *bytes.Buffer
	// model is the catalog's id.
	model string
}

func openSyncSite(t *testing.T, target testdb.Target, env ...string) *syncSite {
	t.Helper()
	s := &syncSite{T: t, log: &bytes.Buffer{}}
	s.app = open(t, target, append([]string{"LIMIT_USER_MAX_REQUESTS=0", "LIMIT_IP_MAX_REQUESTS=0"}, env...)...)
	s.app.Log = slog.New(slog.NewTextHandler(s.log, nil))
	s.h = s.app.Handler()
	return s
}

// partners makes the catalog that configs are about.
func (s *syncSite) partners() *syncSite {
	s.Helper()
	v := s.want(200, "POST", "/api/v1/catalogs", `{"name":"Partners","sectionId":"3","fields":[
		{"id":"name","name":"Name","type":"text","required":true},{"id":"code","name":"Code","type":"text"},
		{"id":"on","name":"On","type":"switch"},{"id":"boss","name":"Boss","type":"user"},
		{"id":"doc","name":"Doc","type":"file"}]}`)
	s.model = v["id"].(string)
	s.want(200, "PATCH", "/api/v1/catalogs/"+s.model, fmt.Sprintf(`{"fields":[
		{"id":"name","name":"Name","type":"text","required":true},{"id":"code","name":"Code","type":"text"},
		{"id":"on","name":"On","type":"switch"},{"id":"boss","name":"Boss","type":"user"},
		{"id":"doc","name":"Doc","type":"file"},
		{"id":"parent","name":"Parent","type":"object","config":{"catalogs":[{"id":"%s"}]}}]}`, s.model))
	return s
}

func (s *syncSite) do(method, path, body string, headers ...string) (int, string) {
	s.Helper()
	if !strings.HasPrefix(path, "/api") {
		path = "/api/v1/sync" + path
	}
	w := ask(s.h, method, path, body, append([]string{"Authorization", basic()}, headers...)...)
	return w.Code, w.Body.String()
}

// want makes a request that is answered with that status.
func (s *syncSite) want(status int, method, path, body string, headers ...string) map[string]any {
	s.Helper()
	code, text := s.do(method, path, body, headers...)
	if code != status {
		s.Fatalf("%s %s: %d %s, want %d", method, path, code, text, status)
	}
	v := map[string]any{}
	if strings.HasPrefix(text, "{") {
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			s.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	return v
}

// refused gives the "path code" of each error, sorted.
func (s *syncSite) refused(method, path, body string) (list []string) {
	s.Helper()
	v := s.want(400, method, path, body)
	for _, one := range v["errors"].([]any) {
		e := one.(map[string]any)
		list = append(list, fmt.Sprint(e["path"], " ", e["code"]))
	}
	slices.Sort(list)
	return list
}

const (
	planted1 = "a-planted-bearer-key-0001"
	planted2 = "planted password 2"
	planted3 = "planted hmac 3 key"
	planted4 = "planted header 4"
	planted5 = "planted named secret 5"
)

// full is a config with a credential of every kind, with planted secrets.
func (s *syncSite) full(more string) string {
	return fmt.Sprintf(`{"name":"Партнери","code":"partners","request_type":"in","model":%q,"run_as":1,"endpoint":"partners",
		"methods":["GET","POST"],"auth_types":["bearer","basic","hmac","header"],
		"hmac":{"header":"X-Sign","algorithm":"sha256","encoding":"hex","tolerance_seconds":300},
		"lines":[{"field":"name","external_key":"name","required":true},{"field":"code","external_key":"id.code","is_record_identifier":true},
			{"field":"parent.name","external_key":"parent","direction":"out","value_map":{"a":"<b>"},"default":null}],
		"headers":[{"key":"X-Shop","value":%q},{"key":"X-Served","value":"${secret:who}","role":"respond"}],
		"params":[{"field":"code","operator":"!=","value":false},{"field":"order","value":"name desc"}],
		"credentials":[{"label":"shop","type":"bearer","secret":%q},{"label":"me","type":"basic","login":"me","secret":%q},
			{"label":"pay","type":"hmac","secret":%q},{"label":"made","type":"header"}]%s}`,
		s.model, planted4, planted1, planted2, planted3, more)
}

func TestSyncConfigs(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		s := openSyncSite(t, target).partners()
		s.want(200, "PATCH", "/settings", `{"secrets":{"who":"`+planted5+`"}}`)
		made := s.want(200, "POST", "/configs", s.full(""))
		if made["version"] != 1.0 || made["health"] != "ok" {
			t.Errorf("made %v", made)
		}
		credentials := made["credentials"].([]any)
		shown := credentials[3].(map[string]any)["secret"].(map[string]any)
		generated, _ := shown["value"].(string)
		if len(generated) != 43 || shown["set"] != true {
			t.Errorf("a generated secret: %v", shown)
		}
		if first := credentials[0].(map[string]any)["secret"].(map[string]any); first["set"] != true || first["value"] != nil {
			t.Errorf("a given secret: %v", first)
		}
		read := s.want(200, "GET", "/configs/partners", "")
		if read["lines"].([]any)[1].(map[string]any)["sequence"] != 20.0 {
			t.Errorf("lines %v", read["lines"])
		}

		t.Run("a config that comes back as it was read is unchanged", func(t *testing.T) {
			data, err := json.Marshal(read)
			if err != nil {
				t.Fatal(err)
			}
			if v := s.want(200, "PUT", "/configs/partners", string(data)); v["version"] != 1.0 {
				t.Errorf("it has the version %v", v["version"])
			}
		})
		t.Run("versions", func(t *testing.T) {
			s.want(412, "PATCH", "/configs/partners", `{"name":"x"}`, "If-Match", `"7"`)
			if v := s.want(200, "PATCH", "/configs/partners", `{"name":"Партнери 2"}`, "If-Match", `"1"`); v["version"] != 2.0 {
				t.Errorf("version %v", v["version"])
			}
			s.want(412, "DELETE", "/configs/partners", "", "If-Match", `"1"`)
		})
		t.Run("children", s.children)
		t.Run("secrets", func(t *testing.T) { s.secrets(t, generated) })
		t.Run("life", s.life)
		s.planted(generated)
	})
}

// children walks the child collections.
func (s *syncSite) children(t *testing.T) {
	line := s.want(200, "POST", "/configs/partners/lines", `{"field":"on","external_key":"on"}`)
	id := line["id"].(float64)
	path := fmt.Sprintf("/configs/partners/lines/%v", id)
	if v := s.want(200, "PATCH", path, `{"external_key":"is_on"}`); v["external_key"] != "is_on" || v["field"] != "on" || v["id"] != id {
		t.Errorf("changed: %v", v)
	}
	if v := s.want(200, "GET", path, ""); v["external_key"] != "is_on" {
		t.Errorf("read: %v", v)
	}
	if v := s.want(200, "GET", "/configs/partners/lines?limit=1&offset=3", ""); v["total"] != 4.0 || len(v["items"].([]any)) != 1 {
		t.Errorf("list: %v", v)
	}
	if list := s.refused("POST", "/configs/partners/lines", `{"field":"on","external_key":"is_on"}`); !slices.Equal(list, []string{
		"lines[4].external_key duplicate", "lines[4].field duplicate"}) {
		t.Errorf("a second line: %v", list)
	}
	s.want(200, "DELETE", path, "")
	s.want(404, "GET", path, "")
	s.want(404, "DELETE", path, "")
	if v := s.want(200, "POST", "/configs/partners/lines", `{"field":"on","external_key":"on"}`); v["id"] == id {
		t.Error("the id of a removed line was given again")
	}
}

// secrets rotates, clears and keeps them.
func (s *syncSite) secrets(t *testing.T, generated string) {
	compiled := func(label string) (*App, int) {
		st, err := s.app.sync.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range st.Configs["partners"].Credentials {
			if c.Label == label {
				return s.app, i
			}
		}
		t.Fatalf("there is no credential %s", label)
		return nil, 0
	}
	matches := func(label, given string) bool {
		app, i := compiled(label)
		st, _ := app.sync.Current(t.Context())
		return app.sync.Matches(st.Configs["partners"].Credentials[i].Secret, given)
	}
	for label, secret := range map[string]string{"shop": planted1, "me": planted2, "made": generated} {
		for range 2 {
			if !matches(label, secret) || matches(label, secret+"x") || matches(label, "") {
				t.Errorf("%s is not opened by its secret alone", label)
			}
		}
	}
	st, err := s.app.sync.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := st.Configs["partners"]
	if now, old, err := s.app.sync.OpenCredential(c, &c.Credentials[2]); now != planted3 || old != "" || err != nil {
		t.Errorf("hmac: %q %q %v", now, old, err)
	}
	moved := *c
	moved.ID++
	if _, _, err := s.app.sync.OpenCredential(&moved, &c.Credentials[2]); err == nil {
		t.Error("a secret opens in another place")
	}
	if text, refused := st.Expand("<${secret:who}>"); text != "<"+planted5+">" || refused != nil {
		t.Errorf("expanded %q %v", text, refused)
	}
	if !s.app.sync.Matches(c.Headers[0].Secret, planted4) || s.app.sync.Matches(c.Headers[0].Secret, planted4+"x") {
		t.Error("the header's value is not kept")
	}
	rotated := s.want(200, "POST", fmt.Sprintf("/configs/partners/credentials/%d/rotate", c.Credentials[0].ID), `{"grace_seconds":60}`)
	value := rotated["secret"].(map[string]any)["value"].(string)
	if !matches("shop", value) || matches("shop", planted1) {
		t.Error("a rotated secret")
	}
	st, _ = s.app.sync.Current(t.Context())
	if cr := st.Configs["partners"].Credentials[0]; cr.OldUntil == nil || !s.app.sync.Matches(cr.Old, planted1) {
		t.Errorf("the old secret: %+v", cr.OldUntil)
	}
	path := fmt.Sprintf("/configs/partners/credentials/%d", c.Credentials[1].ID)
	s.want(200, "PATCH", path, `{"label":"myself"}`)
	if !matches("myself", planted2) {
		t.Error("a secret was lost with another attribute")
	}
	if v := s.want(200, "PATCH", path, `{"secret":null}`); v["secret"].(map[string]any)["set"] != false || matches("myself", planted2) {
		t.Errorf("cleared: %v", v)
	}
	s.want(200, "PATCH", path, `{"secret":"`+planted2+`"}`)
	if !matches("myself", planted2) {
		t.Error("set again")
	}
}

// life duplicates, switches and deletes configs.
func (s *syncSite) life(t *testing.T) {
	if v := s.want(200, "POST", "/configs/partners/deactivate", ""); v["active"] != false {
		t.Errorf("deactivated: %v", v)
	}
	if st, _ := s.app.sync.Current(t.Context()); st.Endpoint("partners") != nil {
		t.Error("an inactive endpoint is there")
	}
	s.want(200, "POST", "/configs/partners/activate", "")
	two := s.want(200, "POST", "/configs/partners/duplicate", `{"name":"Copy"}`)
	if two["code"] != "partners-2" || two["active"] != false || len(two["credentials"].([]any)) != 0 || len(two["lines"].([]any)) != 4 {
		t.Errorf("duplicate: %v", two)
	}
	if list := s.refused("POST", "/configs/partners-2/activate", ""); !slices.Equal(list, []string{"credentials required", "headers[0].value required"}) {
		t.Errorf("activated: %v", list)
	}
	if v := s.want(200, "POST", "/configs/partners-2/validate", ""); v["ok"] != false {
		t.Errorf("validated: %v", v)
	}
	s.want(200, "PATCH", "/configs/partners-2", `{"lines_from":"partners","lines":[]}`)
	s.want(400, "DELETE", "/configs/partners", "")
	s.want(200, "DELETE", "/configs/partners-2", "")
	s.want(404, "GET", "/configs/partners-2", "")
	if v := s.want(200, "GET", "/configs?q=партнери&order=-name", ""); v["total"] != 1.0 {
		t.Errorf("list: %v", v)
	}
	if v := s.want(200, "GET", "/status", ""); v["configs"] != 1.0 || v["endpoints"] != 1.0 {
		t.Errorf("status: %v", v)
	}
}

// planted looks for secrets wherever somebody might read them.
func (s *syncSite) planted(generated string) {
	s.Helper()
	texts := map[string]string{"the log": s.log.String()}
	for _, path := range []string{"/configs", "/configs/partners", "/configs/partners/credentials", "/configs/partners/headers", "/settings",
		"/export", "/export?format=json", "/status"} {
		_, texts[path] = s.do("GET", path, "")
	}
	_ = filepath.WalkDir(s.app.Settings.DataDir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(path, ".db") {
			data, _ := os.ReadFile(path)
			texts[path] = string(data)
		}
		return nil
	})
	if stored, err := s.app.company.SyncResources(s.Context()); err != nil || len(stored) == 0 {
		s.Errorf("no resources: %v", err)
	} else {
		for _, r := range stored {
			texts["resource "+r.Code] = string(r.Body)
		}
	}
	for where, text := range texts {
		for _, secret := range []string{planted1, planted2, planted3, planted4, planted5, generated} {
			if strings.Contains(text, secret) {
				s.Errorf("%s has the secret %q", where, secret)
			}
		}
	}
}

// TestSyncTwoNodes: what one node saves another knows at its next request.
func TestSyncTwoNodes(t *testing.T) {
	target := testdb.Postgres(t)
	one := openSyncSite(t, target).partners()
	two := openSyncSite(t, target)
	two.want(200, "GET", "/configs", "")
	one.want(200, "PATCH", "/settings", `{"secrets":{"who":"x"}}`)
	one.want(200, "POST", "/configs", one.full(""))
	if v := two.want(200, "GET", "/configs/partners", ""); v["version"] != 1.0 {
		t.Errorf("the other node has %v", v)
	}
	two.want(200, "PATCH", "/configs/partners", `{"name":"b"}`)
	one.want(412, "PATCH", "/configs/partners", `{"name":"c"}`, "If-Match", `"1"`)
	if st, err := one.app.sync.Current(t.Context()); err != nil || st.Endpoint("partners").Name != "b" {
		t.Errorf("the first node has another name (%v)", err)
	}
}

// TestSyncTransfer: an export makes the same company again.
func TestSyncTransfer(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		from := openSyncSite(t, target).partners()
		from.want(200, "PATCH", "/settings", `{"secrets":{"who":"`+planted5+`"},"operators":[1],"mask_keys":["pin"]}`)
		from.want(200, "POST", "/scripts", `{"name":"Clean up","source":"x = 1\n\nif x:\n    y = \"a # b\"\n"}`)
		from.want(200, "POST", "/configs", from.full(`,"pre_script":"a = 1\nb = ': yes'  \n","post_script":{"ref":"clean-up"},"filter_domain":[["code","!=",false]]`))
		from.want(200, "POST", "/configs", fmt.Sprintf(`{"name":"no","request_type":"mapping","model":%q,
			"lines":[{"field":"name","external_key":"name"},{"field":"parent","external_key":"p","value_type":"relational_mapping","mapping_config":"no-2","direction":"out"}],"active":false}`, from.model))
		for _, format := range []string{"yaml", "json"} {
			_, file := from.do("GET", "/export?format="+format, "")
			to := openSyncSite(t, testdb.SQLite(t)).partners()
			dry := to.want(200, "POST", "/import?dry_run=true", file)
			if len(dry["created"].([]any)) != 3 || len(dry["errors"].([]any)) != 0 {
				t.Errorf("dry run: %v of\n%s", dry, file)
			}
			if v := to.want(200, "GET", "/configs", ""); v["total"] != 0.0 {
				t.Error("a dry run has written")
			}
			v := to.want(200, "POST", "/import", file)
			if len(v["created"].([]any)) != 3 || len(v["warnings"].([]any)) == 0 {
				t.Errorf("imported: %v", v)
			}
			to.want(200, "PATCH", "/settings", `{"secrets":{"who":"another"}}`)
			if _, again := to.do("GET", "/export?format="+format, ""); again != file {
				t.Errorf("exported\n%s\nthen\n%s", file, again)
			}
			v = to.want(200, "POST", "/import", file)
			if len(v["unchanged"].([]any)) != 4 || len(v["updated"].([]any)) != 0 {
				t.Errorf("imported again: %v", v)
			}
			if v = to.want(200, "POST", "/import?mode=create_only", strings.ReplaceAll(file, "Партнери", "Other")); len(v["updated"].([]any)) != 0 {
				t.Errorf("only new ones: %v", v)
			}
			v = to.want(200, "POST", "/import", strings.ReplaceAll(file, "Партнери", "Other"))
			if got := fmt.Sprint(v["updated"]); got != "[config partners]" {
				t.Errorf("changed: %v", v)
			}
			before := to.want(200, "GET", "/configs/partners", "")["version"]
			to.want(400, "POST", "/import", strings.ReplaceAll(strings.ReplaceAll(file, "Other", "Third"), "Clean up", ""))
			if after := to.want(200, "GET", "/configs/partners", "")["version"]; after != before {
				t.Error("half of a file was imported")
			}
		}
	})
}

// TestSyncFileAtStart: a server takes the file over, with secrets of its environment.
func TestSyncFileAtStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sync.yaml")
	text := "version: 1\nsettings:\n  secrets:\n    who: ${env:SYNC_TEST_SECRET}\nscripts:\n  - {code: one, name: One, source: x = 1}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SYNC_TEST_SECRET", planted5)
	s := openSyncSite(t, testdb.SQLite(t), "SYNC_CONFIG_FILE="+file)
	s.want(200, "GET", "/scripts/one", "")
	st, err := s.app.sync.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := st.Secret("who"); !ok || got != planted5 {
		t.Errorf("the secret is %q", got)
	}
	if list := s.refused("POST", "/import", text); !slices.Equal(list, []string{"settings.secrets.who not_found"}) {
		t.Errorf("a caller reads the server's environment: %v", list)
	}
	if err := os.WriteFile(file, []byte("version: 1\nscripts: [{code: two}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	settings, err := config.Load(config.Sources{Env: []string{"DATA_DIR=" + t.TempDir(), "SYNC_CONFIG_FILE=" + file}, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if app, err := Open(t.Context(), settings, "", slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "scripts[0].name") {
		t.Errorf("a wrong file: %v", err)
		_ = app
	}
}
