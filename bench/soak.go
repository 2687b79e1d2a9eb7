package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The soak: everything at once, for long. See README.md.
const (
	soakConns   = 16
	importRows  = 3000
	askPause    = 250 * time.Millisecond
	tolerance   = 1.10 // of memory, second half against first
	toleranceMB = 8
	maxFailures = 10 // that are told one by one
)

type soakOptions struct {
	duration time.Duration
	rows     int
	seed     uint64
	work     string
}

// period is the time of one line of the result.
func (o soakOptions) period() time.Duration {
	if o.duration < 5*time.Minute {
		return 15 * time.Second
	}
	return time.Minute
}

// soak is the program under all its work, with what it has acknowledged.
type soak struct {
	*grown
	soakOptions
	began    time.Time
	stopped  chan struct{}
	workers  [soakConns]worker
	lines    []soakLine // by period
	mu       sync.Mutex
	failures []string // the first of them
	failed   int
	imported map[string]int // records by the catalog's name
	shapes   int            // indexes that the program made by itself
	restored int
	events   [][3]int // by period: indexes asked for, imports, back-ups
	flat     string
	stop     time.Duration
}

// worker is one connection of the mix. Workers patch different records, so that
// the last acknowledged value of each is known.
type worker struct {
	conn    conn
	created []ack
	patched map[int]float64
	lat     [][]int64 // by period
}

// ack is an acknowledged create.
type ack struct {
	id     string
	amount float64
}

// soakLine is one period of the result.
type soakLine struct {
	n           int
	p50, p99    float64 // ms
	memory, top float64 // MB, median and most
}

func runSoak(o soakOptions) (string, error) {
	s := &soak{grown: &grown{ours: newOurs("ours", ""), dir: filepath.Join(o.work, "soak")}, soakOptions: o,
		stopped: make(chan struct{}), imported: map[string]int{}}
	if err := s.loadRows(); err != nil {
		return "", err
	}
	defer func() { s.p.stop() }()
	s.watch = watchMemory(s.p)
	s.began = time.Now()
	periods := int(o.duration/o.period()) + 2
	s.events = make([][3]int, periods)
	var all sync.WaitGroup
	for w := range s.workers {
		s.workers[w].lat, s.workers[w].patched = make([][]int64, periods), map[int]float64{}
		all.Go(func() { s.mix(w) })
	}
	all.Go(s.askSlowly)
	all.Go(s.importFiles)
	all.Go(s.backUp)
	time.Sleep(o.duration)
	close(s.stopped)
	all.Wait()
	s.watch.stop()
	s.summarize()
	s.finish()
	return s.report(), s.verdict()
}

// loadRows imports the main catalog through a server, which stays.
func (s *soak) loadRows() error {
	if err := os.RemoveAll(s.dir); err != nil {
		return err
	}
	s.grown.rows = gen(s.soakOptions.rows)
	s.base = &Base{}
	if err := s.serve(s.work); err != nil {
		return err
	}
	file := filepath.Join(s.work, "soak.ndjson")
	if err := writeLines(file, s.grown.rows, false); err != nil {
		return err
	}
	defer os.Remove(file)
	began := time.Now()
	if err := s.command("import", file, "--section", "bench", "--catalog", "deals", "--type", "note=multiline"); err != nil {
		return err
	}
	s.load = float64(s.soakOptions.rows) / time.Since(began).Seconds()
	fmt.Fprintf(os.Stderr, "imported %d rows at %.0f rows/s\n", s.soakOptions.rows, s.load)
	if err := s.learnCatalog("deals"); err != nil {
		return err
	}
	s.base.State.N = s.soakOptions.rows
	for i := range s.soakOptions.rows {
		s.base.State.IDs = append(s.base.State.IDs, strconv.Itoa(i+1))
	}
	return nil
}

func (s *soak) at(at time.Time) int {
	return min(int(at.Sub(s.began)/s.period()), len(s.events)-1)
}

func (s *soak) over() bool {
	select {
	case <-s.stopped:
		return true
	default:
		return false
	}
}

// pause waits and tells whether the soak goes on.
func (s *soak) pause(d time.Duration) bool {
	select {
	case <-s.stopped:
		return false
	case <-time.After(d):
		return true
	}
}

func (s *soak) fail(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed++; s.failed <= maxFailures {
		fmt.Fprintln(os.Stderr, "  FAILED:", text)
		s.failures = append(s.failures, text)
	}
}

