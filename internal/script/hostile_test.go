//go:build linux

package script

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// answers of a child that is not ours any more; frame(b) sends a frame.
var hostile = []struct{ name, source string }{
	{"a huge length", `os.write(fd, b'\xff\xff\xff\xff')`},
	{"a large length and nothing", `os.write(fd, b'\x00\xff\xff\xff')`},
	{"half a length", `os.write(fd, b'\x00')`},
	{"text", `frame(b'hello')`},
	{"a pickle", `frame(b"cos\nsystem\n(S'touch /tmp/kartoteka-escaped'\ntR.")`},
	{"nothing", `frame(b'')`},
	{"an empty object", `frame(START + b'"x":1}')`},
	{"a list", `frame(b'[1]')`},
	{"deep", `frame(b'[' * 1_000_000)`},
	{"deep results", `frame(START + b'"done":[{"value":' + b'[' * 100_000 + b']' * 100_000 + b'}],"end":true}')`},
	{"too many results", `frame(START + b'"done":[{},{},{}],"end":true}')`},
	{"an end without results", `frame(START + b'"end":true}')`},
	{"results of another type", `frame(START + b'"done":{"a":1}}')`},
	{"results again and again", `while True: frame(START + b'"done":[]}')`},
	{"calls again and again", `while True: frame(START + b'"call":"user"}')`},
	{"a large result", `frame(START + b'"done":[{"value":"' + b'x' * (17 << 20) + b'"}],"end":true}')`},
	{"no reading", `
call = START + b'"call":"user"}'
while True: os.write(fd, len(call).to_bytes(4, 'big') + call)`},
	{"an exit", `os._exit(0)`},
	{"a crash", `ctypes.string_at(8)`},
	{"a crash of the stack", `ctypes.memset(id(None), 255, 64)`},
}

// TestHostile: whatever a child sends, its item fails and the engine goes on.
func TestHostile(t *testing.T) {
	e := engine(t)
	escaped := textf("/tmp/kartoteka-escaped-%d", os.Getpid()) // of no other run of the tests
	for _, h := range hostile {
		t.Run(h.name, func(t *testing.T) {
			req := request(escape + `
fd = next(n for n in range(64) if tried(os.fstat, n) == 'done')
START = b'{"id":%d,' % env._run.answers.number
def frame(content):
    data = len(content).to_bytes(4, 'big') + content
    while data:
        data = data[os.write(fd, data):]
` + strings.ReplaceAll(h.source, "/tmp/kartoteka-escaped", escaped) + "\nwhile True: pass")
			req.Limits = short(LineLimits)
			req.Limits.Wall = 3 * time.Second
			req.Limits.Calls = 3
			r := run(t, e, noHost{}, req)
			if err := failed(t, r); err.Kind != KindLimit {
				t.Errorf("it fails with %s, %v", err.Kind, err)
			}
			if got := value(t, e, "1 + 1"); got != "2" {
				t.Errorf("afterwards 1 + 1 is %s", got)
			}
		})
	}
	if _, err := os.Stat(escaped); err == nil {
		t.Error("a script wrote a file")
	}
}

// TestForgedResults: a child may lie about its own items only.
func TestForgedResults(t *testing.T) {
	e := engine(t)
	req := request(escape + `
fd = next(n for n in range(64) if tried(os.fstat, n) == 'done')
content = b'{"id":%d,' % env._run.answers.number + b'"done":[{"has":true,"value":"forged","log":"' + b'x' * 200_000 + b'","error":null}],"end":true}'
os.write(fd, len(content).to_bytes(4, 'big') + content)
1`)
	r := run(t, e, noHost{}, req)
	if got := valueOf(t, r); got != `"forged"` || len(r.Log) > LineLimits.Output+64 {
		t.Errorf("it gives %s and a log of %d bytes", got, len(r.Log))
	}
	// Its own answer is still on the way: it is of no other run.
	if got := value(t, e, "2"); got != "2" {
		t.Errorf("the next run gives %s", got)
	}
}

