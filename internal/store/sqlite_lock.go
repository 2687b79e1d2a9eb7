package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// lockName is the file whose lock says that a process holds the folder. It
// stays when the lock is released: removing it would let two processes lock
// two files of the same name.
const lockName = "lock"

// errHeld is what lockFile gives when another process has the lock.
var errHeld = errors.New("locked")

// ErrFolderHeld is in the error of LockFolder when another process, or another
// part of this one, holds the folder.
var ErrFolderHeld = errors.New("held by another process")

// LockFolder takes the data folder for this process; the operating system
// gives it free when the process ends, however it ends.
func LockFolder(dir string) (release func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if err := lockFile(f); err != nil {
		_ = f.Close()
		if errors.Is(err, errHeld) {
			return nil, fmt.Errorf("the data folder %s is %w", dir, ErrFolderHeld)
		}
		return nil, fmt.Errorf("lock the data folder %s: %w", dir, err)
	}
	return func() { _ = f.Close() }, nil
}