// mix is one connection of the 90/10 mix.
func (s *soak) mix(number int) {
	w := &s.workers[number]
	w.conn.addr = s.base.Host
	defer w.conn.close()
	r := rand.New(rand.NewPCG(s.seed, uint64(number)))
	for !s.over() {
		q := mkQ(sMixed, r, s.soakOptions.rows)
		if q.S == sPatch {
			q.Idx = min(q.Idx/soakConns*soakConns+number, s.soakOptions.rows-1)
			if q.Idx%soakConns != number {
				continue
			}
		}
		began := time.Now()
		body, err := s.ask(&w.conn, s.Build(s.base, &q))
		if err != nil {
			s.fail("%s: %v", q.S, err)
			if !s.pause(time.Second) {
				return
			}
			continue
		}
		p := s.at(began)
		w.lat[p] = append(w.lat[p], int64(time.Since(began)))
		switch q.S {
		case sPatch:
			w.patched[q.Idx] = q.Amount
		case sCreate:
			var made struct{ ID json.RawMessage }
			if err := json.Unmarshal(body, &made); err != nil {
				s.fail("create: %v", err)
				continue
			}
			s.mu.Lock()
			w.created = append(w.created, ack{unq(made.ID), q.Deal.Amount})
			s.mu.Unlock()
		}
	}
}

func (s *soak) ask(c *conn, request []byte) ([]byte, error) {
	status, body, err := c.do(request)
	if err == nil && status >= 300 {
		err = fmt.Errorf("%d %s", status, cut(string(body), 200))
	}
	return body, err
}

// slowFilters are questions of different shapes that no index serves at first;
// the program is to make one for each by itself.
func (s *soak) slowFilters() []string {
	f := func(name string) string { return s.base.get("d." + name) }
	sorted := func(by, filter string) string {
		q := "?limit=50&offset=0&sortField=" + f(by) + "&sortType=-1"
		if filter != "" {
			q += "&filters=" + esc(filter)
		}
		return q
	}
	status := fmt.Sprintf(`"%s":["%s"]`, f("status"), s.base.get("status.won"))
	return []string{
		sorted("created", ""),
		sorted("amount", ""),
		sorted("title", ""),
		sorted("created", "{"+status+"}"),
		sorted("title", "{"+status+"}"),
		sorted("created", fmt.Sprintf(`{"%s":{"at":%d,"to":%d}}`, f("amount"), 500, 510)),
	}
}

// askSlowly asks one slow question after another, each for its share of the time.
func (s *soak) askSlowly() {
	c := &conn{addr: s.base.Host}
	defer c.close()
	list := s.slowFilters()
	each := s.duration / time.Duration(len(list)+1)
	for i, q := range list {
		until := s.began.Add(time.Duration(i+1) * each)
		for time.Now().Before(until) {
			if _, err := s.ask(c, rawReq("GET", "/api/v1/catalogs/"+s.base.get("deals")+"/records"+q, s.base.Host, s.base.Hdr, nil)); err != nil {
				s.fail("slow filter: %v", err)
			}
			if !s.pause(askPause) {
				return
			}
		}
	}
}

// run runs a command of the program, which finds the server by its folder.
func (s *soak) run(what string, args ...string) (string, bool) {
	out, err := s.output(args...)
	if err != nil {
		s.fail("%s: %v", what, err)
	}
	return out, err == nil
}

// importFiles imports one small file after another and adds an index to each.
func (s *soak) importFiles() {
	every := max(s.duration/30, 20*time.Second)
	for k := 1; s.pause(every); k++ {
		name := fmt.Sprintf("import %d", k)
		file := filepath.Join(s.work, fmt.Sprintf("soak-%d.ndjson", k))
		from := k * importRows % (s.soakOptions.rows - importRows + 1)
		if err := writeLines(file, s.grown.rows[from:from+importRows], false); err != nil {
			s.fail("%v", err)
			return
		}
		_, ok := s.run("import", "import", file, "--section", "bench", "--catalog", name, "--type", "note=multiline")
		os.Remove(file)
		if !ok {
			continue
		}
		s.mu.Lock()
		s.imported[name] = importRows
		s.events[s.at(time.Now())][1]++
		s.mu.Unlock()
		s.indexImported(name)
	}
}

func (s *soak) indexImported(name string) {
	id, fields, err := s.catalogIDs(name)
	if err != nil {
		s.fail("%v", err)
		return
	}
	if _, ok := s.run("indexes add", "indexes", "add", id, fields["status"]+","+fields["amount"]); ok {
		s.mu.Lock()
		s.events[s.at(time.Now())][0]++
		s.mu.Unlock()
	}
}

// catalogIDs are the ids of a catalog and its fields, by name.
func (s *soak) catalogIDs(name string) (string, map[string]string, error) {
	b := &Base{Host: s.base.Host, Hdr: s.base.Hdr}
	g := &grown{ours: s.ours, base: b}
	if err := g.learnCatalog(name); err != nil {
		return "", nil, err
	}
	fields := map[string]string{}
	for k, v := range b.State.M {
		if f, ok := strings.CutPrefix(k, "d."); ok {
			fields[f] = v
		}
	}
	return b.get(name), fields, nil
}

