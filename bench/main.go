// Command bench runs the same data scenarios against several servers on
// loopback and against the physical limits of the same machine. See README.md.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type opts struct {
	rows, rounds int
	dur, mixed   time.Duration
	conns        []int
	work         string
	short        bool
	only         map[string]bool // scenarios; empty for all
}

func (o opts) wants(s string) bool { return len(o.only) == 0 || o.only[s] }

// ---- measuring -------------------------------------------------------------

type Result struct {
	Ops           float64 // per second
	CPU           float64 `json:",omitempty"` // microseconds of the server's processor time per operation
	DB            float64 `json:",omitempty"` // and of its PostgreSQL's
	P50, P95, P99 float64 // ms
	N, Errs       int
	Err           string `json:",omitempty"`
}

// measure runs conns closed loops for about d. A loop's rate is its counted
// operations over the time they took, so slow operations are neither lost nor
// cut; every loop counts at least one operation after its warm-up.
func measure(conns int, d time.Duration, f func(w int, r *rand.Rand) error) Result {
	type out struct {
		lat         []int64
		first, last time.Time
		errs        int
		err         error
	}
	outs := make([]out, conns)
	var wg sync.WaitGroup
	warm := min(d/5, 400*time.Millisecond)
	from := time.Now().Add(warm)
	end := from.Add(d)
	for w := 0; w < conns; w++ {
		wg.Add(1)
		go func(w int) {
			defer wg.Done()
			r := rand.New(rand.NewPCG(uint64(w), 99))
			o := &outs[w]
			for warmed := false; ; {
				t0 := time.Now()
				if t0.After(end) && len(o.lat) > 0 {
					return
				}
				err := f(w, r)
				t1 := time.Now()
				if err != nil {
					o.errs++
					o.err = err
					if o.errs > 20 || !warmed {
						return
					}
					continue
				}
				if !warmed || t0.Before(from) {
					warmed = true
					continue
				}
				if len(o.lat) == 0 {
					o.first = t0
				}
				o.last = t1
				o.lat = append(o.lat, int64(t1.Sub(t0)))
			}
		}(w)
	}
	wg.Wait()
	var all []int64
	var res Result
	for i := range outs {
		o := &outs[i]
		all = append(all, o.lat...)
		if el := o.last.Sub(o.first).Seconds(); el > 0 {
			res.Ops += float64(len(o.lat)) / el
		}
		res.Errs += o.errs
		if o.err != nil {
			res.Err = cut(o.err.Error(), 200)
		}
	}
	res.N = len(all)
	if len(all) == 0 {
		return res
	}
	sort.Slice(all, func(a, b int) bool { return all[a] < all[b] })
	pc := func(p float64) float64 { return float64(all[min(len(all)-1, int(p*float64(len(all))))]) / 1e6 }
	res.P50, res.P95, res.P99 = pc(.5), pc(.95), pc(.99)
	return res
}

type results struct {
	M    map[string]map[string][]Result // target -> "scenario|conns" -> rounds
	Meta map[string]map[string][]float64
	Ver  map[string]string
	NA   map[string]map[string]string
}

func newResults() *results {
	return &results{map[string]map[string][]Result{}, map[string]map[string][]float64{}, map[string]string{}, map[string]map[string]string{}}
}
func (r *results) add(t, s string, c int, x Result) {
	if r.M[t] == nil {
		r.M[t] = map[string][]Result{}
	}
	k := s + "|" + strconv.Itoa(c)
	r.M[t][k] = append(r.M[t][k], x)
	e := ""
	if x.Errs > 0 {
		e = fmt.Sprintf("  ERRORS %d: %s", x.Errs, x.Err)
	}
	if x.DB > 0 {
		e = fmt.Sprintf(" + %7.1f of the database%s", x.DB, e)
	}
	fmt.Fprintf(os.Stderr, "  %-12s %-22s c=%-2d %10.1f/s  p50 %8.3f  p99 %8.3f ms  cpu %7.1f us%s\n", t, s, c, x.Ops, x.P50, x.P99, x.CPU, e)
}

