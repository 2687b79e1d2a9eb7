package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The bars of growth: what may be how much slower with ten times the records,
// how long a start with them may take, and how much memory a run.
const (
	scaleStart = 150 // ms
	scaleLast  = 150 // MB
	scalePeak  = 300 // MB
)

var scaleBars = []struct {
	scenario string
	slower   float64
}{{sGet, 1.5}, {sList, 1.5}, {sSearchR, 3}, {sSearchC, 3}}

// scaleMain reads the sizes, and prints and keeps the table.
func scaleMain(sizes string, o opts, out string) error {
	var list []int
	for s := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(s)
		if err != nil {
			return fmt.Errorf("-scale: %w", err)
		}
		list = append(list, n)
	}
	began := time.Now()
	table, err := runScale(list, o)
	if err != nil {
		return err
	}
	table = fmt.Sprintf("%s; %d round(s), %s a measure; took %s\n\n%s", machine(), o.rounds, o.dur, time.Since(began).Round(time.Second), table)
	fmt.Print(table)
	if out == "" {
		return nil
	}
	return os.WriteFile(out, []byte(table), 0o644)
}

// grown is the program with a number of rows that `kartoteka import` loaded.
type grown struct {
	*ours
	rows   []Deal
	orc    *oracle
	dir    string
	base   *Base
	load   float64 // rows/s
	index  [2]time.Duration
	starts []float64 // ms
	p      *proc
	watch  *memory
	got    map[string][]Result // "scenario|conns" -> rounds
	live   liveIndex
	// numbered rows have one more field, whose values are unique, with an index.
	numbered bool
}

// runScale loads the program with each number of rows, starts it with each, and
// lets them take turns.
func runScale(sizes []int, o opts) (string, error) {
	var all []*grown
	for _, n := range sizes {
		g := &grown{ours: newOurs("ours", ""), dir: filepath.Join(o.work, fmt.Sprintf("scale-%d", n)), got: map[string][]Result{}}
		g.rows = gen(n)
		g.orc = newOracle(g.rows)
		if err := g.prepare(o.work); err != nil {
			return "", fmt.Errorf("load %d rows: %w", n, err)
		}
		all = append(all, g)
	}
	defer func() {
		for _, g := range all {
			g.p.stop()
		}
	}()
	for _, g := range all {
		kept := g.dir
		g.dir += "-run" // what the requests change is not kept
		if err := copied(kept, g.dir); err != nil {
			return "", err
		}
		defer os.RemoveAll(g.dir)
		if err := g.start(o.work); err != nil {
			return "", err
		}
	}
	for _, bar := range scaleBars { // the system reads the files
		for _, g := range all {
			g.measure(bar.scenario, 16, 2*time.Second)
			g.got = map[string][]Result{}
		}
	}
	for round := range o.rounds {
		for _, bar := range scaleBars {
			if !o.wants(bar.scenario) {
				continue
			}
			for _, conns := range o.conns {
				for _, g := range all {
					fmt.Fprintf(os.Stderr, "round %d: %d rows", round+1, len(g.rows))
					g.measure(bar.scenario, conns, o.dur)
				}
			}
		}
	}
	for _, g := range all { // the writes count for the memory only
		g.measure(sMixed, 16, o.mixed)
		if err := g.indexWhileServing(); err != nil {
			return "", err
		}
		g.watch.stop()
	}
	return scaleReport(all), nil
}

// prepare loads the rows, unless an earlier run has.
func (g *grown) prepare(work string) error {
	var kept struct {
		Load  float64
		Index [2]time.Duration
		State State
	}
	note := g.dir + ".json"
	g.base = &Base{}
	if b, err := os.ReadFile(note); err == nil && os.Getenv("BENCH_RELOAD") == "" && json.Unmarshal(b, &kept) == nil {
		g.load, g.index, g.base.State = kept.Load, kept.Index, kept.State
		return nil
	}
	if err := os.RemoveAll(g.dir); err != nil {
		return err
	}
	file := filepath.Join(work, fmt.Sprintf("deals-%d.ndjson", len(g.rows)))
	if err := writeLines(file, g.rows, g.numbered); err != nil {
		return err
	}
	defer os.Remove(file)
	began := time.Now()
	if err := g.command("import", file, "--section", "bench", "--catalog", "deals", "--type", "note=multiline"); err != nil {
		return err
	}
	g.load = float64(len(g.rows)) / time.Since(began).Seconds()
	fmt.Fprintf(os.Stderr, "imported %d rows at %.0f rows/s\n", len(g.rows), g.load)
	if err := g.learn(work); err != nil {
		return err
	}
	for i, fields := range []string{g.base.get("d.status") + "," + g.base.get("d.amount"), g.base.get("d.created")} {
		began := time.Now()
		if err := g.command("indexes", "add", g.base.get("deals"), fields); err != nil {
			return err
		}
		g.index[i] = time.Since(began)
	}
	if g.numbered {
		if err := g.command("indexes", "add", g.base.get("deals"), g.base.get("d.number")); err != nil {
			return err
		}
	}
	g.base.State.N = len(g.rows)
	kept.Load, kept.Index, kept.State = g.load, g.index, g.base.State
	return os.WriteFile(note, mustJSON(kept), 0o644)
}

