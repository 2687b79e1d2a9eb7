"""What keeps scripts in: prepared in the parent, applied once by each process to itself."""
import ctypes
import os
import resource
import signal
import struct

libc = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2

LANDLOCK_CREATE, LANDLOCK_RESTRICT = 444, 446  # alike on amd64 and arm64
LANDLOCK_VERSION = 1
CAPABILITY_VERSION = 0x20080522


class Program(ctypes.Structure):
    """struct sock_fprog"""
    _fields_ = [('length', ctypes.c_ushort), ('code', ctypes.c_void_p)]


def program(code):
    """Makes what PR_SET_SECCOMP wants of struct sock_filter after struct sock_filter."""
    buffer = ctypes.create_string_buffer(code, len(code))
    made = Program(len(code) // 8, ctypes.addressof(buffer))
    made.buffer = buffer  # lives as long
    return made


def prctl(option, *args):
    values = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in args]
    values += [ctypes.c_ulong(0)] * (4 - len(values))
    if libc.prctl(option, *values) != 0:
        code = ctypes.get_errno()
        raise OSError(code, 'prctl %d: %s' % (option, os.strerror(code)))


def landlock():
    """Gives up every file, TCP port, abstract socket and foreign process that the
    kernel can take away; returns the version of Landlock, 0 without it."""
    version = libc.syscall(LANDLOCK_CREATE, None, ctypes.c_size_t(0), LANDLOCK_VERSION)
    if version < 1:
        return 0
    files = 0x1fff
    for since, bit in ((2, 13), (3, 14), (5, 15)):
        if version >= since:
            files |= 1 << bit
    attributes = struct.pack('QQQ', files, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = libc.syscall(LANDLOCK_CREATE, attributes, ctypes.c_size_t(size), 0)
    if rules < 0:
        return 0
    refused = libc.syscall(LANDLOCK_RESTRICT, rules, 0)
    os.close(rules)
    return 0 if refused else version


def drop_capabilities():
    """Gives up what root has without namespaces of its own."""
    header = struct.pack('Ii', CAPABILITY_VERSION, 0)
    if libc.capset(header, bytes(24)) != 0:
        raise OSError(ctypes.get_errno(), 'capset')


def lock_parent():
    """Called when everything is loaded: no file is needed any more."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    drop_capabilities()
    prctl(PR_SET_DUMPABLE, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return landlock()


def address_space():
    """The size of this process in bytes."""
    with open('/proc/self/statm') as f:
        return int(f.read().split()[0]) * os.sysconf('SC_PAGE_SIZE')


def lock_child(parent, size, memory, filter_program):
    """Closes the box around a fresh child. The filter is last: it allows nothing
    of what comes before it."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    prctl(PR_SET_DUMPABLE, 0)
    for limit, value in (
        (resource.RLIMIT_AS, size + memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
    ):
        resource.setrlimit(limit, (value, value))
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(filter_program))
