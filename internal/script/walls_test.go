//go:build linux

package script

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// escape is how a hostile script gets behind what the Python side refuses: a
// generator's frame leads to our own code. After it the walls alone are left.
const escape = `
def _generate():
    yield _generator.gi_frame.f_back
_generator = _generate()
_frame = next(_generator)
while _frame.f_back is not None:
    _frame = _frame.f_back
sys = _frame.f_globals['sys']
os, socket, ctypes, signal = (sys.modules[n] for n in ('os', 'socket', 'ctypes', 'signal'))
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_long
def tried(function, *args):
    try:
        function(*args)
    except Exception as error:
        return type(error).__name__
    return 'done'
def called(name, *args):
    function = getattr(libc, name)
    function.restype = ctypes.c_long if name in ('mmap', 'syscall', 'signal') else ctypes.c_int
    ctypes.set_errno(0)
    if function(*args) == -1:
        return ctypes.get_errno()
    return 'done'
`

// forked makes a process that ends at once, bomb many of them.
const forks = `
def forked():
    if os.fork() == 0:
        os._exit(0)
def bomb():
    for n in range(100):
        if tried(forked) == 'done':
            return
    raise PermissionError
fd = next((n for n in range(64) if tried(os.fstat, n) == 'done'), 0)
`

// attacks by what they try; each is an expression that gives "PermissionError" or
// the number 1 (EPERM) when the wall stands. SYS are numbers of system calls; parent,
// sibling and server are processes. Some are real: anybody can do them without walls.
var attacks = []struct {
	name, source string
	real         bool
}{
	{"read a file", `tried(os.open, '/etc/passwd', os.O_RDONLY)`, true},
	{"write a file", `tried(os.open, '/tmp/kartoteka-escaped', os.O_RDWR | os.O_CREAT)`, false},
	{"list a folder", `tried(os.listdir, '/')`, true},
	{"list the processes", `tried(os.listdir, '/proc')`, true},
	{"see whether a file exists", `tried(os.stat, '/etc/passwd')`, true},
	{"read a link", `tried(os.readlink, '/proc/self/exe')`, true},
	{"its memory as a file", `tried(os.open, '/proc/%d/mem' % os.getpid(), os.O_RDWR)`, true},
	{"memory of the parent as a file", `tried(os.open, '/proc/%d/mem' % parent, os.O_RDWR)`, false},
	{"memory of a sibling as a file", `tried(os.open, '/proc/%d/mem' % sibling, os.O_RDWR)`, false},
	{"environment of the server", `tried(os.open, '/proc/%d/environ' % server, os.O_RDONLY)`, true},
	{"descriptors of a sibling", `tried(os.open, '/proc/%d/fd/1' % sibling, os.O_RDONLY)`, false},
	{"another folder as root", `tried(os.chroot, '/tmp')`, false},
	{"a file system", `called('mount', b'none', b'/tmp', b'tmpfs', 0, None)`, false},

	{"TCP", `tried(socket.socket)`, true},
	{"a socket of the machine", `tried(socket.socket, socket.AF_UNIX)`, true},
	{"a pair of sockets", `tried(socket.socketpair)`, true},
	{"packets", `tried(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)`, true},
	{"raw packets", `tried(socket.socket, socket.AF_INET, socket.SOCK_RAW, 1)`, false},
	{"talk to the kernel", `tried(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW, 0)`, true},
	{"send a descriptor", `called('sendmsg', fd, bytes(56), 0)`, false},
	{"take a descriptor", `called('recvmsg', fd, ctypes.create_string_buffer(56), 0x40)`, false},
	{"who is at the other end", `called('getsockopt', fd, 1, 17, ctypes.create_string_buffer(12), ctypes.byref(ctypes.c_int(12)))`, false},
	{"signals for another process", `called('fcntl', fd, 8, parent)`, true},

	{"fork", `tried(forked)`, true},
	{"a fork bomb", `tried(bomb)`, true},
	{"another program", `tried(os.posix_spawn, '/bin/true', ['true'], {})`, true},
	{"a thread", `called('syscall', SYS['clone'], 0x11, 0, 0, 0, 0)`, false},
	{"a process the new way", `called('syscall', SYS['clone3'], bytes(64), ctypes.c_size_t(64))`, false},
	{"exec", `tried(os.execv, '/bin/true', ['true'])`, false},

	{"kill the first process", `tried(os.kill, 1, 0)`, false},
	{"kill the parent", `tried(os.kill, parent, signal.SIGKILL)`, false},
	{"stop the parent", `tried(os.kill, parent, signal.SIGSTOP)`, false},
	{"a signal for the parent's thread", `called('syscall', SYS['tgkill'], parent, parent, 9)`, false},
	{"a signal with data", `called('syscall', SYS['rt_sigqueueinfo'], parent, 9, bytes(128))`, false},
	{"kill the server", `tried(os.kill, server, 0)`, true},
	{"kill a sibling", `tried(os.kill, sibling, signal.SIGKILL)`, false},
	{"kill everything", `tried(os.kill, -1, 0)`, false},
	{"kill its group", `tried(os.killpg, 0, 0)`, true},
	{"a hold on the parent", `called('syscall', SYS['pidfd_open'], parent, 0)`, true},
	{"a descriptor of a sibling", `called('syscall', SYS['pidfd_getfd'], fd, 1, 0)`, false},
	{"stop itself", `tried(os.kill, os.getpid(), signal.SIGSTOP)`, false},
	{"handle a signal", `called('signal', 15, 1)`, true},
	{"an alarm", `called('setitimer', 0, bytes(32), None)`, true},
	{"outlive the server", `called('prctl', 1, 0, 0, 0, 0)`, true},
	{"another group", `tried(os.setsid)`, false},
	{"trace a sibling", `called('ptrace', 16, sibling, 0, 0)`, false},
	{"trace the parent", `called('ptrace', 16, parent, 0, 0)`, false},
	{"be traced", `called('ptrace', 0, 0, 0, 0)`, false},
	{"read a sibling", `called('process_vm_readv', sibling, 0, 0, 0, 0, 0)`, false},
	{"write into a sibling", `called('process_vm_writev', sibling, 0, 0, 0, 0, 0)`, false},
	{"write into the parent", `called('process_vm_writev', parent, 0, 0, 0, 0, 0)`, true},
	{"limit the parent", `called('prlimit', parent, 7, None, ctypes.create_string_buffer(16))`, false},
	{"slow the parent down", `called('setpriority', 0, parent, 19)`, true},
	{"processors of the parent", `called('sched_setaffinity', parent, ctypes.c_size_t(8), b'\x01' + bytes(7))`, true},

	{"shared memory", `called('shmget', 0x6b617274, ctypes.c_size_t(4096), 0o600)`, false},
	{"a queue of messages", `called('msgget', 0x6b617274, 0o600)`, false},
	{"a semaphore", `called('semget', 0x6b617274, 1, 0o600)`, false},
	{"a queue with a name", `called('syscall', SYS['mq_open'], b'kartoteka', 0, 0, None)`, false},
	{"memory with a name", `called('memfd_create', b'x', 0)`, true},
	{"memory that runs", `called('mmap', None, ctypes.c_size_t(4096), 7, 0x22, -1, 0)`, true},
	{"make memory run", `called('mprotect', ctypes.c_void_p(libc.mmap(None, ctypes.c_size_t(4096), 3, 0x22, -1, 0)), ctypes.c_size_t(4096), 5)`, true},
	{"make memory run with a key", `called('syscall', SYS['pkey_mprotect'], None, ctypes.c_size_t(4096), 5, -1)`, false},
	{"keep memory", `called('mlockall', 1)`, false},
	{"pages of others", `called('syscall', SYS['userfaultfd'], 0)`, false},
	{"a queue of calls", `called('syscall', SYS['io_uring_setup'], 1, ctypes.create_string_buffer(120))`, false},
	{"programs in the kernel", `called('syscall', SYS['bpf'], 0, bytes(128), 128)`, false},
	{"watch the kernel", `called('syscall', SYS['perf_event_open'], bytes(128), 0, -1, -1, 0)`, false},
	{"keys of the kernel", `called('syscall', SYS['add_key'], b'user', b'x', b'x', ctypes.c_size_t(1), -2)`, false},

	{"become traceable", `called('prctl', 4, 1, 0, 0, 0)`, true},
	{"another filter", `called('syscall', SYS['seccomp'], 0, 0, None)`, false},
	{"raise a limit", `called('setrlimit', 9, b'\xff' * 16)`, false},
	{"another user", `called('setresuid', os.getpid() * 0, 0, 0)`, false},
	{"who it is", `called('syscall', SYS['getuid'])`, true},
	{"the machine's name", `tried(os.uname)`, true},
	{"what else runs", `called('sysinfo', ctypes.create_string_buffer(128))`, true},
	{"other namespaces", `called('unshare', 0x10000000)`, false},
	{"namespaces of another", `called('setns', fd, 0)`, false},
	{"a descriptor more", `tried(os.dup, fd)`, true},
	{"a pipe", `tried(os.pipe)`, true},
}

