package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// syncItems is how many records a batch has.
const syncItems = 200

const syncSecret = "Authorization: Bearer secret-of-the-benchmark\r\n"

// syncMain measures an endpoint of the synchronisation module in front of a catalog
// beside the same requests to /api/v1, batches beside inserts by hand into a copy of the
// same tables, and what Python costs. Everything takes turns in each round.
func syncMain(o opts, out string) error {
	began := time.Now()
	b := &syncBench{grown: &grown{ours: newOurs("ours", ""), dir: filepath.Join(o.work, fmt.Sprintf("sync-%d", o.rows)), numbered: true, got: map[string][]Result{}}}
	b.rows = gen(o.rows)
	if err := b.prepare(o.work); err != nil {
		return fmt.Errorf("load %d rows: %w", o.rows, err)
	}
	if err := b.begin(o.work); err != nil {
		return err
	}
	defer b.end()
	for round := range o.rounds {
		for _, m := range b.measures() {
			if !o.wants(m.name) {
				continue
			}
			for _, conns := range o.conns {
				fmt.Fprintf(os.Stderr, "round %d: %s, %d\n", round+1, m.name, conns)
				b.round(m, conns, o.dur)
			}
		}
	}
	memory := ""
	if len(o.only) == 0 {
		memory = b.memory(o)
	}
	table := fmt.Sprintf("%s; %d rows, %d round(s), %s a measure; took %s\n\n%s%s", machine(), o.rows, o.rounds, o.dur,
		time.Since(began).Round(time.Second), b.report(), memory)
	fmt.Print(table)
	if out == "" {
		return nil
	}
	return os.WriteFile(out, []byte(table), 0o644)
}

type syncBench struct {
	*grown
	run  string // the folder that the server works on
	hand *byHand
	next atomic.Int64 // of the numbers of new records
}

// syncMeasure is one comparison: ours and what it is compared with.
type syncMeasure struct {
	name        string
	ours, other func(r *rand.Rand) []byte // requests; other is nil for inserts by hand
	say         func(ours, other []Result) string
}

// begin starts the server on a copy of the loaded folder, makes the endpoints and one
// batch, and copies the folder for the inserts by hand, which repeat that batch.
func (b *syncBench) begin(work string) error {
	loaded := b.dir
	b.dir, b.run = loaded+"-run", loaded+"-run"
	hand := loaded + "-hand"
	if err := copied(loaded, b.run); err != nil {
		return err
	}
	if err := b.serve(work); err != nil {
		return err
	}
	for _, python := range []bool{false, true} {
		if err := b.base.call("POST", "/api/v1/sync/configs", b.config(python), nil); err != nil {
			return err
		}
	}
	c := &conn{addr: b.base.Host}
	defer c.close()
	st, body, err := c.do(b.batch("POST", "deals", rand.New(rand.NewPCG(3, 3))))
	if err == nil && st != 201 {
		err = fmt.Errorf("a batch: %d %s", st, cut(string(body), 300))
	}
	if err != nil {
		return err
	}
	b.p.stop()
	if err := copied(b.run, hand); err != nil {
		return err
	}
	if b.hand, err = openByHand(hand, b.base.get("deals"), syncItems); err != nil {
		return err
	}
	return b.serve(work)
}

func (b *syncBench) end() {
	b.p.stop()
	b.hand.close()
	for _, dir := range []string{b.run, b.hand.dir} {
		_ = os.RemoveAll(dir)
	}
}

// config is that of an endpoint of eight lines, one of them in Python if asked.
func (b *syncBench) config(python bool) map[string]any {
	var lines []map[string]any
	for _, name := range []string{"number", "title", "amount", "status", "created", "owner", "tags", "note"} {
		line := map[string]any{"field": b.get("d." + name), "external_key": name}
		switch {
		case name == "number":
			line["is_record_identifier"] = true
		case name == "title" && python:
			line["value_type"], line["script"] = "python_plain", "value.strip()"
			line["direction"] = "in"
		}
		lines = append(lines, line)
	}
	name := "deals"
	if python {
		name = "scripted"
	}
	return map[string]any{
		"name": name, "request_type": "in", "model": b.get("deals"), "endpoint": name, "run_as": 1,
		"methods": []string{"GET", "POST", "PUT"}, "auth_types": []string{"bearer"}, "lines": lines,
		"credentials": []any{map[string]any{"label": "bench", "type": "bearer", "secret": "secret-of-the-benchmark"}},
		"rate_limit":  map[string]int{"per_minute_ip": 0, "per_hour_key": 0},
	}
}

