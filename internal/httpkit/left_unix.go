//go:build unix

package httpkit

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// tlsAlert is the type of the record by which TLS says that it ends.
const tlsAlert = 21

// Left tells whether the other side has closed a connection, or is ending it, without
// reading from it.
func Left(c net.Conn) bool {
	inner, secure := c.(interface{ NetConn() net.Conn })
	if secure {
		c = inner.NetConn()
	}
	raw, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	of, err := raw.SyscallConn()
	if err != nil {
		return true
	}
	left := false
	err = of.Control(func(fd uintptr) {
		var next [1]byte
		n, _, err := unix.Recvfrom(int(fd), next[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		case err != nil, n == 0:
			left = true
		default:
			left = secure && next[0] == tlsAlert
		}
	})
	return left || err != nil
}