// backUp makes back-ups; every second one is restored and looked at.
func (s *soak) backUp() {
	every := max(s.duration/15, 30*time.Second)
	for k := 1; s.pause(every); k++ {
		dir := filepath.Join(s.work, fmt.Sprintf("soak-backup-%d", k))
		os.RemoveAll(dir)
		before := s.acknowledged()
		_, ok := s.run("backup", "backup", dir)
		if ok {
			s.mu.Lock()
			s.events[s.at(time.Now())][2]++
			s.mu.Unlock()
			if k%2 == 1 {
				s.restore(dir, before)
			}
		}
		os.RemoveAll(dir)
	}
}

// acknowledged is how many creates each worker has had acknowledged.
func (s *soak) acknowledged() (n [soakConns]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.workers {
		n[i] = len(s.workers[i].created)
	}
	return n
}

// restore restores a back-up, which checks it, and looks in it for what had been
// acknowledged before it began.
func (s *soak) restore(dir string, before [soakConns]int) {
	other := &soak{grown: &grown{ours: s.ours, dir: dir + "-restored", base: &Base{State: s.base.State}}, soakOptions: s.soakOptions}
	os.RemoveAll(other.dir)
	defer os.RemoveAll(other.dir)
	if err := other.command("restore", dir); err != nil {
		s.fail("restore: %v", err)
		return
	}
	if err := other.serve(s.work); err != nil {
		s.fail("serve what was restored: %v", err)
		return
	}
	defer other.p.stop()
	c := &conn{addr: other.base.Host}
	defer c.close()
	for i, n := range before {
		for k := 0; k < n; k += max(1, n/20) {
			s.mu.Lock()
			want := s.workers[i].created[k]
			s.mu.Unlock()
			if err := other.holds(c, want.id, want.amount); err != nil {
				s.fail("back-up: %v", err)
				return
			}
		}
	}
	s.restored++
}

// holds checks that a record is there with an amount.
func (s *soak) holds(c *conn, id string, amount float64) error {
	body, err := s.ask(c, rawReq("GET", "/api/v1/catalogs/"+s.base.get("deals")+"/records/"+id, s.base.Host, s.base.Hdr, nil))
	if err != nil {
		return fmt.Errorf("record %s: %w", id, err)
	}
	got, err := s.Amounts(body)
	if err == nil && (len(got) != 1 || !sameF(got, []float64{amount})) {
		err = fmt.Errorf("record %s has the amount %v, acknowledged was %v", id, got, amount)
	}
	return err
}

// end stops the server as an operator would and waits for it.
func (s *soak) end() error {
	began := time.Now()
	s.p.stop()
	s.stop = time.Since(began)
	if state := s.p.cmd.ProcessState; state == nil || !state.Success() {
		return fmt.Errorf("the server ended with %v", state)
	}
	return nil
}

// finish stops the server, checks the folder, and looks for every acknowledged
// write in a new start.
func (s *soak) finish() {
	if err := s.end(); err != nil {
		s.fail("SIGTERM: %v", err)
	}
	s.run("check", "check")
	if err := s.serve(s.work); err != nil {
		s.fail("start again: %v", err)
		return
	}
	var all sync.WaitGroup
	for i := range s.workers {
		all.Go(func() {
			w := &s.workers[i]
			c := &conn{addr: s.base.Host}
			defer c.close()
			errs := 0
			look := func(id string, amount float64) {
				if err := s.holds(c, id, amount); err != nil && errs < 3 {
					errs++
					s.fail("%v", err)
				}
			}
			for _, a := range w.created {
				look(a.id, a.amount)
			}
			for idx, amount := range w.patched {
				look(s.base.State.IDs[idx], amount)
			}
		})
	}
	all.Wait()
	list, _ := s.run("indexes", "indexes")
	if s.shapes = strings.Count(list, "automatic since"); s.shapes == 0 {
		s.fail("no index was made by use: %s", list)
	}
	for name, want := range s.imported {
		if got, err := s.count(name); err != nil || got != want {
			s.fail("catalog %s has %d records of %d: %v", name, got, want, err)
		}
	}
}

// count pages through a catalog.
func (s *soak) count(name string) (n int, err error) {
	id, _, err := s.catalogIDs(name)
	if err != nil {
		return 0, err
	}
	for {
		var page []struct{ ID json.RawMessage }
		path := fmt.Sprintf("/api/v1/catalogs/%s/records?limit=500&offset=%d&fields=%s", id, n, esc("[]"))
		if err := s.base.call("GET", path, nil, &page); err != nil || len(page) == 0 {
			return n, err
		}
		n += len(page)
	}
}

func (s *soak) verdict() error {
	if s.failed == 0 {
		return nil
	}
	return fmt.Errorf("the soak failed: %d failures", s.failed)
}

// soakMain prints and keeps the result.
func soakMain(o soakOptions, out string) error {
	if _, err := exec.LookPath(newOurs("", "").args[0]); err != nil {
		return err
	}
	table, err := runSoak(o)
	fmt.Print(table)
	if out != "" {
		err = errors.Join(err, os.WriteFile(out, []byte(table), 0o644))
	}
	return err
}