// writeLines writes rows as `kartoteka import` reads them.
func writeLines(file string, rows []Deal, numbered bool) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	e := json.NewEncoder(w)
	ppl := people()
	for i := range rows {
		d := &rows[i]
		number := ""
		if numbered {
			number = dealNumber(i)
		}
		err := e.Encode(struct {
			Number  string  `json:"number,omitempty"`
			Title   string  `json:"title"`
			Amount  float64 `json:"amount"`
			Status  string  `json:"status"`
			Created string  `json:"created"`
			Owner   string  `json:"owner"`
			Tags    string  `json:"tags"`
			Note    string  `json:"note"`
		}{number, d.Title, d.Amount, d.statusName(), d.Created.Format(fmtISO), ppl[d.Owner].Name, strings.Join(d.tagList(), ", "), d.Note})
		if err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(w.Flush(), f.Close())
}

// command runs one of the program's commands on the data folder.
func (g *grown) command(args ...string) error {
	_, err := g.output(args...)
	return err
}

func (g *grown) output(args ...string) (string, error) {
	c := exec.Command(g.args[0], append(slices.Clone(args), "--data", g.dir)...)
	c.Env = g.env(g.dir)
	out, err := c.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", args[0], err, cut(string(out), 600))
	}
	return string(out), nil
}

// serve starts the server and signs in.
func (g *grown) serve(work string) error {
	port := freePort()
	p, up, err := start(g.Cmd(g.dir, port), port, g.ReadyPath(), filepath.Join(work, filepath.Base(g.dir)+".log"))
	if err != nil {
		return err
	}
	g.p, g.base.Host = p, p.host
	g.starts = append(g.starts, float64(up.Microseconds())/1000)
	return g.Login(g.base)
}

// learn asks a server for the ids of the catalog that was imported.
func (g *grown) learn(work string) error {
	if err := g.serve(work); err != nil {
		return err
	}
	defer g.p.stop()
	g.starts = nil
	if err := g.learnCatalog("deals"); err != nil {
		return err
	}
	g.base.State.IDs = make([]string, len(g.rows))
	settle(g.p)
	for i := range g.base.State.IDs { // numbers are given in the file's order
		g.base.State.IDs[i] = strconv.Itoa(i + 1)
	}
	return nil
}

// learnCatalog notes the ids of the catalog with that name, its fields and items.
func (g *grown) learnCatalog(name string) error {
	var list []struct {
		ID   json.RawMessage `json:"id"`
		Name string          `json:"name"`
	}
	if err := g.base.call("GET", "/api/v1/catalogs", nil, &list); err != nil {
		return err
	}
	for _, l := range list {
		if l.Name != name {
			continue
		}
		var c struct{ Fields []bpField }
		if err := g.base.call("GET", "/api/v1/catalogs/"+unq(l.ID), nil, &c); err != nil {
			return err
		}
		g.base.set(name, unq(l.ID))
		for _, f := range c.Fields {
			g.base.set("d."+f.Name, unq(f.ID))
			g.base.set("type."+f.Name, f.Type)
			for _, item := range f.Config.Items {
				g.base.set(f.Name+"."+item.Name, unq(item.ID))
			}
		}
		return nil
	}
	return fmt.Errorf("there is no catalog %s", name)
}

// start starts the server some times, to time it, and checks its answers.
func (g *grown) start(work string) error {
	for n := range 7 {
		if err := g.serve(work); err != nil {
			return err
		}
		if n < 6 {
			g.p.stop()
		}
	}
	g.watch = watchMemory(g.p)
	c := &conn{addr: g.base.Host}
	defer c.close()
	r := rand.New(rand.NewPCG(5, 5))
	for _, bar := range scaleBars {
		q := mkQ(bar.scenario, r, len(g.rows))
		st, body, err := c.do(g.Build(g.base, &q))
		if err == nil && st != 200 {
			err = fmt.Errorf("%d %s", st, cut(string(body), 200))
		}
		var got []float64
		if err == nil {
			got, err = g.Amounts(body)
		}
		if want, n := g.orc.amounts(q); err == nil && (len(got) != n || want != nil && !sameF(got, want)) {
			err = fmt.Errorf("got %d %v, want %d %v", len(got), head(got), n, head(want))
		}
		if err != nil {
			return fmt.Errorf("%s of %d rows: %w", bar.scenario, len(g.rows), err)
		}
	}
	return nil
}