// loaded keeps what the load of a target was like.
func (r *results) loaded(t string, rate float64, rest settling) {
	r.meta(t, "load, rows/s", rate)
	r.meta(t, "at rest after the load, s", rest.After)
	r.meta(t, "processor time until then, s", rest.CPU)
}

func (r *results) meta(t, k string, v float64) {
	if r.Meta[t] == nil {
		r.Meta[t] = map[string][]float64{}
	}
	r.Meta[t][k] = append(r.Meta[t][k], v)
}

func med(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	c := append([]float64(nil), v...)
	sort.Float64s(c)
	if len(c)%2 == 1 {
		return c[len(c)/2]
	}
	return (c[len(c)/2-1] + c[len(c)/2]) / 2
}

// ---- processes ---------------------------------------------------------------

type proc struct {
	cmd  *exec.Cmd
	host string
	log  *os.File
	done chan struct{}
}

func freePort() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func start(cmd *exec.Cmd, port int, ready, logf string) (*proc, time.Duration, error) {
	p := &proc{cmd: cmd, host: fmt.Sprintf("127.0.0.1:%d", port), done: make(chan struct{})}
	p.log, _ = os.Create(logf)
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	t0 := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	go func() { cmd.Wait(); close(p.done) }()
	req := rawReq("GET", ready, p.host, "Connection: close\r\n", nil)
	for time.Since(t0) < 90*time.Second {
		select {
		case <-p.done:
			b, _ := os.ReadFile(logf)
			return nil, 0, fmt.Errorf("server exited: %s", cut(string(b), 600))
		default:
		}
		c := &conn{addr: p.host}
		st, _, err := c.do(req)
		c.close()
		if err == nil && (st < 300 || st == 401 || st == 403) {
			return p, time.Since(t0), nil
		}
		time.Sleep(3 * time.Millisecond)
	}
	p.stop()
	return nil, 0, errors.New("not ready in 90 s")
}

func (p *proc) stop() {
	if p == nil {
		return
	}
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.done
	}
	p.log.Close()
}

// cpu is the processor time, user and system, that the process has used. Unlike
// a rate it hardly depends on what else the machine does.
func (p *proc) cpu() time.Duration {
	f := procStat(p.cmd.Process.Pid)
	if len(f) < 15 {
		return 0
	}
	return ticks(f[11]) + ticks(f[12])
}

// procStat are the fields of /proc/PID/stat from the third on.
func procStat(pid int) []string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(b), ") ")
	return strings.Fields(rest)
}

func ticks(s string) time.Duration {
	n, _ := strconv.Atoi(s)
	return time.Duration(n) * 10 * time.Millisecond // of 1/100 s
}

func diskSize(path string) float64 {
	var n int64
	filepath.Walk(path, func(_ string, fi os.FileInfo, err error) error {
		if err == nil && fi.Mode().IsRegular() {
			n += fi.Size()
		}
		return nil
	})
	return float64(n) / 1e6
}

func goModVersion(dir, mod string) string {
	b, _ := os.ReadFile(filepath.Join(dir, "go.mod"))
	for _, l := range strings.Split(string(b), "\n") {
		f := strings.Fields(strings.TrimPrefix(strings.TrimSpace(l), "require "))
		if len(f) >= 2 && f[0] == mod {
			return f[1]
		}
	}
	return "?"
}

// ---- one target ----------------------------------------------------------------

// loaded are the snapshots that this run made.
var loaded = map[string]bool{}

