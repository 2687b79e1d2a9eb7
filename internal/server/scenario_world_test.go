package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"kartoteka/internal/script"
	"kartoteka/internal/store/testdb"
)

// interpreter is where python unpacks what all tests of scenarios share.
var interpreter = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "kartoteka-scenarios-")
	if err != nil {
		return "", err
	}
	engine := script.New(script.Config{Dir: dir})
	_, err = engine.Check(context.Background(), "1", "test", "1", script.Execute)
	if err = errors.Join(err, engine.Close()); err != nil {
		return "", err
	}
	found, err := filepath.Glob(filepath.Join(dir, "python", "*", "bin", "python3"))
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("interpreters in %s: %q", dir, found)
	}
	return strings.Join(found, ""), err
})

// python is the path of the interpreter.
func python(t *testing.T) string {
	t.Helper()
	path, err := interpreter()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// scripted is a running program that runs scenarios.
type scripted struct{ *hooked }

func eachScripted(t *testing.T, test func(s *scripted), env ...string) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		test(&scripted{openHooked(t, target, append(env, "SCRIPT_PYTHON="+python(t))...)})
	})
}

// scenario stores a source and gives the scenario's id.
func (s *scripted) scenario(source string) string {
	s.Helper()
	text, err := json.Marshal(source)
	if err != nil {
		s.Fatal(err)
	}
	return s.made("POST", "/api/v1/catalogs/$scripts/records", fmt.Sprintf(`{"values":{"$name":"test","$source":%s}}`, text))
}

// on starts a scenario at events of the catalog; more are other values, with a comma
// before them.
func (s *scripted) on(catalog, events, source, more string) string {
	s.Helper()
	return s.made("POST", "/api/v1/catalogs/$events/records", fmt.Sprintf(
		`{"values":{"$name":"test","$catalog":[{"catalogId":"$catalogs","recordId":%q}],"$events":[%s],"$script":[{"catalogId":"$scripts","recordId":%q}]%s}}`,
		catalog, events, s.scenario(source), more))
}

// refuses makes a request that must fail with a text in its answer.
func (s *scripted) refuses(what string, status int, method, path, body, want string) {
	s.Helper()
	if answer := s.call(status, method, path, body); !strings.Contains(answer, want) {
		s.Errorf("%s: %s lacks %q", what, answer, want)
	}
}
