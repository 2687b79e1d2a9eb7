package script

import (
	"fmt"
	"log/slog"
	"runtime"
	"unicode/utf8"

	"kartoteka/internal/fault"
)

// Config is how scripts are run.
type Config struct {
	// Dir is a folder of ours: the interpreter is unpacked there at the first script.
	Dir string
	// Python is the path of another interpreter, "" = the one in this program.
	Python string
	// Workers is the most processes that run scripts, 0 = two per core.
	Workers int
	// Unsafe runs scripts without walls: for development only.
	Unsafe bool
	Log    *slog.Logger

	noNamespaces bool // of tests: as on a machine that has none
}

// Workers is how many processes that setting stands for.
func Workers(set int) int {
	if set <= 0 {
		return 2 * runtime.NumCPU()
	}
	return set
}

func (c *Config) complete() {
	c.Workers = Workers(c.Workers)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// unavailable is the error of a machine or program that cannot run scripts.
func unavailable(cause error, why fault.Message) error {
	return fault.Wrap(cause, fault.ScriptsUnavailable, "scripts cannot run here: %s", why)
}

func (r *Request) check() error {
	switch {
	case r.Key.Company == "" || r.Key.Version == "":
		return fmt.Errorf("script %s has no key", r.Name)
	case r.Mode != Evaluate && r.Mode != Execute:
		return fault.New(fault.InvalidParameter, "%q is not a mode: evaluate or execute", string(r.Mode))
	case r.Limits.Wall <= 0 || r.Limits.CPU <= 0 || r.Limits.Memory <= 0:
		return fmt.Errorf("script %s has no limits", r.Name)
	}
	for _, l := range r.Libraries {
		if err := checkSource(l.Source); err != nil {
			return err
		}
	}
	return checkSource(r.Source)
}

func checkSource(source string) error {
	if len(source) > SourceMax {
		return fault.New(fault.TooLong, "the script has %d bytes; at most %d are allowed", len(source), SourceMax)
	}
	if !utf8.ValidString(source) {
		return fault.New(fault.InvalidParameter, "the script is not UTF-8 text")
	}
	return nil
}