func (b *syncBench) get(key string) string { return b.base.get(key) }

// item is a record as the endpoint takes it.
func (b *syncBench) item(d *Deal, number string) map[string]any {
	return map[string]any{"number": number, "title": d.Title, "amount": d.Amount, "status": d.statusName(), "created": d.Created.Format(fmtISO),
		"owner": people()[d.Owner].Name, "tags": strings.Join(d.tagList(), ", "), "note": d.Note}
}

func (b *syncBench) fresh() string { return "N-" + strconv.FormatInt(b.next.Add(1), 10) }

func (b *syncBench) request(method, path string, body any) []byte {
	var data []byte
	if body != nil {
		data = mustJSON(body)
	}
	return rawReq(method, "/bj_api_sync/v1/"+path, b.base.Host, syncSecret, data)
}

func (b *syncBench) batch(method, endpoint string, r *rand.Rand) []byte {
	items := make([]any, syncItems)
	for i := range items {
		d := randDeal(r)
		items[i] = b.item(&d, b.fresh())
	}
	return b.request(method, endpoint, items)
}

// known is a batch of records that there are.
func (b *syncBench) known(r *rand.Rand) []byte {
	items := make([]any, syncItems)
	from := r.IntN(len(b.rows) - syncItems)
	for i := range items {
		d := randDeal(r)
		items[i] = b.item(&d, dealNumber(from+i))
	}
	return b.request("PUT", "deals", items)
}

func (b *syncBench) one(endpoint string) func(r *rand.Rand) []byte {
	return func(r *rand.Rand) []byte {
		d := randDeal(r)
		return b.request("POST", endpoint, b.item(&d, b.fresh()))
	}
}

func (b *syncBench) many(method, endpoint string) func(r *rand.Rand) []byte {
	return func(r *rand.Rand) []byte { return b.batch(method, endpoint, r) }
}

// list is a page of 80 as /api/v1 and the endpoint give it; more is what else the endpoint
// is asked.
func (b *syncBench) list(own bool, more string) func(r *rand.Rand) []byte {
	return func(r *rand.Rand) []byte {
		q := mkQ(sList, r, len(b.rows))
		if own {
			domain := fmt.Sprintf(`[["status","=","%s"],["amount",">=",%s],["amount","<=",%s]]`, statuses[q.Status], f2(q.Lo), f2(q.Hi))
			return b.request("GET", "deals?limit=80&order="+esc("amount desc")+"&domain="+esc(domain)+more, nil)
		}
		filter := fmt.Sprintf(`{"%s":["%s"],"%s":{"at":%s,"to":%s}}`, b.get("d.status"), b.get("status."+statuses[q.Status]), b.get("d.amount"), f2(q.Lo), f2(q.Hi))
		return rawReq("GET", "/api/v1/catalogs/"+b.get("deals")+"/records?limit=80&offset=0&sortField="+b.get("d.amount")+"&sortType=-1&filters="+esc(filter),
			b.base.Host, b.base.Hdr, nil)
	}
}

func (b *syncBench) measures() []syncMeasure {
	times := func(bar string) func(ours, other []Result) string {
		return func(ours, other []Result) string {
			return fmt.Sprintf("%.2f times its time (%s)", ratio(other, ours, Result.ops), bar)
		}
	}
	more := func(items float64, bar string) func(ours, other []Result) string {
		return func(ours, other []Result) string {
			each := pick(ours, Result.p50) - pick(other, Result.p50)
			return fmt.Sprintf("%.2f ms more, %.3f each (%s)", each, each/items, bar)
		}
	}
	record := func(own bool) func(r *rand.Rand) []byte {
		return func(r *rand.Rand) []byte {
			q := mkQ(sGet, r, len(b.rows))
			if own {
				return b.request("GET", "deals/"+b.base.State.IDs[q.Idx], nil)
			}
			return b.ours.Build(b.base, &q)
		}
	}
	created := func(r *rand.Rand) []byte {
		q := mkQ(sCreate, r, len(b.rows))
		return b.grown.Build(b.base, &q)
	}
	return []syncMeasure{
		{"get", record(true), record(false), times("1.3 of /api/v1")},
		{"list", b.list(true, "&count=false"), b.list(false, ""), times("1.3 of /api/v1")},
		{"list-total", b.list(true, ""), b.list(false, ""), times("which counts nothing")},
		{"post", b.one("deals"), created, times("1.3 of /api/v1")},
		{"post-200", b.many("POST", "deals"), nil, func(ours, other []Result) string {
			return fmt.Sprintf("%.2f of inserts by hand (0.6)", ratio(ours, other, Result.ops))
		}},
		{"upsert-200-new", b.many("PUT", "deals"), b.many("POST", "deals"), times("2 of the plain batch")},
		{"upsert-200-known", b.known, b.many("POST", "deals"), times("2 of the plain batch")},
		{"python-post", b.one("scripted"), b.one("deals"), more(1, "1 ms")},
		{"python-post-200", b.many("POST", "scripted"), b.many("POST", "deals"), more(syncItems, "0.1 ms each")},
	}
}

