"""The parent, which forks, and the loop of a child, which runs scripts."""
import codecs
import encodings
import gc
import json
import os
import resource
import signal
import socket
import struct
import sys

from kartoteka import runner

# The frames of both sockets: a length of four bytes, then JSON.
HEADER = struct.Struct('>I')
DESCRIPTORS = 64  # the parent has fewer
FORK = struct.Struct('>Q')  # what the server sends for a child: its memory in bytes


class Channel:
    """The socket of a child. It uses read and write only: nothing else is allowed."""

    def __init__(self, fd):
        self.fd = fd

    def _read(self, size):
        parts = []
        while size > 0:
            part = os.read(self.fd, min(size, 1 << 20))
            if not part:
                os._exit(0)  # the server wants this child no more
            parts.append(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b''.join(parts)

    def receive(self):
        return json.loads(self._read(HEADER.unpack(self._read(4))[0]))

    def send(self, text):
        data = text.encode()
        view = memoryview(HEADER.pack(len(data)) + data)
        while view:
            view = view[os.write(self.fd, view):]


def load_codecs():
    """Loads every encoding: the sandbox has no files to load one from."""
    for name in os.listdir(encodings.__path__[0]):
        try:
            codecs.lookup(name.removesuffix('.py'))
        except (LookupError, ImportError):
            pass  # one of another system


def serve(fd):
    """Runs scripts until the server closes the socket."""
    channel = Channel(fd)
    runner.warm()
    channel.send('{"ok":true}')
    while True:
        message = channel.receive()
        if 'check' in message:
            channel.send(json.dumps(runner.check(message['check'])))
        else:
            runner.run(channel, message)


def close_inherited(last):
    """Closes what the server itself inherited from whoever started it."""
    for name in os.listdir('/dev/fd'):
        if int(name) > last:
            try:
                os.close(int(name))
            except OSError:
                pass  # that of the list itself
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))


def child(fd, memory, settings, parent, size):
    os.closerange(0, fd)
    os.closerange(fd + 1, DESCRIPTORS)
    try:
        sys.stdin = sys.stdout = sys.stderr = None
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(name, signal.SIG_DFL)
        if not settings['unsafe']:
            settings['sandbox'].lock_child(parent, size, memory, settings['program'])
    except BaseException as error:
        Channel(fd).send(json.dumps({'ok': False, 'reason': str(error)}))
        os._exit(1)
    try:
        serve(fd)
    finally:
        os._exit(1)


def parent(control, settings):
    """Forks a child for each message of the server, until the server is gone."""
    size = landlock = 0
    close_inherited(control.fileno())
    load_codecs()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries children
    if not settings['unsafe']:
        from kartoteka import sandbox
        size = sandbox.address_space()
        settings['sandbox'] = sandbox
        settings['program'] = sandbox.program(settings['filter'])
        landlock = sandbox.lock_parent()
    gc.collect()
    gc.freeze()
    me = os.getpid()
    ready = json.dumps({'ok': True, 'landlock': landlock}).encode()
    control.sendall(HEADER.pack(len(ready)) + ready)
    while True:
        data, fds, _, _ = socket.recv_fds(control, FORK.size, 1)
        if len(data) != FORK.size or len(fds) != 1:
            os._exit(0)
        try:
            pid = os.fork()
        except OSError:
            pid = -1  # the server sees its socket closed
        if pid == 0:
            control.close()
            child(fds[0], FORK.unpack(data)[0], settings, me, size)
        os.close(fds[0])