// prepare loads the rows once and keeps the data folder as a snapshot.
func prepare(t Target, rows []Deal, o opts, res *results) (string, State, error) {
	snap := filepath.Join(o.work, fmt.Sprintf("snap-%s-%d", t.Name(), len(rows)))
	stf := snap + ".json"
	var st State
	// our own server changes between runs: its data is loaded anew in each, unless asked otherwise
	keep := os.Getenv("BENCH_RELOAD") == "" && (!strings.HasPrefix(t.Name(), "ours") || os.Getenv("BENCH_KEEP") != "")
	if b, err := os.ReadFile(stf); err == nil && (keep || loaded[snap]) {
		var keep struct {
			State State
			Load  float64
			Rest  settling
		}
		if json.Unmarshal(b, &keep) == nil && keep.State.N == len(rows) {
			res.loaded(t.Name(), keep.Load, keep.Rest)
			return snap, keep.State, nil
		}
	}
	os.RemoveAll(snap)
	if err := os.MkdirAll(snap, 0o755); err != nil {
		return "", st, err
	}
	port := freePort()
	if err := t.Before(snap, port); err != nil {
		return "", st, fmt.Errorf("before: %w", err)
	}
	p, _, err := start(t.Cmd(snap, port), port, t.ReadyPath(), snap+".log")
	if err != nil {
		return "", st, err
	}
	b := &Base{Host: p.host}
	t0 := time.Now()
	err = t.Login(b)
	if err == nil {
		err = t.Setup(b, rows)
	}
	rate := float64(len(rows)) / time.Since(t0).Seconds()
	settled := settle(p)
	p.stop()
	if err != nil {
		return "", st, fmt.Errorf("setup: %w", err)
	}
	if err := t.After(snap, b, rows); err != nil {
		return "", st, fmt.Errorf("after: %w", err)
	}
	b.State.N = len(rows)
	loaded[snap] = true
	j, _ := json.Marshal(map[string]any{"State": b.State, "Load": rate, "Rest": settled})
	os.WriteFile(stf, j, 0o644)
	res.loaded(t.Name(), rate, settled)
	fmt.Fprintf(os.Stderr, "%s: loaded %d rows at %.0f rows/s, at rest after %.0f s more\n", t.Name(), len(rows), rate, settled.After)
	return snap, b.State, nil
}

func verify(t Target, b *Base, orc *oracle) map[string]string {
	bad := map[string]string{}
	c := &conn{addr: b.Host}
	defer c.close()
	r := rand.New(rand.NewPCG(5, 5))
	for _, s := range readScenarios {
		if t.Unsupported(s) != "" {
			continue
		}
		for k := 0; k < 3; k++ {
			q := mkQ(s, r, len(orc.rows))
			st, body, err := c.do(t.Build(b, &q))
			if err == nil && st != 200 {
				err = fmt.Errorf("%d %s", st, cut(string(body), 200))
			}
			if err == nil {
				if s == sAggS || s == sAggM {
					var g []float64
					if g, err = t.Groups(body, s); err == nil && g != nil {
						sort.Float64s(g)
						if want := orc.groups(s); !sameF(g, want) {
							err = fmt.Errorf("groups: got %d %v want %d %v", len(g), head(g), len(want), head(want))
						}
					}
				} else {
					var a []float64
					a, err = t.Amounts(body)
					want, n := orc.amounts(q)
					if err == nil && (len(a) != n || want != nil && !sameF(a, want)) {
						err = fmt.Errorf("got %d %v want %d %v", len(a), head(a), n, head(want))
					}
				}
			}
			if err != nil {
				bad[s] = err.Error()
				break
			}
		}
	}
	return bad
}

func head(f []float64) []float64 {
	if len(f) > 4 {
		return f[:4]
	}
	return f
}