func (r Result) ops() float64 { return r.Ops }
func (r Result) p50() float64 { return r.P50 }

// ratio is the median of the rounds' ratios.
func ratio(a, b []Result, of func(Result) float64) float64 {
	var list []float64
	for i := range a {
		list = append(list, of(a[i])/of(b[i]))
	}
	return med(list)
}

// round measures both sides of a comparison, in an order that changes.
func (b *syncBench) round(m syncMeasure, conns int, d time.Duration) {
	key := fmt.Sprintf("%s|%d", m.name, conns)
	sides := []func(){
		func() { b.got[key] = append(b.got[key], b.ask(m.ours, conns, d)) },
		func() { b.got[key+"|other"] = append(b.got[key+"|other"], b.compared(m, conns, d)) },
	}
	if len(b.got[key])%2 == 1 {
		sides[0], sides[1] = sides[1], sides[0]
	}
	for _, side := range sides {
		side()
	}
}

func (b *syncBench) compared(m syncMeasure, conns int, d time.Duration) Result {
	if m.other != nil {
		return b.ask(m.other, conns, d)
	}
	before, batches := ownTime(), 0
	res := measure(1, d, func(int, *rand.Rand) error { // one writer is the fastest
		batches++
		return b.hand.batch()
	})
	res.CPU = float64((ownTime() - before).Microseconds()) / float64(max(1, batches))
	return res
}

// ownTime is the processor time of this process.
func ownTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (b *syncBench) ask(build func(r *rand.Rand) []byte, conns int, d time.Duration) Result {
	// other requests each time: a record that is changed to what it is costs nothing
	seed, rs := rand.Uint64(), make([]*rand.Rand, conns)
	for i := range rs {
		rs[i] = rand.New(rand.NewPCG(seed, uint64(i)))
	}
	res, _ := drive(b.p, conns, d, func(w int, _ *rand.Rand) []byte { return build(rs[w]) })
	if res.Errs > 0 {
		fmt.Fprintln(os.Stderr, "  ", res.Errs, "failed:", res.Err)
	}
	return res
}

func (b *syncBench) report() string {
	var t strings.Builder
	fmt.Fprintf(&t, "| request | conns | endpoint, /s (p50 ms) | compared with, /s (p50 ms) | processor time, µs | is (may be) |\n|---|---|---|---|---|---|\n")
	cell := func(list []Result) string {
		return fmt.Sprintf("%s (%s)", num(pick(list, Result.ops)), num(pick(list, Result.p50)))
	}
	for _, m := range b.measures() {
		for _, conns := range []int{1, 16} {
			key := fmt.Sprintf("%s|%d", m.name, conns)
			if len(b.got[key]) == 0 {
				continue
			}
			ours, other := b.got[key], b.got[key+"|other"]
			cpu := func(list []Result) string { return num(pick(list, func(r Result) float64 { return r.CPU })) }
			fmt.Fprintf(&t, "| %s | %d | %s | %s | %s, %s | %s |\n", m.name, conns, cell(ours), cell(other), cpu(ours), cpu(other), m.say(ours, other))
		}
	}
	return t.String()
}

// memory tells what the process holds after some requests of each kind, and after three
// times as many more.
func (b *syncBench) memory(o opts) string {
	var held [2]float64
	for i := range held {
		for range 1 + 2*i {
			for _, m := range b.measures() {
				b.ask(m.ours, 16, o.dur)
			}
		}
		settle(b.p)
		held[i], _ = b.p.anon()
	}
	return fmt.Sprintf("\nRssAnon at rest after one more turn of all, and after three more: %s and %s MB\n", num(held[0]), num(held[1]))
}

// dealNumber is the identifier of a loaded row.
func dealNumber(i int) string { return fmt.Sprintf("D-%07d", i) }
