//go:build linux

package script

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

// framing sends a frame; START begins one of this message.
const framing = `
fd = next(n for n in range(64) if tried(os.fstat, n) == 'done')
START = b'{"id":%d,' % env._run.answers.number
def write(data):
    while data:
        data = data[os.write(fd, data):]
def frame(content):
    write(len(content).to_bytes(4, 'big') + content)
`

// answers of a child that is not ours any more; frame(b) sends a frame.
var hostile = []struct{ name, source string }{
	{"a huge length", `os.write(fd, b'\xff\xff\xff\xff')`},
	{"a large length and nothing", `os.write(fd, b'\x00\xff\xff\xff')`},
	{"half a length", `os.write(fd, b'\x00')`},
	{"an end that never comes", `
os.write(fd, b'\x00\xff\xff\xff')
while True:
    os.write(fd, b' ')
    time.sleep(0.05)`},
	{"text", `frame(b'hello')`},
	{"a pickle", `frame(b"cos\nsystem\n(S'touch /tmp/kartoteka-escaped'\ntR.")`},
	{"a pickle as a value", `frame(START + b'"done":[{"has":true,"value":\x80\x04\x95.}],"end":true}')`},
	{"source as a value", `frame(START + b'"done":[{"has":true,"value":__import__("os").getpid()}],"end":true}')`},
	{"not UTF-8", `frame(START + b'"done":[{"has":true,"value":"\xff\xfe"}],"end":true}')`},
	{"a surrogate in bytes", `frame(START + b'"done":[{"has":true,"value":"\xed\xa0\x80"}],"end":true}')`},
	{"half a letter", `frame(START + b'"done":[{"log":"\xd0"}],"end":true}')`},
	{"a number that is none", `frame(START + b'"done":[{"has":true,"value":NaN}],"end":true}')`},
	{"an infinite number", `frame(START + b'"done":[{"has":true,"value":-Infinity}],"end":true}')`},
	{"a line beyond all numbers", `frame(START + b'"done":[{"error":{"line":1e999}}],"end":true}')`},
	{"two values", `frame(START + b'"done":[{}],"end":true}{}')`},
	{"no number of the message", `frame(b'{"done":[{}],"end":true}')`},
	{"another number", `frame(b'{"id":%d,"done":[{}],"end":true}' % (env._run.answers.number + 1))`},
	{"the number as a text", `frame(b'{"id":"%d","done":[{}],"end":true}' % env._run.answers.number)`},
	{"a number below zero", `frame(b'{"id":-1,"done":[{}],"end":true}')`},
	{"a number that is not whole", `frame(b'{"id":%d.5,"done":[{}],"end":true}' % env._run.answers.number)`},
	{"nothing", `frame(b'')`},
	{"an empty object", `frame(START + b'"x":1}')`},
	{"a list", `frame(b'[1]')`},
	{"deep", `frame(b'[' * 1_000_000)`},
	{"rather deep results", `frame(START + b'"done":[{"value":' + b'[' * 9_000 + b']' * 9_000 + b'}],"end":true}')`},
	{"deep arguments", `frame(START + b'"call":"user","args":{"a":' + b'[' * 9_000 + b']' * 9_000 + b'}}')`},
	{"deep results", `frame(START + b'"done":[{"value":' + b'[' * 100_000 + b']' * 100_000 + b'}],"end":true}')`},
	{"too many results", `frame(START + b'"done":[{},{},{}],"end":true}')`},
	{"an end without results", `frame(START + b'"end":true}')`},
	{"results of another type", `frame(START + b'"done":{"a":1}}')`},
	{"results again and again", `while True: frame(START + b'"done":[]}')`},
	{"a call that is an end", `
for n in range(20):
    frame(START + b'"call":"user","end":true}')
    answer = os.read(fd, 1 << 16)
    if b'"source"' in answer:  # the same message, again
        START = b'{"id":' + answer.split(b'"id":')[1].split(b',')[0] + b','
sys.exit()`},
	{"a call with results", `frame(START + b'"call":"user","done":[{}]}')`},
	{"a call after its end", `
frame(START + b'"done":[{"has":true,"value":1}]}')
frame(START + b'"call":"user"}')`},
	{"calls again and again", `while True: frame(START + b'"call":"user"}')`},
	{"a large result", `
head, tail = START + b'"done":[{"has":true,"value":"', b'"}],"end":true}'
write((len(head) + (17 << 20) + len(tail)).to_bytes(4, 'big') + head)
for n in range(17):
    write(b'x' * (1 << 20))
write(tail)`},
	{"no reading", `
call = START + b'"call":"user"}'
while True: os.write(fd, len(call).to_bytes(4, 'big') + call)`},
	{"an exit", `os._exit(0)`},
	{"a crash", `ctypes.string_at(8)`},
	{"a crash of the stack", `ctypes.memset(id(None), 255, 64)`},
}