func runTarget(t Target, rows []Deal, orc *oracle, o opts, res *results) error {
	var b *Base
	var p *proc
	snap, st, err := prepare(t, rows, o, res)
	if err != nil {
		return err
	}
	dir := filepath.Join(o.work, "run-"+t.Name())
	if err := copied(snap, dir); err != nil {
		return err
	}
	if f, ok := t.(interface{ Fork(snap, dir string) error }); ok {
		if err := f.Fork(snap, dir); err != nil {
			return fmt.Errorf("fork: %w", err)
		}
	}
	defer os.RemoveAll(dir)
	port := freePort()
	var up time.Duration
	p, up, err = start(t.Cmd(dir, port), port, t.ReadyPath(), filepath.Join(o.work, t.Name()+".log"))
	if err != nil {
		return err
	}
	defer p.stop()
	res.meta(t.Name(), "start-up, ms", float64(up.Microseconds())/1000)
	anon, _ := p.anon()
	res.meta(t.Name(), "RssAnon after start, MB", anon)
	watch := watchMemory(p)
	defer watch.stop()
	b = &Base{Host: p.host, State: st}
	if err := t.Login(b); err != nil {
		return fmt.Errorf("login: %w", err)
	}
	size := diskSize(snap)
	if s, ok := t.(interface{ Size(dir string) float64 }); ok {
		size = s.Size(snap)
	}
	res.meta(t.Name(), "database, MB", size)
	if f := t.Binary(); f != "" {
		res.meta(t.Name(), "binary or install, MB", diskSize(f))
	}
	res.Ver[t.Name()] = t.Version()
	for s, e := range verify(t, b, orc) {
		fmt.Fprintf(os.Stderr, "  WRONG ANSWER %s %s: %s\n", t.Name(), s, e)
		if res.NA[t.Name()] == nil {
			res.NA[t.Name()] = map[string]string{}
		}
		res.NA[t.Name()][s] = "wrong answer: " + cut(e, 160)
	}
	n := len(rows)
	one := func(s string, c int, d time.Duration) {
		if !o.wants(s) {
			return
		}
		if why := t.Unsupported(s); why != "" {
			if res.NA[t.Name()] == nil {
				res.NA[t.Name()] = map[string]string{}
			}
			res.NA[t.Name()][s] = why
			return
		}
		load(t, b, p, s, c, d, n, res)
	}
	for _, s := range readScenarios {
		for _, c := range o.conns {
			one(s, c, o.dur)
		}
	}
	for _, s := range writeScenarios {
		for _, c := range o.conns {
			one(s, c, o.dur)
		}
	}
	one(sMixed, 16, o.mixed)
	watch.stop()
	res.meta(t.Name(), "RssAnon after the run, MB", watch.last)
	res.meta(t.Name(), "RssAnon at its peak, MB", watch.peak)
	return nil
}

// copied makes a folder anew as a copy of another.
func copied(from, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		return fmt.Errorf("%w %s", err, out)
	}
	return nil
}

// load measures one scenario of a server that runs.
func load(t Target, b *Base, p *proc, s string, c int, d time.Duration, n int, res *results) {
	database := pgTime(t.Name())
	m, asked := drive(p, c, d, func(_ int, r *rand.Rand) []byte {
		q := mkQ(s, r, n)
		return t.Build(b, &q)
	})
	m.DB = float64((pgTime(t.Name()) - database).Microseconds()) / float64(max(1, asked))
	res.add(t.Name(), s, c, m)
}

// drive asks a server over some connections, each a worker of measure. It counts the
// requests; one that is answered in part only counts as failed.
func drive(p *proc, conns int, d time.Duration, build func(w int, r *rand.Rand) []byte) (m Result, requests int64) {
	cs := make([]*conn, conns)
	for i := range cs {
		cs[i] = &conn{addr: p.host}
		defer cs[i].close()
	}
	var asked atomic.Int64
	before := p.cpu()
	m = measure(conns, d, func(w int, r *rand.Rand) error {
		asked.Add(1)
		st, body, err := cs[w].do(build(w, r))
		if err == nil && (st >= 300 || st == 207) {
			err = fmt.Errorf("%d %s", st, cut(string(body), 160))
		}
		return err
	})
	requests = asked.Load()
	m.CPU = float64((p.cpu() - before).Microseconds()) / float64(max(1, requests))
	return m, requests
}

