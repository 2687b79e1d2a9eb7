//go:build linux

package script

import (
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// modes are the machines that scripts are locked in on: those with everything, and
// those that lack what only some kernels and containers allow. What a child cannot do
// is the same on each.
var modes = []struct {
	name   string
	change func(*Config)
	walls  string // beside seccomp and limits
}{
	{"full", func(*Config) {}, "Landlock, namespaces"},
	{"without namespaces", reduced, "Landlock"},
	{"without Landlock", func(c *Config) { c.Python = withoutLandlock() }, "namespaces"},
	{"neither", func(c *Config) { c.noNamespaces, c.Python = true, withoutLandlock() }, ""},
}

// withoutLandlock is an interpreter that finds a kernel without Landlock.
func withoutLandlock() string { return interpreter + "-without-landlock" }

// makeWithoutLandlock makes it: a program that asks the kernel to answer ENOSYS to
// landlock_create_ruleset, and becomes the interpreter.
func makeWithoutLandlock() error {
	const givesENOSYS = 0x00050000 | uint32(unix.ENOSYS)
	filter := instructions([]instruction{
		{bpfLoad, 0, 0, offsetNumber},
		{bpfEqual, 0, 1, unix.SYS_LANDLOCK_CREATE_RULESET},
		{bpfGive, 0, 0, givesENOSYS},
		{bpfGive, 0, 0, givesAllow},
	})
	source, err := sources.ReadFile("python/sandbox.py")
	if err != nil {
		return err
	}
	return os.WriteFile(withoutLandlock(), []byte("#!"+interpreter+" -IS\n"+string(source)+textf(`
import sys
prctl(PR_SET_NO_NEW_PRIVS, 1)
prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program(bytes.fromhex('%s'))))
os.execv('%s', ['%s', *sys.argv[1:]])
`, hex.EncodeToString(filter), interpreter, interpreter)), 0o755)
}

// TestWalls does on each kind of machine all that is in issue to get out, to take what
// others need, or to leave something behind. TestWallsAsNobody does it again as a user
// without capabilities. Under the race detector there is one kind of machine: walls are
// the kernel's matter. The tests of the repository run all of them besides, without it.
func TestWalls(t *testing.T) {
	ordinary := os.Getuid() != 0
	if ordinary {
		status(t, os.Getpid(), "CapEff:\t0000000000000000")
	}
	inherited(t)
	tried := modes
	if raceDetector {
		tried = modes[:1]
	}
	for _, m := range tried {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			e := engine(t, m.change)
			if got := value(t, e, "1 + 1"); got != "2" {
				t.Fatalf("1 + 1 is %s", got)
			}
			landlock, namespaces := strings.Contains(m.walls, "Landlock"), strings.Contains(m.walls, "namespaces")
			if e.parent.landlock > 0 != landlock || e.parent.reduced == namespaces {
				t.Fatalf("this machine has %s, wanted is %q", e.Walls(), m.walls)
			}
			attack(t, e)
			limits(t, e)
			hostileAnswers(t, e)
			state(t, e)
			separate(t, e)
			replaced(t, e)
		})
	}
}

// inherited opens a descriptor that this process gives to all that it starts, as careless
// programs do that start a server.
func inherited(t *testing.T) {
	t.Helper()
	if err := unix.Dup2(1, inheritedFD); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(inheritedFD) })
}

// inheritedFD is beyond those that a child closes by itself.
const inheritedFD = 200

// TestWallsAsNobody runs the tests of the walls as a user without capabilities.
func TestWallsAsNobody(t *testing.T) {
	if os.Getuid() != 0 {
		if os.Getenv(interpreterVariable) == "" {
			t.Log("these tests run as an ordinary user already")
		}
		return
	}
	if raceDetector {
		t.Log("without the race detector only; see TestWalls")
		return
	}
	again(t, []string{"TestWalls", "TestOtherCompany", "TestServerDies"}, &syscall.Credential{Uid: nobody, Gid: nobody, NoSetGroups: false})
}

// again runs tests of this program in another process.
func again(t *testing.T, tests []string, as *syscall.Credential) {
	t.Helper()
	pattern := "^(" + strings.Join(tests, "|") + ")$"
	cmd := exec.CommandContext(t.Context(), copied(t), "-test.run", pattern, "-test.count", "1", "-test.timeout", "5m", "-test.v")
	cmd.Env = []string{interpreterVariable + "=" + interpreter, "TMPDIR=/tmp", "PATH=/usr/bin:/bin"}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range tests {
		if !strings.Contains(string(out), "--- PASS: "+name+" ") {
			t.Errorf("%s did not run:\n%s", name, out)
		}
	}
	for _, m := range modes {
		if !strings.Contains(string(out), "--- PASS: TestWalls/"+strings.ReplaceAll(m.name, " ", "_")+" ") {
			t.Errorf("%s did not run:\n%s", m.name, out)
		}
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
