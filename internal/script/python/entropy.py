"""Random bytes from the kernel itself: the sandbox has no /dev/urandom, which this
interpreter may want."""
import ctypes
import os
import random

libc = ctypes.CDLL(None, use_errno=True)


def urandom(size):
    buffer = ctypes.create_string_buffer(max(size, 1))
    got = 0
    while got < size:
        n = libc.getrandom(ctypes.byref(buffer, got), ctypes.c_size_t(size - got), 0)
        if n < 0:
            raise OSError(ctypes.get_errno(), 'getrandom')
        got += n
    return buffer.raw[:size]


def generator():
    """A generator with a seed of its own, so that seed() does not reach other runs."""
    return random.Random(int.from_bytes(os.urandom(32)))


if hasattr(libc, 'getrandom'):
    os.urandom = random._urandom = urandom
