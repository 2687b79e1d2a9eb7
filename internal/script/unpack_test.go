//go:build linux

package script

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kartoteka/internal/fault"
)

// TestUnpackAtOnce: many unpack at the same time; all get the same whole folder.
func TestUnpackAtOnce(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	var together sync.WaitGroup
	together.Add(8)
	for range 8 {
		all.Go(func() {
			home, err := unpackOnce(dir, "key", func(home string) error {
				if err := os.WriteFile(filepath.Join(home, "a"), []byte("1"), 0o600); err != nil {
					return err
				}
				together.Done()
				together.Wait() // nobody is first
				return os.WriteFile(filepath.Join(home, "b"), []byte("2"), 0o600)
			})
			if err != nil || home != filepath.Join(dir, "key") {
				t.Error(home, err)
			}
		})
	}
	all.Wait()
	if got := names(t, dir); got != "key" {
		t.Errorf("the folder has %s", got)
	}
	if got := names(t, filepath.Join(dir, "key")); got != "a b" {
		t.Errorf("the interpreter has %s", got)
	}
}

// TestUnpackCrashes: what was not finished is never used, and goes with the next one;
// so does the interpreter of another version. A folder that is being made stays.
func TestUnpackCrashes(t *testing.T) {
	dir := t.TempDir()
	failed := errors.New("the disk is full")
	if _, err := unpackOnce(dir, "key", func(string) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("it gives %v", err)
	}
	if got := names(t, dir); got != "" {
		t.Errorf("it leaves %s", got)
	}
	for _, name := range []string{"new-old", "new-young", "other-version"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-2 * unpackTime)
	if err := os.Chtimes(filepath.Join(dir, "new-old"), long, long); err != nil {
		t.Fatal(err)
	}
	made := 0
	for range 2 {
		if _, err := unpackOnce(dir, "key", func(string) error { made++; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(t, dir); got != "key new-young" || made != 1 {
		t.Errorf("the folder has %s, made %d times", got, made)
	}
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

// TestUnavailable: what cannot run scripts says so, with the reason.
func TestUnavailable(t *testing.T) {
	for name, c := range map[string]struct {
		python string
		says   string
	}{
		"no interpreter":     {"/no/such/python", "is not there"},
		"not an interpreter": {"/bin/true", "does not start"},
		"one that says no":   {"/bin/false", "does not start"},
		"a folder":           {"/tmp", "does not start"},
	} {
		t.Run(name, func(t *testing.T) {
			e := engine(t, func(cfg *Config) { cfg.Python = c.python })
			_, err := e.Run(t.Context(), noHost{}, request("1"))
			if !fault.Is(err, fault.ScriptsUnavailable) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it gives %v", err)
			}
		})
	}
}

// TestNoSeccomp: a child that cannot lock itself in runs nothing.
func TestNoSeccomp(t *testing.T) {
	whole := allowed
	defer func() { allowed = whole }()
	allowed.architecture = 0
	allowed.allowed = make([]uint32, 5000) // a longer program than the kernel takes
	e := engine(t)
	_, err := e.Run(t.Context(), noHost{}, request("1"))
	if !fault.Is(err, fault.ScriptsUnavailable) || !strings.Contains(err.Error(), "seccomp") {
		t.Errorf("it gives %v", err)
	}
}

// TestBadRequests: what is refused before any process is there.
func TestBadRequests(t *testing.T) {
	e := engine(t)
	for name, c := range map[string]struct {
		change func(*Request)
		code   fault.Code
	}{
		"long":    {func(r *Request) { r.Source = strings.Repeat("x", SourceMax+1) }, fault.TooLong},
		"no text": {func(r *Request) { r.Source = "'\xff'" }, fault.InvalidParameter},
		"mode":    {func(r *Request) { r.Mode = "guess" }, fault.InvalidParameter},
		"no key":  {func(r *Request) { r.Key.Version = "" }, fault.Internal},
		"limits":  {func(r *Request) { r.Limits = Limits{} }, fault.Internal},
	} {
		req := request("1")
		c.change(req)
		if _, err := e.Run(t.Context(), noHost{}, req); !fault.Is(err, c.code) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if e.Walls() != "" {
		t.Error("a process was started")
	}
}