// systemNumbers are those that attacks name.
var systemNumbers = map[string]int{
	"clone": unix.SYS_CLONE, "clone3": unix.SYS_CLONE3, "tgkill": unix.SYS_TGKILL, "rt_sigqueueinfo": unix.SYS_RT_SIGQUEUEINFO,
	"pidfd_open": unix.SYS_PIDFD_OPEN, "pidfd_getfd": unix.SYS_PIDFD_GETFD, "mq_open": unix.SYS_MQ_OPEN, "pkey_mprotect": unix.SYS_PKEY_MPROTECT,
	"userfaultfd": unix.SYS_USERFAULTFD, "io_uring_setup": unix.SYS_IO_URING_SETUP, "bpf": unix.SYS_BPF, "perf_event_open": unix.SYS_PERF_EVENT_OPEN,
	"add_key": unix.SYS_ADD_KEY, "seccomp": unix.SYS_SECCOMP, "getuid": unix.SYS_GETUID,
}

// attack attacks from inside of a child, another company's being there.
func attack(t *testing.T, e *Engine) {
	sibling := request("1")
	sibling.Key.Company = "2"
	run(t, e, noHost{}, sibling)
	people := inputs(t, "parent", inside(t, e.parent.pid), "sibling", inside(t, idle(e).proc.pid), "server", os.Getpid(), "SYS", systemNumbers)
	for _, a := range attacks {
		req := request(escape + forks + a.source)
		req.Items[0] = people
		r := run(t, e, noHost{}, req)
		if got := string(r.Value); r.Err != nil || got != `"PermissionError"` && got != "1" {
			t.Errorf("%s gives %s, %v", a.name, got, r.Err)
		}
	}
	// Memory is had without the right to run, so that the attacks on it mean something.
	if got := value(t, e, escape+`called('mmap', None, ctypes.c_size_t(4096), 3, 0x22, -1, 0)`); got != `"done"` {
		t.Errorf("memory gives %s", got)
	}
	everyCall(t, e)
	if got := value(t, e, escape+textf(`sum(tried(os.fstat, n) == 'done' for n in range(%d))`, inheritedFD+10)); got != "1" {
		t.Errorf("%s descriptors are open, its own socket is one", got)
	}
	got := value(t, e, escape+`sorted(os.environ), sys.argv, sys.path and [p for p in sys.path if 'home' in p]`)
	if got != `[["LC_ALL","TZ"],["-c"],[]]` {
		t.Errorf("it sees %s", got)
	}
	if got := value(t, e, escape+`tried(os.kill, os.getppid(), 0)`); got != `"PermissionError"` {
		t.Errorf("the parent gets a signal: %s", got)
	}
	kernel(t, e)
}