// Build is that of ours but for new records: in a file links and several tags
// are texts.
func (g *grown) Build(b *Base, q *Q) []byte {
	if q.S != sCreate {
		return g.ours.Build(b, q)
	}
	d := &q.Deal
	v := map[string]any{b.get("d.amount"): d.Amount, b.get("d.created"): d.Created.Format(fmtISO)}
	for name, text := range map[string]string{"title": d.Title, "status": d.statusName(), "owner": people()[d.Owner].Name,
		"tags": strings.Join(d.tagList(), ", "), "note": d.Note} {
		id := b.get("d." + name)
		if b.get("type."+name) == "text" {
			v[id] = text
		} else if item := b.get(name + "." + text); item != "" {
			v[id] = []string{item}
		}
	}
	return rawReq("POST", "/api/v1/catalogs/"+b.get("deals")+"/records", b.Host, b.Hdr, mustJSON(map[string]any{"values": v}))
}

// liveIndex is how an index was made while the server worked.
type liveIndex struct {
	took        time.Duration
	write, read time.Duration // the longest request meanwhile
}

// indexWhileServing adds an index while records are read and written.
func (g *grown) indexWhileServing() error {
	done := make(chan struct{})
	longest := func(scenario string, seed uint64, into *time.Duration) func() {
		return func() {
			c := &conn{addr: g.base.Host}
			defer c.close()
			for r := rand.New(rand.NewPCG(seed, 3)); ; {
				select {
				case <-done:
					return
				default:
				}
				q := mkQ(scenario, r, len(g.rows))
				began := time.Now()
				if st, _, err := c.do(g.Build(g.base, &q)); err != nil || st >= 300 {
					*into = time.Hour // it stands out
				}
				*into = max(*into, time.Since(began))
			}
		}
	}
	var all sync.WaitGroup
	all.Go(longest(sPatch, 1, &g.live.write))
	all.Go(longest(sGet, 2, &g.live.read))
	began := time.Now()
	err := g.command("indexes", "add", g.base.get("deals"), g.base.get("d.amount"))
	g.live.took = time.Since(began)
	close(done)
	all.Wait()
	return err
}

func (g *grown) measure(scenario string, conns int, d time.Duration) {
	res := newResults()
	load(g, g.base, g.p, scenario, conns, d, len(g.rows), res)
	k := fmt.Sprintf("%s|%d", scenario, conns)
	g.got[k] = append(g.got[k], res.M[g.Name()][k]...)
}

// scaleReport compares the last size with the first.
func scaleReport(all []*grown) string {
	var b strings.Builder
	least, most := all[0], all[len(all)-1]
	fmt.Fprintf(&b, "| scenario | conns | %d rows, /s (p50 ms) | %d rows, /s (p50 ms) | times slower | by processor time | may be |\n|---|---|---|---|---|---|---|\n",
		len(least.rows), len(most.rows))
	for _, bar := range scaleBars {
		for _, conns := range []int{1, 16} {
			k := fmt.Sprintf("%s|%d", bar.scenario, conns)
			if len(most.got[k]) == 0 {
				continue
			}
			var slower, dearer []float64
			for i, x := range most.got[k] {
				slower = append(slower, least.got[k][i].Ops/x.Ops)
				dearer = append(dearer, x.CPU/least.got[k][i].CPU)
			}
			cell := func(g *grown) string {
				return fmt.Sprintf("%s (%s)", num(pick(g.got[k], func(x Result) float64 { return x.Ops })), num(pick(g.got[k], func(x Result) float64 { return x.P50 })))
			}
			fmt.Fprintf(&b, "| %s | %d | %s | %s | %.2f | %.2f | %.1f |\n", bar.scenario, conns, cell(least), cell(most), med(slower), med(dearer), bar.slower)
		}
	}
	fmt.Fprintf(&b, "\n| measure | %d rows | %d rows | may be |\n|---|---|---|---|\n", len(least.rows), len(most.rows))
	line := func(name, bar string, f func(*grown) string) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, f(least), f(most), bar)
	}
	line("import, rows/s", "", func(g *grown) string { return num(g.load) })
	line("index over (status, amount), made with no server, s", "", func(g *grown) string { return num(g.index[0].Seconds()) })
	line("index over (created), s", "", func(g *grown) string { return num(g.index[1].Seconds()) })
	line("index over (amount) while serving, s", "", func(g *grown) string { return num(g.live.took.Seconds()) })
	line("longest write meanwhile, s", "3 for a million", func(g *grown) string { return num(g.live.write.Seconds()) })
	line("longest read meanwhile, s", "", func(g *grown) string { return num(g.live.read.Seconds()) })
	line("data folder, MB", "", func(g *grown) string { return num(diskSize(g.dir)) })
	line("start to healthz, median and worst of 7, ms", strconv.Itoa(scaleStart), func(g *grown) string {
		return num(med(g.starts)) + " / " + num(slices.Max(g.starts))
	})
	line("RssAnon after the run, MB", strconv.Itoa(scaleLast), func(g *grown) string { return num(g.watch.last) })
	line("RssAnon at its peak, MB", strconv.Itoa(scalePeak), func(g *grown) string { return num(g.watch.peak) })
	return b.String()
}
