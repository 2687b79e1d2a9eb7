package adminapi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// SocketName is the file in the data folder through which a server takes calls.
const SocketName = "admin.sock"

// maxSocketPath is the longest address of a socket that every system takes, in
// bytes; the shortest limit is 104 with the closing zero.
const maxSocketPath = 103

// errLongPath says that no address of the socket is short enough.
var errLongPath = errors.New("the path of the data folder is too long for a socket; choose a shorter one, or start in the folder itself")

// socketAddress gives an address for the folder's socket that is short enough:
// its path, the path from the working folder or, on Linux, one through an open
// folder. It holds until release.
func socketAddress(dir string) (address string, release func(), err error) {
	release = func() {}
	address = filepath.Join(dir, SocketName)
	if len(address) <= maxSocketPath {
		return address, release, nil
	}
	if relative, ok := fromHere(address); ok {
		return relative, release, nil
	}
	if runtime.GOOS != "linux" {
		return "", release, errLongPath
	}
	f, err := os.Open(dir)
	if err != nil {
		return "", release, fmt.Errorf("open the data folder: %w", err)
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", f.Fd(), SocketName), func() { _ = f.Close() }, nil
}

func fromHere(path string) (relative string, short bool) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", false
	}
	here, err := os.Getwd()
	if err != nil {
		return "", false
	}
	relative, err = filepath.Rel(here, absolute)
	return relative, err == nil && len(relative) <= maxSocketPath
}