// kernel looks at the processes with the kernel's eyes.
func kernel(t *testing.T, e *Engine) {
	child := idle(e).proc.pid
	status(t, child, "Seccomp:\t2", "NoNewPrivs:\t1", "CapEff:\t0000000000000000")
	status(t, e.parent.pid, "NoNewPrivs:\t1", "CapEff:\t0000000000000000")
	maps, err := os.ReadFile(textf("/proc/%d/maps", child))
	if os.Getuid() != 0 && e.parent.reduced { // who made namespaces sees what is in them
		if err == nil {
			t.Error("a child can be looked into by others of its user")
		}
		return
	}
	if err != nil || len(maps) == 0 {
		t.Fatal(len(maps), err)
	}
	for line := range strings.Lines(string(maps)) {
		if rights := strings.Fields(line)[1]; strings.Contains(rights, "w") && strings.ContainsAny(rights, "xs") {
			t.Errorf("it has memory that is shared, or runs and is written: %s", line)
		}
	}
	if os.Getuid() != 0 {
		return // nobody else lists the descriptors
	}
	for pid, most := range map[int]int{child: 1, e.parent.pid: 4} {
		open, err := os.ReadDir(textf("/proc/%d/fd", pid))
		if err != nil || len(open) > most {
			t.Errorf("process %d has %d descriptors: %v, %v", pid, len(open), open, err)
		}
	}
}

// idle is the child that ran last.
func idle(e *Engine) *child {
	e.pool.mutex.Lock()
	defer e.pool.mutex.Unlock()
	return e.pool.idle[len(e.pool.idle)-1]
}

