//go:build linux

package script

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// short are limits that tests wait for.
func short(l Limits) Limits {
	l.Wall, l.CPU = 20*time.Second, 200*time.Millisecond
	return l
}

// limits lets scripts run into each limit of an item.
func limits(t *testing.T, e *Engine) {
	for _, c := range []struct {
		name, source string
		wall         time.Duration // 0 = the processor's time ends it
		says         string
	}{
		{"endless loop", "while True: pass", 0, "processor time"},
		{"endless loop that catches everything", "while True:\n  try:\n    while True: pass\n  except BaseException: pass", 0, "processor time"},
		{"endless pattern", "re.match('(a+)+$', 'a' * 60 + 'b')", 0, "processor time"},
		{"endless number", "9 ** 9 ** 9 ** 9", 0, ""},
		{"endless text of prints", "while True: print('x' * 1000)", 0, "processor time"},
		{"endless lines of a log", "while True: _logger.info('x' * 1000)", 0, "processor time"},
		{"endless forks", escape + forks + "while True: tried(forked)", 0, "processor time"},
		{"endless sleep", "time.sleep(1000)", 300 * time.Millisecond, "ran longer"},
		{"endless sleep of the kernel", escape + "while True: libc.sleep(1000)", 300 * time.Millisecond, "ran longer"},
		{"10 GB at once", "len('x' * 10_000_000_000)", 0, "memory"},
		{"10 GB little by little", "x = []\nwhile True: x.append('x' * 1_000_000 + str(len(x)))", 0, "memory"},
		{"10 GB of numbers", "list(range(10_000_000_000))", 0, "memory"},
		{"deep recursion of C", "x = []\nfor _ in range(10_000_000): x = [x]\nrepr(x)", 0, ""},
	} {
		req := request(c.source)
		req.Limits = short(LineLimits)
		if strings.HasPrefix(c.name, "10 GB") {
			req.Limits.CPU = 10 * time.Second
		}
		if c.wall != 0 {
			req.Limits.Wall, req.Limits.CPU = c.wall, c.wall
		}
		err := run(t, e, noHost{}, req).Err
		if err == nil || c.says != "" && (err.Kind != KindLimit || err.Type != LimitError || !strings.Contains(err.Message, c.says)) {
			t.Errorf("%s: it fails with %v", c.name, err)
		}
		if r := run(t, e, noHost{}, request("1 + 1")); string(r.Value) != "2" {
			t.Errorf("after %s 1 + 1 is %s, %v", c.name, r.Value, r.Err)
		}
	}
	memory(t, e)
}

// memory: neither a script that catches MemoryError nor one that asks the kernel has
// more of it than its limit.
func memory(t *testing.T, e *Engine) {
	value(t, e, "1")
	before := peak(t, e)
	value(t, e, `
x = []
try:
    while True: x.append('x' * 1_000_000 + str(len(x)))
except MemoryError:
    got = len(x)
x = None
got`)
	if used := peak(t, e) - before; used < 32<<20 || used > 64<<20 {
		t.Errorf("it used %d MiB more", used>>20)
	}
	for _, flags := range []string{"0x22", "0x21", "0x4022", "0x8022", "0x40022"} { // private, shared, not reserved, filled, large pages
		got := value(t, e, escape+"sum(libc.mmap(None, ctypes.c_size_t(1 << 20), 3, "+flags+", -1, 0) != -1 for _ in range(200))")
		if n, err := strconv.Atoi(got); err != nil || n > 64 {
			t.Errorf("the kernel gives %s MiB with the flags %s", got, flags)
		}
		e.pool.drop(e.pool.take(idle(e).group)) // the next one begins with nothing
	}
}