// TestState: a run finds nothing of the one before in the same process.
func TestState(t *testing.T) {
	e := engine(t)
	leave := []string{
		"left = 1", "json.left = 1", "import math\nmath.left = 1", "UserError.left = 1", "Command.left = 1", "datetime.left = 1",
		"import uuid\nuuid.UUID.left = 1", "import decimal\ndecimal.getcontext().prec = 3", "import random\nrandom.seed(1)",
		"type(env).left = 1", "context['left'] = 1", "import logging\nlogging.left = 1", "import string\nstring.Template.left = 1",
		"_logger.left = 1", "fields.Datetime.left = 1", "import collections\ncollections.Counter.left = 1", "json.JSONEncoder.left = 1",
		"dateutil.tz.left = 1", "relativedelta.left = 1", "setattr(type(_logger), 'left', 1)", "setattr(datetime, 'left', 1)",
		"import urllib.parse\nurllib.parse.SplitResult.left = 1", "env.left = 1", "env.cr.left = 1",
	}
	pid := value(t, e, escape+"os.getpid()")
	for _, source := range leave {
		run(t, e, noHost{}, request("try:\n  "+strings.ReplaceAll(source, "\n", "\n  ")+"\nexcept Exception: pass"))
	}
	found := value(t, e, `
import uuid, decimal, random, math, logging, string, collections, urllib.parse
places = [json, math, UserError, Command, datetime, uuid.UUID, type(env), logging, string.Template, _logger, type(_logger), fields.Datetime,
          collections.Counter, json.JSONEncoder, dateutil.tz, relativedelta, urllib.parse.SplitResult, env, env.cr]
'left' in locals(), 'left' in context, [n for n, p in enumerate(places) if hasattr(p, 'left')], decimal.getcontext().prec, random.random() == 0.13436424411240122`)
	if found != "[false,false,[],28,false]" {
		t.Errorf("it finds %s", found)
	}
	if again := value(t, e, escape+"os.getpid()"); again != pid {
		t.Errorf("the runs were in processes %s and %s: nothing is shown", pid, again)
	}
}

// TestOtherCompany: a process that served one company or version serves no other,
// even when a script changed it for good.
func TestOtherCompany(t *testing.T) {
	e := engine(t, func(c *Config) { c.Workers = 1 })
	seen := map[string]Key{}
	for _, key := range []Key{{"1", "1"}, {"2", "1"}, {"1", "2"}, {"1", "1"}, {"2", "1"}} {
		req := request(escape + "left = getattr(sys.modules['json'], 'left', None)\nsetattr(sys.modules['json'], 'left', 'secret')\nos.getpid(), left")
		req.Key = key
		got := valueOf(t, run(t, e, noHost{}, req))
		if !strings.HasSuffix(got, ",null]") {
			t.Errorf("%v finds %s", key, got)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%v and %v shared a process: %s", key, other, got)
		}
		seen[got] = key
	}
	if e.pool.all != 1 {
		t.Errorf("there are %d processes", e.pool.all)
	}
}

