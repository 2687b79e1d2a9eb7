package script

import (
	"os"

	"golang.org/x/sys/unix"
)

// settle makes what was written below a folder survive a crash.
func settle(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // nothing was written through it
	return unix.Syncfs(int(f.Fd()))
}
