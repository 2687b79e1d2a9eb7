package script

import "golang.org/x/sys/unix"

// allowed is the allow-list.
var allowed = systemCalls{
	architecture: unix.AUDIT_ARCH_AARCH64,
	allowed: []uint32{
		unix.SYS_READ, unix.SYS_WRITE, unix.SYS_MUNMAP, unix.SYS_MREMAP, unix.SYS_MADVISE, unix.SYS_BRK, unix.SYS_FUTEX,
		unix.SYS_EXIT, unix.SYS_EXIT_GROUP, unix.SYS_RT_SIGRETURN, unix.SYS_RT_SIGPROCMASK, unix.SYS_SIGALTSTACK,
		unix.SYS_CLOCK_GETTIME, unix.SYS_GETTIMEOFDAY, unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP,
		unix.SYS_GETRANDOM, unix.SYS_GETPID, unix.SYS_FSTAT,
	},
	mapping: []uint32{unix.SYS_MMAP, unix.SYS_MPROTECT},
}
