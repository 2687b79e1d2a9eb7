//go:build unix && !linux

package script

import "golang.org/x/sys/unix"

// settle makes what was written survive a crash.
func settle(string) error {
	return unix.Sync()
}
