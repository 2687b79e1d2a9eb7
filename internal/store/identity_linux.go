package store

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// bornAt is when a file came into being, "" where the file system does not keep it.
// No copy can have it, and neither a move, a restart nor another mount changes it;
// numbers of devices and inodes are no such thing.
func bornAt(path string) (string, error) {
	var s unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, unix.AT_STATX_SYNC_AS_STAT, unix.STATX_BTIME, &s)
	if err == unix.ENOSYS || err == nil && s.Mask&unix.STATX_BTIME == 0 {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", path, err)
	}
	return fmt.Sprintf("%d.%09d", s.Btime.Sec, s.Btime.Nsec), nil
}
