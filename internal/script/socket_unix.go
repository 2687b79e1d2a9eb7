//go:build unix

package script

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

type sysProcAttr = syscall.SysProcAttr

// socketPair makes two connected sockets: ours, and one for another process.
func socketPair() (*net.UnixConn, *os.File, error) {
	syscall.ForkLock.RLock()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(pair[0])
		unix.CloseOnExec(pair[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, fmt.Errorf("make a pair of sockets: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "script"), os.NewFile(uintptr(pair[1]), "script")
	defer ours.Close() //nolint:errcheck // FileConn has a copy
	conn, err := net.FileConn(ours)
	if err != nil {
		_ = theirs.Close()
		return nil, nil, err
	}
	return conn.(*net.UnixConn), theirs, nil
}

// sendFile sends a descriptor with eight bytes.
func sendFile(to *net.UnixConn, file *os.File, number int64) error {
	rights := unix.UnixRights(int(file.Fd()))
	n, _, err := to.WriteMsgUnix(binary.BigEndian.AppendUint64(nil, uint64(number)), rights, nil)
	if err == nil && n != 8 {
		err = unix.EMSGSIZE
	}
	return err
}
