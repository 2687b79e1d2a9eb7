package script

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// nobody is the number that this user has inside of the namespaces.
const nobody = 65534

// attributes are those of the parent: a process group of its own, so that no signal of a
// terminal reaches it, and death with the server.
func attributes(namespaces bool) *sysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if namespaces {
		attr.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getegid(), Size: 1}}
	}
	return attr
}

// noNamespaces tells whether a process was not made because of its namespaces.
func noNamespaces(err error) bool {
	for _, e := range []error{unix.EPERM, unix.EACCES, unix.EINVAL, unix.ENOSPC, unix.ENOSYS, unix.EUSERS} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// wantSender asks the kernel to name the process that sends.
func wantSender(conn *net.UnixConn) error { return passCredentials(conn, 1) }

func passCredentials(conn *net.UnixConn, on int) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, on) })
	return errors.Join(err, failed)
}

// readSender reads what has arrived, and the number of the process that sent it.
func readSender(conn *net.UnixConn, buf []byte) (n, pid int, err error) {
	oob := make([]byte, unix.CmsgSpace(unix.SizeofUcred))
	n, oobn, _, _, err := conn.ReadMsgUnix(buf, oob)
	if err != nil || n == 0 {
		return n, 0, err
	}
	if err := passCredentials(conn, 0); err != nil {
		return n, 0, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return n, 0, err
	}
	for i := range messages {
		if credentials, err := unix.ParseUnixCredentials(&messages[i]); err == nil {
			return n, int(credentials.Pid), nil
		}
	}
	return n, 0, errors.New("the kernel does not name the child")
}

// process is a child as the kernel knows it. The zero value is none.
type process struct {
	pid int
	fd  int // a pidfd, which never names another process; -1 where there is none
}

func openProcess(pid int) (process, error) {
	if pid <= 0 {
		return process{}, errors.New("the child has no number here")
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		return process{pid: pid, fd: -1}, nil // an old kernel, or one that is told to act like one
	}
	return process{pid: pid, fd: fd}, err
}

// kill ends the process once.
func (p *process) kill() {
	if p.pid == 0 {
		return
	}
	if p.fd >= 0 {
		_ = unix.PidfdSendSignal(p.fd, unix.SIGKILL, nil, 0)
		_ = unix.Close(p.fd)
	} else {
		_ = unix.Kill(p.pid, unix.SIGKILL)
	}
	*p = process{}
}

// cpu is the processor time that the process has used; 0 when it is gone.
func (p *process) cpu() time.Duration {
	if p.pid == 0 {
		return 0
	}
	const scheduled = 2 // CPUCLOCK_SCHED: user and system time, of the whole process
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^p.pid<<3|scheduled), &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