func helloLimit(o opts, res *results) error {
	port := freePort()
	self, _ := os.Executable()
	p, _, err := start(exec.Command(self, "-serve-hello", fmt.Sprintf("127.0.0.1:%d", port)), port, "/size/260", filepath.Join(o.work, "hello.log"))
	if err != nil {
		return err
	}
	defer p.stop()
	d := randDeal(rand.New(rand.NewPCG(1, 1)))
	post := rawReq("POST", "/w", p.host, "", mustJSON(map[string]any{"values": map[string]any{"1": d.Title, "7": d.Note, "2": d.Amount}}))
	run := func(s string, c int, dur time.Duration) {
		cs := make([]*conn, c)
		for i := range cs {
			cs[i] = &conn{addr: p.host}
		}
		mk := func(s string) []byte {
			if s == sCreate || s == sPatch {
				return post
			}
			return rawReq("GET", "/size/"+strconv.Itoa(helloSize[s]), p.host, "", nil)
		}
		reqs := map[string][]byte{}
		for _, x := range append(append([]string{}, readScenarios...), writeScenarios...) {
			reqs[x] = mk(x)
		}
		res.add("hello", s, c, measure(c, dur, func(w int, r *rand.Rand) error {
			k := s
			if s == sMixed {
				q := mkQ(sMixed, r, 1000)
				k = q.S
			}
			st, _, err := cs[w].do(reqs[k])
			if err == nil && st != 200 {
				err = fmt.Errorf("status %d", st)
			}
			return err
		}))
		for _, c := range cs {
			c.close()
		}
	}
	for _, s := range append(append([]string{}, readScenarios...), writeScenarios...) {
		for _, c := range o.conns {
			run(s, c, o.dur)
		}
	}
	run(sMixed, 16, min(o.mixed, 5*time.Second))
	return nil
}

