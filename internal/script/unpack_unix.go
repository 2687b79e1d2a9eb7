//go:build unix

package script

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kartoteka/internal/fault"
)

var errNotFound = fs.ErrNotExist

// unpackTime is after which a folder that nobody finished was given up.
const unpackTime = time.Hour

// unpacked gives the path of the interpreter of this program, which is unpacked into
// a folder of dir that is named after its content. Folders appear whole: several
// processes may unpack at once, and a crash leaves nothing that is used.
func unpacked(dir string) (string, error) {
	key := embeddedKey()
	if key == "" {
		return "", unavailable(nil, fault.Msg("this program was built without Python; the setting SCRIPT_PYTHON names an interpreter"))
	}
	home, err := unpackOnce(filepath.Join(dir, "python"), key, unpackEmbedded)
	if err != nil {
		return "", unavailable(err, fault.Msg("the interpreter cannot be unpacked; the log says why"))
	}
	return filepath.Join(home, "bin", "python3"), nil
}

// unpackOnce gives the folder key of dir, made by unpack if it is not there.
func unpackOnce(dir, key string, unpack func(home string) error) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	home := filepath.Join(dir, key)
	if _, err := os.Stat(home); err == nil {
		return home, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	temporary, err := os.MkdirTemp(dir, "new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temporary) //nolint:errcheck // the next one removes it
	if err := unpack(temporary); err != nil {
		return "", fmt.Errorf("unpack Python: %w", err)
	}
	if err := settle(temporary); err != nil {
		return "", fmt.Errorf("unpack Python: %w", err)
	}
	if err := os.Rename(temporary, home); err != nil {
		if _, other := os.Stat(home); other == nil {
			return home, nil // another process was faster
		}
		return "", err
	}
	removeOld(dir, key)
	return home, settle(dir)
}

// removeOld removes interpreters of other versions and what nobody finished.
func removeOld(dir, key string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		unfinished := strings.HasPrefix(e.Name(), "new-")
		if err != nil || e.Name() == key || unfinished && time.Since(info.ModTime()) < unpackTime {
			continue
		}
		_ = os.RemoveAll(filepath.Join(dir, e.Name()))
	}
}

// prune keeps what runs scripts of an unpacked interpreter: bin/python3 and its
// library, 45 of 145 MB.
func prune(home string) error {
	bin := filepath.Join(home, "bin")
	exe, err := filepath.Glob(filepath.Join(bin, "python3.[0-9]*[0-9]"))
	if err != nil || len(exe) != 1 {
		return errors.Join(err, fmt.Errorf("%d interpreters in %s", len(exe), bin))
	}
	if err := os.Rename(exe[0], filepath.Join(bin, "python3")); err != nil {
		return err
	}
	return errors.Join(keepOnly(bin, "python3"), keepOnly(filepath.Join(home, "lib"), "python3.[0-9]*"))
}

// keepOnly removes everything from a folder but what has a name of the pattern.
func keepOnly(dir, pattern string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if match, _ := filepath.Match(pattern, e.Name()); !match {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return err
}