// hostileAnswers: whatever a child sends, its item fails and the engine goes on.
func hostileAnswers(t *testing.T, e *Engine) {
	escaped := textf("/tmp/kartoteka-escaped-%d", os.Getpid()) // of no other run of the tests
	called := 0
	host := hostFunc(func(context.Context, Call) (json.RawMessage, error) { called++; return nil, nil })
	for _, h := range hostile {
		req := request(escape + framing + strings.ReplaceAll(h.source, "/tmp/kartoteka-escaped", escaped) + "\nwhile True: pass")
		req.Limits = short(LineLimits)
		req.Limits.Wall = 3 * time.Second
		req.Limits.Calls, called = 3, 0
		r := run(t, e, host, req)
		if h.name == "a call after its end" { // only its result counts
			if got := valueOf(t, r); got != "1" || called > 0 {
				t.Errorf("%s: it gives %s, %d calls", h.name, got, called)
			}
		} else if r.Err == nil || r.Err.Kind != KindLimit || called > 3 {
			t.Errorf("%s: it gives %.100s, fails with %v, and made %d calls", h.name, r.Value, r.Err, called)
		}
		if r := run(t, e, noHost{}, request("1 + 1")); string(r.Value) != "2" {
			t.Errorf("after %s 1 + 1 is %s, %v", h.name, r.Value, r.Err)
		}
	}
	if _, err := os.Stat(escaped); err == nil {
		t.Error("a script wrote a file")
	}
	forged(t, e)
}

// forged: a child may lie about its own items only, and within bounds.
func forged(t *testing.T, e *Engine) {
	req := request(escape + framing + `
log, text = 'x' + 'я' * 100_000, 'y' * 100_000
frame(START + json.dumps({'done': [{'has': True, 'value': 'forged', 'type': text, 'log': log, 'error': None,
    'outputs': {'body': 1, 'other': 2}, 'types': {'body': text, 'other': 'int'}}], 'end': True})[1:].encode())
1`)
	req.Outputs = []string{"body"}
	r := run(t, e, noHost{}, req)
	if got := valueOf(t, r); got != `"forged"` || len(r.Log) > LineLimits.Output+64 || !utf8.ValidString(r.Log) {
		t.Errorf("it gives %s and a log of %d bytes, ending in %q", got, len(r.Log), r.Log[max(0, len(r.Log)-5):])
	}
	if len(r.Type) > typeMax || len(r.Outputs) != 1 || len(r.Types) != 1 || len(r.Types["body"]) > typeMax {
		t.Errorf("its type has %d bytes, its outputs are %s, their types %.300v", len(r.Type), r.Outputs, r.Types)
	}
	// Its own answer is still on the way: it is of no other run.
	if got := value(t, e, "2"); got != "2" {
		t.Errorf("the next run gives %s", got)
	}
}

// TestBombs: what a child sends takes memory here in proportion to its bytes, and only
// so much of it.
func TestBombs(t *testing.T) {
	e := engine(t)
	value(t, e, "1")
	for _, b := range []struct{ name, source string }{
		{"results", `frame(START + b'"done":[' + b'{},' * 1_100_000 + b'{}],"end":true}')`},
		{"outputs", `frame(START + b'"done":[{"outputs":{' + b'"a":1,' * 1_100_000 + b'"b":1' + b'}}],"end":true}')`},
		{"types", `frame(START + b'"done":[{"types":{' + b'"a":"",' * 1_100_000 + b'"b":""' + b'}}],"end":true}')`},
		{"lists", `frame(START + b'"call":"user","args":{"a":[' + b'[],' * 1_100_000 + b'[]]}}')`},
	} {
		req := request(escape + framing + b.source + "\nwhile True: pass")
		req.Limits.Memory, req.Limits.Wall = ActionLimits.Memory, time.Minute
		before := allocated()
		if err := failed(t, run(t, e, noHost{}, req)); err.Kind != KindLimit || !strings.Contains(err.Message, "values") {
			t.Errorf("%s: it fails with %v", b.name, err)
		}
		if took := allocated() - before; took > 40<<20 {
			t.Errorf("%s took %d MiB here", b.name, took>>20)
		}
	}
	req := request("'x' * 15_000_000")
	req.Limits.Memory, req.Limits.CPU, req.Limits.Wall = ActionLimits.Memory, time.Minute, time.Minute
	req.Items = make([]Item, 8)
	results, err := e.Run(t.Context(), noHost{}, req)
	if err != nil || len(results) != 8 {
		t.Fatal(len(results), err)
	}
	kept := 0
	for _, r := range results {
		kept += len(r.Value)
	}
	last := results[7].Err
	if kept < resultsMax/2 || kept > 2*resultsMax || results[0].Err != nil || last == nil || !strings.Contains(last.Message, "of all items") {
		t.Errorf("%d MiB are kept; the last result is %v", kept>>20, last)
	}
}

// allocated are the bytes that this program ever had.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// state: a run finds nothing of the one before in the same process.
func state(t *testing.T, e *Engine) {
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
	separate(t, e, Key{"1", "1"}, Key{"2", "1"})
	if e.pool.all != 1 {
		t.Errorf("there are %d processes", e.pool.all)
	}
}

// separate lets companies leave something behind; keys are served once more.
func separate(t *testing.T, e *Engine, keys ...Key) {
	seen := map[string]Key{}
	for _, key := range append([]Key{{"1", "1"}, {"2", "1"}, {"1", "2"}}, keys...) {
		key.Version += " separate"
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

// replaced: what is killed is replaced.
func replaced(t *testing.T, e *Engine) {
	value(t, e, "1")
	for !hasSpare(e) {
		time.Sleep(time.Millisecond)
	}
	e.mutex.Lock()
	dead := []int{idle(e).proc.pid, e.spare.proc.pid}
	e.mutex.Unlock()
	for _, pid := range dead {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	gone(t, dead)
	if got := value(t, e, "2"); got != "2" {
		t.Errorf("after the children's death: %s", got)
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
			req := request("time.sleep(100)")
			req.Limits = LineLimits
			go func() {
				_, err := e.Run(t.Context(), noHost{}, req)
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