// inside is the number that a process has in its own namespace.
func inside(t *testing.T, pid int) int {
	t.Helper()
	data, err := os.ReadFile(textf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(data), "\nNSpid:\t")
	line, _, _ := strings.Cut(after, "\n")
	numbers := strings.Fields(line)
	found, err := strconv.Atoi(numbers[len(numbers)-1])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// everyCall makes every call of the system but the allowed ones.
func everyCall(t *testing.T, e *Engine) {
	// uretprobe and uprobe belong to the kernel's own probes: it shows them to no
	// filter since Linux 6.14, and they fail or kill whoever calls them.
	fine := slices.Concat(allowed.allowed, allowed.mapping, []uint32{335, 336})
	req := request(escape + `
refused = lambda n: called('syscall', ctypes.c_long(n), 0, 0, 0, 0, 0, 0) == 1
[n for n in [*range(480), *range(1 << 30, (1 << 30) + 480)] if n not in fine and not refused(n)]`)
	req.Items[0] = inputs(t, "fine", fine)
	if got := valueOf(t, run(t, e, noHost{}, req)); got != "[]" {
		t.Errorf("these calls are not refused: %s", got)
	}
}

func status(t *testing.T, pid int, lines ...string) {
	t.Helper()
	data, err := os.ReadFile(textf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if !bytes.Contains(data, []byte(line+"\n")) {
			t.Errorf("process %d lacks %q", pid, line)
		}
	}
}

// TestAttacksAreReal: without walls the attacks succeed, so that TestWalls can fail.
func TestAttacksAreReal(t *testing.T) {
	e := engine(t, func(c *Config) { c.Unsafe = true })
	value(t, e, "1")
	for _, a := range attacks {
		if !a.real {
			continue
		}
		req := request(escape + forks + a.source)
		req.Items[0] = inputs(t, "parent", e.parent.pid, "server", os.Getpid(), "SYS", systemNumbers)
		if got := valueOf(t, run(t, e, noHost{}, req)); got != `"done"` {
			t.Errorf("%s gives %s", a.name, got)
		}
	}
	if got := value(t, e, escape+`called('syscall', ctypes.c_long(39), 0)`); got == "1" {
		t.Error("getpid is refused")
	}
	if e.Walls() != "none" {
		t.Errorf("the walls are %s", e.Walls())
	}
}

// gone waits until no process has one of the numbers.
func gone(t *testing.T, pids []int) {
	t.Helper()
	for range 500 {
		left := slices.DeleteFunc(slices.Clone(pids), func(pid int) bool { return syscall.Kill(pid, 0) == syscall.ESRCH || zombie(pid) })
		if len(left) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("some of the processes %v are left", pids)
}

func zombie(pid int) bool {
	data, err := os.ReadFile(textf("/proc/%d/stat", pid))
	return err == nil && bytes.Contains(data, []byte(") Z "))
}

// processes are the parent, the idle children and the spare one.
func processes(e *Engine) []int {
	pids := []int{e.parent.pid}
	e.mutex.Lock()
	if e.spare != nil {
		pids = append(pids, e.spare.proc.pid)
	}
	e.mutex.Unlock()
	for _, c := range e.pool.idle {
		pids = append(pids, c.proc.pid)
	}
	return pids
}

// TestParentWalls: what the parent gives up when everything is loaded, with
// capabilities and without. It never runs a script; this is the second wall.
func TestParentWalls(t *testing.T) {
	source, err := sources.ReadFile("python/sandbox.py")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	probe := string(source) + textf(`
import json, socket
def tried(function, *args):
    try:
        function(*args)
    except OSError as error:
        return type(error).__name__
    return 'done'
def child():
    pid = os.fork()
    if pid == 0:
        signal.pause()
    os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)
def tries():
    return [tried(os.listdir, '/'), tried(open, '/etc/hostname'), tried(open, '/tmp/kartoteka-escaped', 'w'), tried(os.execv, '/bin/true', ['true']),
            tried(lambda: socket.create_connection(('127.0.0.1', %d))), tried(os.kill, %d, 0), tried(socket.sethostname, 'x'), tried(child)]
if 'locked' in sys.argv:
    lock_parent()
print(json.dumps(tries()))
`, listener.Addr().(*net.TCPAddr).Port, os.Getpid())
	users := []*syscall.Credential{nil}
	if os.Getuid() == 0 {
		users = append(users, &syscall.Credential{Uid: nobody, Gid: nobody})
	}
	for _, user := range users {
		cmd := exec.CommandContext(t.Context(), interpreter, "-I", "-S", "-B", "-c", "import sys\n"+probe, "locked")
		cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Credential: user}
		out, err := cmd.CombinedOutput()
		want := `["PermissionError", "PermissionError", "PermissionError", "PermissionError", "PermissionError", "PermissionError", "PermissionError", "done"]`
		if err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("as %v: %v, %s", user, err, out)
		}
	}
}