func main() {
	var (
		short   = flag.Bool("short", false, "15,000 rows, 0.25 s a measure, one round, limits and ours (and PocketBase where it is installed): under a minute")
		nrows   = flag.Int("rows", 100000, "rows")
		rounds  = flag.Int("rounds", 5, "rounds; targets take turns inside a round")
		dur     = flag.Duration("dur", 2*time.Second, "time per measure")
		mixed   = flag.Duration("mixed", 20*time.Second, "time of the mixed scenario")
		targets = flag.String("targets", "", "comma list of: hello,sql-c,sql-go,ideal,ours,ideal-pg,ours-pg,pocketbase (default: those that can run here), ours-hooked,ours-hooked-pg,ours-scripted,ours-scripted-pg")
		work    = flag.String("work", workDir(), "scratch folder (snapshots of loaded data are kept there)")
		out     = flag.String("out", "", "write the table here too (.md) and the numbers beside it (.json)")
		sHello  = flag.String("serve-hello", "", "")
		sIdeal  = flag.String("serve-ideal", "", "")
		iDir    = flag.String("dir", "", "")
		iDrv    = flag.String("driver", "sqlite", "")
		prep    = flag.Bool("prep", false, "only load the snapshots")
		only    = flag.String("only", "", "comma list of scenarios of the servers (default: all)")
		scale   = flag.String("scale", "", "comma list of numbers of rows: compare the program with itself as it grows, as in 100000,1000000")
		soaking = flag.Duration("soak", 0, "run the program under all its work for so long, as in 30m; -rows and -seed apply")
		syncing = flag.Bool("sync", false, "an endpoint of the synchronisation module beside /api/v1 and beside inserts by hand; -only with get, list, post, post-200 ...")
		seed    = flag.Uint64("seed", 1, "seed of the requests of -soak")
		from    = flag.String("report", "", "only print the table of this .json")
	)
	flag.Parse()
	if *sHello != "" {
		fail(helloServer(*sHello))
	}
	if *sIdeal != "" {
		fail(idealServer(*sIdeal, *iDir, *iDrv))
	}
	if *from != "" {
		b, err := os.ReadFile(*from)
		fail0(err)
		var r struct {
			Head string
			R    *results
		}
		fail0(json.Unmarshal(b, &r))
		fmt.Print(report(r.R, r.Head))
		return
	}
	o := opts{*nrows, *rounds, *dur, *mixed, []int{1, 16}, *work, *short, map[string]bool{}}
	for s := range strings.SplitSeq(*only, ",") {
		if s != "" {
			o.only[s] = true
		}
	}
	if *short {
		o.rows, o.rounds, o.dur, o.mixed = 15000, 1, 250*time.Millisecond, 2*time.Second
	}
	fail0(os.MkdirAll(o.work, 0o755))
	if *soaking > 0 {
		fail0(soakMain(soakOptions{*soaking, o.rows, *seed, o.work}, *out))
		return
	}
	if *syncing {
		fail0(syncMain(o, *out))
		return
	}
	if *scale != "" {
		fail0(scaleMain(*scale, o, *out))
		return
	}
	have := map[string]Target{"pocketbase": pocketbase{}, "ours": newOurs("ours", ""), "ours-pg": newOurs("ours-pg", os.Getenv("KARTOTEKA_TEST_PG"))}
	for _, name := range []string{"ours", "ours-pg"} {
		for _, kind := range []string{"ours-hooked", "ours-scripted"} {
			t := *have[name].(*ours)
			t.name, t.hooked, t.scripted = strings.Replace(name, "ours", kind, 1), kind == "ours-hooked", kind == "ours-scripted"
			have[t.name] = &t
		}
	}
	self, _ := os.Executable()
	ideal := []string{self, "-serve-ideal", "127.0.0.1:{port}", "-dir", "{dir}"}
	have["ideal"] = &ours{name: "ideal", args: ideal}
	have["ideal-pg"] = &ours{name: "ideal-pg", pg: os.Getenv("KARTOTEKA_TEST_PG"), args: ideal}
	list := strings.Split(*targets, ",")
	if *targets == "" {
		list = []string{"hello"}
		if cgoSQLite() {
			list = append(list, "sql-c")
		}
		if !*short || len(list) == 1 {
			list = append(list, "sql-go")
		}
		if !*short {
			list = append(list, "ideal")
		}
		list = append(list, "ours")
		if os.Getenv("KARTOTEKA_TEST_PG") != "" {
			if !*short {
				list = append(list, "ideal-pg")
			}
			list = append(list, "ours-pg")
		}
		if _, err := os.Stat(have["pocketbase"].Binary()); err == nil {
			list = append(list, "pocketbase")
		}
	}
	rows := gen(o.rows)
	orc := newOracle(rows)
	res := newResults()
	t0 := time.Now()
	failed := false
	if *prep {
		for _, n := range list {
			if t := have[n]; t != nil {
				if _, _, err := prepare(t, rows, o, res); err != nil {
					fmt.Fprintf(os.Stderr, "%s: %v\n", n, err)
					failed = true
				}
			}
		}
		if failed {
			os.Exit(1)
		}
		return
	}
	for r := 0; r < o.rounds; r++ {
		for _, n := range list {
			fmt.Fprintf(os.Stderr, "round %d: %s\n", r+1, n)
			var err error
			switch n {
			case "hello":
				err = helloLimit(o, res)
			case "sql-c":
				err = sqlLimit(n, "sqlite3_c", rows, o.work, o, res)
			case "sql-go":
				err = sqlLimit(n, "sqlite", rows, o.work, o, res)
			default:
				t := have[n]
				if t == nil {
					err = errors.New("no such target")
				} else {
					err = runTarget(t, rows, orc, o, res)
				}
			}
			if err != nil {
				fmt.Fprintf(os.Stderr, "  %s FAILED: %v\n", n, err)
				failed = true
			}
		}
	}
	h := machine() + fmt.Sprintf("; %d rows, %d round(s), %s a measure, mixed %s; took %s", o.rows, o.rounds, o.dur, o.mixed, time.Since(t0).Round(time.Second))
	md := report(res, h)
	fmt.Print(md)
	if *out != "" {
		os.WriteFile(*out, []byte(md), 0o644)
		j, _ := json.MarshalIndent(map[string]any{"Head": h, "R": res}, "", " ")
		os.WriteFile(strings.TrimSuffix(*out, ".md")+".json", j, 0o644)
	}
	if failed {
		os.Exit(1)
	}
}

// machine says when and where a table was made.
func machine() string {
	return fmt.Sprintf("%s, %s/%s, %s, %d CPUs, %s", time.Now().UTC().Format("2006-01-02 15:04 MST"), runtime.GOOS, runtime.GOARCH, runtime.Version(), runtime.NumCPU(), cpuModel())
}

func cpuModel() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for _, l := range strings.Split(string(b), "\n") {
		if k, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return "?"
}

func fail0(err error) {
	if err != nil {
		fail(err)
	}
}
func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
