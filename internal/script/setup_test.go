//go:build linux

package script

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// interpreter is unpacked once for all tests, where every user may read it. A test
// process of another user finds its path in this variable.
const interpreterVariable = "KARTOTEKA_TEST_PYTHON"

var interpreter string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if interpreter = os.Getenv(interpreterVariable); interpreter != "" {
			return m.Run()
		}
		dir, err := os.MkdirTemp("", "kartoteka-script-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		if interpreter, err = unpacked(dir); err != nil {
			panic(err)
		}
		for p := filepath.Dir(filepath.Dir(interpreter)); p != filepath.Dir(dir); p = filepath.Dir(p) {
			if err := os.Chmod(p, 0o755); err != nil {
				panic(err)
			}
		}
		if err := makeWithoutLandlock(); err != nil {
			panic(err)
		}
		return m.Run()
	}())
}

// engine makes one that the test closes.
func engine(t testing.TB, change ...func(*Config)) *Engine {
	t.Helper()
	c := Config{Python: interpreter, Workers: 4, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for _, f := range change {
		f(&c)
	}
	e := New(c)
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func reduced(c *Config) { c.noNamespaces = true }

// noHost has nothing to call.
type noHost struct{}

func (noHost) Call(_ context.Context, c Call) (json.RawMessage, error) {
	return nil, Raise("RuntimeError", "there is nothing to call: "+c.Method)
}

// hostFunc is a host of one function.
type hostFunc func(context.Context, Call) (json.RawMessage, error)

func (f hostFunc) Call(ctx context.Context, c Call) (json.RawMessage, error) { return f(ctx, c) }

// request is a script of company 1 that runs once.
func request(source string) *Request {
	limits := LineLimits
	limits.Wall = time.Minute // the machine may be busy
	return &Request{Key: Key{"1", "1"}, Name: "test", Source: source, Mode: Evaluate, Limits: limits, Items: make([]Item, 1)}
}

func inputs(t testing.TB, pairs ...any) Item {
	t.Helper()
	item := Item{Inputs: map[string]json.RawMessage{}}
	for i := 0; i < len(pairs); i += 2 {
		item.Inputs[pairs[i].(string)] = encode(t, pairs[i+1])
	}
	return item
}

func encode(t testing.TB, v any) json.RawMessage {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// run runs a request of one item.
func run(t testing.TB, e *Engine, host Host, req *Request) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	results, err := e.Run(ctx, host, req)
	if err != nil {
		t.Fatalf("%s: %v", req.Source, err)
	}
	if len(results) != 1 {
		t.Fatalf("%d results", len(results))
	}
	return results[0]
}

// value is the value of a script that must not fail.
func value(t testing.TB, e *Engine, source string) string {
	t.Helper()
	return valueOf(t, run(t, e, noHost{}, request(source)))
}

func valueOf(t testing.TB, r Result) string {
	t.Helper()
	if r.Err != nil {
		t.Fatalf("%v\n%s\n%s", r.Err, r.Err.Traceback, r.Log)
	}
	return string(r.Value)
}

// failed is the error of a script that must fail.
func failed(t testing.TB, r Result) *Error {
	t.Helper()
	if r.Err == nil {
		t.Fatalf("the script gives %s", r.Value)
	}
	return r.Err
}

func textf(format string, args ...any) string { return fmt.Sprintf(format, args...) }