// peak is how large the idle child was at most.
func peak(t *testing.T, e *Engine) int64 {
	t.Helper()
	data, err := os.ReadFile(textf("/proc/%d/status", idle(e).proc.pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := bytes.Cut(data, []byte("VmPeak:"))
	kib, err := strconv.ParseInt(string(bytes.Fields(after)[0]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

func TestOutputIsCut(t *testing.T) {
	e := engine(t)
	r := run(t, e, noHost{}, request("for n in range(100_000): print('line', n)"))
	valueOf(t, r)
	if len(r.Log) < LineLimits.Output || len(r.Log) > LineLimits.Output+64 || !strings.HasSuffix(r.Log, "... the rest is cut\n") {
		t.Errorf("%d bytes are kept, ending in %q", len(r.Log), r.Log[len(r.Log)-30:])
	}
}

// TestTimeOfCalls: time in the host counts for the wall only, and a call that is
// under way ends with it.
func TestTimeOfCalls(t *testing.T) {
	e := engine(t)
	slow := hostFunc(func(ctx context.Context, c Call) (json.RawMessage, error) {
		select {
		case <-time.After(600 * time.Millisecond):
			return json.RawMessage("7"), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	req := request("env['a'].search_count([])")
	host := hostFunc(func(ctx context.Context, c Call) (json.RawMessage, error) {
		if c.Method == "fields" {
			return json.RawMessage(`{"fields":{}}`), nil
		}
		return slow(ctx, c)
	})
	req.Limits = short(LineLimits)
	if got := valueOf(t, run(t, e, host, req)); got != "7" {
		t.Errorf("the call gives %s", got)
	}
	req.Limits.Wall = 300 * time.Millisecond
	if err := failed(t, run(t, e, host, req)); err.Kind != KindLimit || !strings.Contains(err.Message, "ran longer") {
		t.Errorf("it fails with %v", err)
	}
}

// TestBatchGoesOn: an item that reaches a limit takes no other with it, and calls are
// made once.
func TestBatchGoesOn(t *testing.T) {
	e := engine(t)
	req := request(`
if n % 7 == 3:
    env['x']
if n == 5 or n == 10:
    while True: pass
n * 2`)
	req.Limits = short(LineLimits)
	req.Items = nil
	for n := range 20 {
		req.Items = append(req.Items, inputs(t, "n", n))
	}
	made := map[int]int{}
	host := hostFunc(func(_ context.Context, c Call) (json.RawMessage, error) {
		made[c.Item]++
		return json.RawMessage(`{"fields":{}}`), nil
	})
	results, err := e.Run(t.Context(), host, req)
	if err != nil || len(results) != 20 {
		t.Fatal(err, len(results))
	}
	for n, r := range results {
		if n == 5 || n == 10 {
			if r.Err == nil || r.Err.Kind != KindLimit {
				t.Errorf("item %d gives %s, %v", n, r.Value, r.Err)
			}
			continue
		}
		if r.Err != nil || string(r.Value) != strconv.Itoa(2*n) {
			t.Errorf("item %d gives %s, %v", n, r.Value, r.Err)
		}
	}
	if len(made) != 3 || made[3] != 1 || made[10] != 1 || made[17] != 1 {
		t.Errorf("calls by item: %v", made)
	}
}

// TestCalls: calls and what they answer are bounded, whatever the script asks for.
func TestCalls(t *testing.T) {
	e := engine(t)
	var limits []string
	host := hostFunc(func(_ context.Context, c Call) (json.RawMessage, error) {
		switch c.Method {
		case "fields":
			return json.RawMessage(`{"fields":{"name":{"type":"char"}}}`), nil
		case "search":
			var args struct{ Limit json.RawMessage }
			if err := json.Unmarshal(c.Args, &args); err != nil {
				return nil, err
			}
			limits = append(limits, string(args.Limit))
			if c.Item == 1 {
				return encode(t, make([]int, searchedRecords+1)), nil
			}
			return json.RawMessage("[1]"), nil
		case "read":
			return encode(t, []any{map[string]any{"id": 1, "name": strings.Repeat("x", answerMax)}}), nil
		}
		return nil, nil
	})
	req := request("for n in range(1000): env['a'].search_count([])")
	if err := failed(t, run(t, e, host, req)); err.Kind != KindLimit || !strings.Contains(err.Message, "200 calls") {
		t.Errorf("many calls: %v", err)
	}
	forged := escape + "_run = env['a']._run\n[_run.call('search', {'model': 'a', 'limit': l}) for l in (None, 5, -1, 10**6, 'x', 10**30)]"
	if got := valueOf(t, run(t, e, host, request(forged))); got != "[[1],[1],[1],[1],[1],[1]]" {
		t.Errorf("searches give %s", got)
	}
	if got := strings.Join(limits, " "); got != "10000 5 10000 10000 10000 10000" {
		t.Errorf("limits of searches are %s", got)
	}
	req = request("len(env['a'].search([]))")
	req.Items = make([]Item, 2)
	results, err := e.Run(t.Context(), host, req)
	if err != nil || string(results[0].Value) != "1" || results[1].Err == nil || results[1].Err.Kind != KindLimit {
		t.Errorf("a large search gives %v, %v", results, err)
	}
	if err := failed(t, run(t, e, host, request("env['a'].browse(1).name"))); err.Kind != KindLimit {
		t.Errorf("a large answer gives %v", err)
	}
}

// TestHostFails: an error of the host that is no business of the script ends the run.
func TestHostFails(t *testing.T) {
	e := engine(t)
	broken := errors.New("the database is gone")
	host := hostFunc(func(context.Context, Call) (json.RawMessage, error) { return nil, broken })
	_, err := e.Run(t.Context(), host, request("try:\n  env['a']\nexcept Exception: pass\n1"))
	if !errors.Is(err, broken) {
		t.Errorf("the run gives %v", err)
	}
}

func TestCancelled(t *testing.T) {
	e := engine(t)
	value(t, e, "1")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := e.Run(ctx, noHost{}, request("while True: pass")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the run gives %v", err)
	}
	if got := value(t, e, "1 + 1"); got != "2" {
		t.Errorf("afterwards 1 + 1 is %s", got)
	}
}
