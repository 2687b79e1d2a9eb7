//go:build linux

package script

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

// attacks by what they try; each is an expression that gives "PermissionError" or
// the number 1 (EPERM) when the wall stands.
var attacks = []struct{ name, source string }{
	{"read a file", `tried(os.open, '/etc/passwd', os.O_RDONLY)`},
	{"write a file", `tried(os.open, '/tmp/kartoteka-escaped', os.O_RDWR | os.O_CREAT)`},
	{"list a folder", `tried(os.listdir, '/')`},
	{"see whether a file exists", `tried(os.stat, '/etc/passwd')`},
	{"read a link", `tried(os.readlink, '/proc/self/exe')`},
	{"memory of a process", `tried(os.open, '/proc/%d/mem' % os.getpid(), os.O_RDWR)`},
	{"TCP", `tried(socket.socket)`},
	{"a socket of the machine", `tried(socket.socket, socket.AF_UNIX)`},
	{"a pair of sockets", `tried(socket.socketpair)`},
	{"packets", `tried(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)`},
	{"fork", `tried(os.fork)`},
	{"a thread", `called('syscall', CLONE, 0x11, 0, 0, 0, 0)`},
	{"exec", `tried(os.execv, '/bin/true', ['true'])`},
	{"kill the first process", `tried(os.kill, 1, 0)`},
	{"kill the parent", `tried(os.kill, parent, signal.SIGKILL)`},
	{"kill a sibling", `tried(os.kill, sibling, signal.SIGKILL)`},
	{"kill everything", `tried(os.kill, -1, 0)`},
	{"stop itself", `tried(os.kill, os.getpid(), signal.SIGSTOP)`},
	{"handle a signal", `called('signal', 15, 1)`},
	{"an alarm", `called('setitimer', 0, bytes(32), None)`},
	{"trace a sibling", `called('ptrace', 16, sibling, 0, 0)`},
	{"trace the parent", `called('ptrace', 16, parent, 0, 0)`},
	{"write into a sibling", `called('process_vm_writev', sibling, 0, 0, 0, 0, 0)`},
	{"memory that runs", `called('mmap', None, ctypes.c_size_t(4096), 7, 0x22, -1, 0)`},
	{"make memory run", `called('mprotect', ctypes.c_void_p(libc.mmap(None, ctypes.c_size_t(4096), 3, 0x22, -1, 0)), ctypes.c_size_t(4096), 5)`},
	{"become traceable", `called('prctl', 4, 1, 0, 0, 0)`},
	{"raise a limit", `called('setrlimit', 9, b'\xff' * 16)`},
	{"other namespaces", `called('unshare', 0x10000000)`},
	{"a descriptor more", `tried(os.dup, 0)`},
	{"a pipe", `tried(os.pipe)`},
	{"memory with a name", `called('memfd_create', b'x', 0)`},
}

// TestWalls attacks from inside of a child, on a machine with namespaces and on one
// without. It is run again as a user without capabilities by TestWallsAsNobody.
func TestWalls(t *testing.T) {
	for name, change := range map[string]func(*Config){"full": func(*Config) {}, "reduced": reduced} {
		t.Run(name, func(t *testing.T) {
			e := engine(t, change)
			attack(t, e)
			if walls := e.Walls(); strings.Contains(walls, "namespaces") == (name == "reduced") || !strings.Contains(walls, "seccomp") {
				t.Errorf("the walls are %s", walls)
			}
		})
	}
}

func attack(t *testing.T, e *Engine) {
	sibling := request("1")
	sibling.Key.Company = "2"
	run(t, e, noHost{}, sibling)
	people := inputs(t, "parent", e.parent.pid, "sibling", e.pool.idle[0].proc.pid)
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			req := request(escape + strings.ReplaceAll(a.source, "CLONE", textf("%d", unix.SYS_CLONE)))
			req.Items[0] = people
			if got := valueOf(t, run(t, e, noHost{}, req)); got != `"PermissionError"` && got != "1" {
				t.Errorf("it gives %s", got)
			}
		})
	}
	t.Run("memory is had without the right to run", func(t *testing.T) { // so that the attacks on it mean something
		if got := value(t, e, escape+`called('mmap', None, ctypes.c_size_t(4096), 3, 0x22, -1, 0)`); got != `"done"` {
			t.Errorf("it gives %s", got)
		}
	})
	t.Run("every call of the system", func(t *testing.T) { everyCall(t, e) })
	t.Run("descriptors", func(t *testing.T) {
		got := value(t, e, escape+`sum(tried(os.fstat, n) == 'done' for n in range(70))`)
		if got != "1" {
			t.Errorf("%s descriptors are open, its own socket is one", got)
		}
	})
	t.Run("environment", func(t *testing.T) {
		got := value(t, e, escape+`sorted(os.environ), sys.argv, sys.path and [p for p in sys.path if 'home' in p]`)
		if got != `[["LC_ALL","TZ"],["-c"],[]]` {
			t.Errorf("it sees %s", got)
		}
	})
	t.Run("what the kernel says", func(t *testing.T) {
		child := e.pool.idle[len(e.pool.idle)-1].proc.pid
		status(t, child, "Seccomp:\t2", "NoNewPrivs:\t1", "CapEff:\t0000000000000000")
		status(t, e.parent.pid, "NoNewPrivs:\t1", "CapEff:\t0000000000000000")
		if e.parent.landlock < 1 {
			t.Error("the parent has no Landlock")
		}
	})
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
	for _, a := range attacks {
		switch a.name {
		case "read a file", "list a folder", "see whether a file exists", "TCP", "a pair of sockets", "memory that runs", "make memory run",
			"a pipe", "memory with a name", "handle a signal", "become traceable":
			if got := value(t, e, escape+a.source); got != `"done"` {
				t.Errorf("%s gives %s", a.name, got)
			}
		}
	}
	if got := value(t, e, escape+`called('syscall', ctypes.c_long(39), 0)`); got == "1" {
		t.Error("getpid is refused")
	}
	if e.Walls() != "none" {
		t.Errorf("the walls are %s", e.Walls())
	}
}

// TestWallsAsNobody runs the tests of the walls as a user without capabilities.
func TestWallsAsNobody(t *testing.T) {
	if os.Getuid() != 0 {
		if os.Getenv(interpreterVariable) == "" {
			t.Log("these tests run as an ordinary user already")
		}
		return
	}
	again(t, "^(TestWalls|TestLimits|TestHostile|TestState|TestReplaced)$", &syscall.Credential{Uid: nobody, Gid: nobody, NoSetGroups: false})
}

// again runs tests of this program in another process.
func again(t *testing.T, pattern string, as *syscall.Credential) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), copied(t), "-test.run", pattern, "-test.count", "1", "-test.timeout", "5m", "-test.v")
	cmd.Env = []string{interpreterVariable + "=" + interpreter, "TMPDIR=/tmp", "PATH=/usr/bin:/bin"}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "--- PASS: TestWalls") {
		t.Errorf("TestWalls did not run:\n%s", out)
	}
}

// copied is this program where every user may run it.
func copied(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "kartoteka-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	name := filepath.Join(dir, "script.test")
	to, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return name
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