// TestEnds: a child ends after 500 runs and when it was idle for long.
func TestEnds(t *testing.T) {
	e := engine(t)
	pids := map[string]int{}
	req := request(escape + "os.getpid()")
	for range runsMax + 1 {
		pids[valueOf(t, run(t, e, noHost{}, req))]++
	}
	if len(pids) != 2 {
		t.Errorf("runs by process: %v", pids)
	}
	e.pool.mutex.Lock()
	e.pool.rest = time.Millisecond
	e.pool.mutex.Unlock()
	value(t, e, "1")
	for range 500 {
		e.pool.mutex.Lock()
		left := e.pool.all
		e.pool.mutex.Unlock()
		if left == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the idle process is still there")
}

// TestReplaced: what is killed is replaced.
func TestReplaced(t *testing.T) {
	e := engine(t)
	value(t, e, "1")
	child := e.pool.idle[0].proc.pid
	_ = syscall.Kill(child, syscall.SIGKILL)
	gone(t, []int{child})
	if got := value(t, e, "2"); got != "2" {
		t.Errorf("after the child's death: %s", got)
	}
	before := processes(e)
	_ = syscall.Kill(e.parent.pid, syscall.SIGKILL)
	gone(t, before)
	if got := value(t, e, "3"); got != "3" {
		t.Errorf("after the parent's death: %s", got)
	}
	// While it runs: the item fails, the engine goes on.
	parent := e.parent.pid
	host := hostFunc(func(context.Context, Call) (json.RawMessage, error) {
		_ = syscall.Kill(parent, syscall.SIGKILL)
		gone(t, []int{parent})
		return json.RawMessage("null"), nil
	})
	if err := failed(t, run(t, e, host, request("env.ref('x', False)\nwhile True: pass"))); err.Kind != KindLimit {
		t.Errorf("it fails with %v", err)
	}
	if got := value(t, e, "4"); got != "4" {
		t.Errorf("after the parent's second death: %s", got)
	}
}

// TestClose: Close leaves no process.
func TestClose(t *testing.T) {
	for name, change := range map[string]func(*Config){"full": func(*Config) {}, "reduced": reduced, "unsafe": func(c *Config) { c.Unsafe = true }} {
		t.Run(name, func(t *testing.T) {
			e := engine(t, change)
			value(t, e, "1")
			pids := processes(e)
			running := make(chan error, 1)
			go func() {
				_, err := e.Run(t.Context(), noHost{}, request("time.sleep(100)"))
				running <- err
			}()
			time.Sleep(50 * time.Millisecond)
			if err := e.Close(); err != nil {
				t.Error(err)
			}
			gone(t, pids)
			<-running
			if _, err := e.Run(t.Context(), noHost{}, request("1")); err == nil {
				t.Error("a closed engine runs a script")
			}
		})
	}
}

// TestServerDies: all processes end with the server, however it ends.
func TestServerDies(t *testing.T) {
	if os.Getenv("KARTOTEKA_TEST_SERVER") != "" {
		beServer(t)
		return
	}
	for _, mode := range []string{"full", "reduced"} {
		for name, sig := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL} {
			t.Run(mode+" "+name, func(t *testing.T) {
				cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run", "^TestServerDies$")
				cmd.Env = []string{interpreterVariable + "=" + interpreter, "KARTOTEKA_TEST_SERVER=" + mode}
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				var pids []int
				if err := json.NewDecoder(out).Decode(&pids); err != nil || len(pids) < 3 {
					t.Fatal(err, pids)
				}
				for _, pid := range pids {
					if err := syscall.Kill(pid, 0); err != nil {
						t.Fatalf("process %d: %v", pid, err)
					}
				}
				_ = cmd.Process.Signal(sig)
				_ = cmd.Wait()
				gone(t, pids)
			})
		}
	}
}

// beServer runs scripts, one of them without end, and prints its processes.
func beServer(t *testing.T) {
	e := engine(t, func(c *Config) { c.noNamespaces = os.Getenv("KARTOTEKA_TEST_SERVER") == "reduced" })
	value(t, e, "1")
	started := make(chan struct{})
	host := hostFunc(func(context.Context, Call) (json.RawMessage, error) {
		close(started)
		return json.RawMessage("null"), nil
	})
	req := request("env.ref('x', False)\nwhile True: pass")
	req.Key.Company, req.Limits = "2", ActionLimits
	go func() { _, _ = e.Run(context.Background(), host, req) }()
	<-started
	children, err := os.ReadFile(textf("/proc/%d/task/%d/children", e.parent.pid, e.parent.pid))
	if err != nil {
		t.Fatal(err)
	}
	pids := []int{e.parent.pid}
	for word := range strings.FieldsSeq(string(children)) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	if err := json.NewEncoder(os.Stdout).Encode(pids); err != nil {
		t.Fatal(err)
	}
	select {}
}
