package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Target is one server under test. All of them are driven over loopback HTTP.
type Target interface {
	Name() string
	Version() string
	// Cmd is the command that starts the server on 127.0.0.1:port with its data in dir.
	Cmd(dir string, port int) *exec.Cmd
	// Before runs once on an empty data dir, before the first start.
	Before(dir string, port int) error
	ReadyPath() string
	// Login is run after every start (tokens, cookies).
	Login(b *Base) error
	// Setup creates the tables and loads the rows through the API.
	Setup(b *Base, rows []Deal) error
	// After runs once after the load with the server stopped (indexes that the API cannot make).
	After(dir string, b *Base, rows []Deal) error
	// Unsupported says why a scenario cannot be asked of this server ("" when it can).
	Unsupported(s string) string
	Build(b *Base, q *Q) []byte
	// Amounts reads the amounts out of a get or list answer, in order.
	Amounts(body []byte) ([]float64, error)
	// Groups reads the sums out of an aggregate answer.
	Groups(body []byte, s string) ([]float64, error)
	Binary() string // file or folder whose size is the install size
}

// Base is what a started server needs; State is kept with the loaded data.
type Base struct {
	Host  string // 127.0.0.1:port
	Hdr   string // auth header lines, each with \r\n
	State State
}

type State struct {
	N   int
	IDs []string          // row index -> record id
	M   map[string]string // table ids, field ids
}

func (b *Base) get(k string) string { return b.State.M[k] }
func (b *Base) set(k, v string) {
	if b.State.M == nil {
		b.State.M = map[string]string{}
	}
	b.State.M[k] = v
}

// call is the slow-path client used for setup.
func (b *Base) call(method, path string, in, out any) error {
	var rd io.Reader
	if in != nil {
		j, err := json.Marshal(in)
		if err != nil {
			return err
		}
		rd = bytes.NewReader(j)
	}
	req, err := http.NewRequest(method, "http://"+b.Host+path, rd)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	for _, l := range strings.Split(b.Hdr, "\r\n") {
		if k, v, ok := strings.Cut(l, ": "); ok {
			req.Header.Set(k, v)
		}
	}
	resp, err := (&http.Client{Timeout: 5 * time.Minute}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, cut(string(body), 400))
	}
	if out != nil {
		if err := json.Unmarshal(body, out); err != nil {
			return fmt.Errorf("%s %s: %v in %s", method, path, err, cut(string(body), 200))
		}
	}
	return nil
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

func esc(s string) string { return url.QueryEscape(s) }
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
func f2(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// peersDir is where peers.sh puts the other servers.
func peersDir() string { return envOr("BENCH_PEERS", filepath.Join(".work", "peers")) }

// workDir is where loaded data are kept between runs.
func workDir() string { return envOr("BENCH_WORK", ".work") }

const adminMail, adminPass = "admin@example.com", "Benchbench1!"

// ---- PocketBase ------------------------------------------------------------

type pocketbase struct{}

func (pocketbase) Name() string { return "pocketbase" }
func (pocketbase) Version() string {
	return goModVersion(filepath.Join(peersDir(), "pocketbase"), "github.com/pocketbase/pocketbase")
}
func (pocketbase) Binary() string { return filepath.Join(peersDir(), "pocketbase", "pocketbase") }
func (t pocketbase) Cmd(dir string, port int) *exec.Cmd {
	// --dev=false: a binary under the temporary folder is taken for "go run" and logs every statement
	return exec.Command(t.Binary(), "serve", "--dev=false", "--dir", dir, "--http", fmt.Sprintf("127.0.0.1:%d", port))
}
func (t pocketbase) Before(dir string, port int) error {
	out, err := exec.Command(t.Binary(), "superuser", "upsert", adminMail, adminPass, "--dir", dir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%v: %s", err, out)
	}
	return nil
}
func (pocketbase) ReadyPath() string { return "/api/health" }
func (pocketbase) Login(b *Base) error {
	var r struct{ Token string }
	if err := b.call("POST", "/api/collections/_superusers/auth-with-password", map[string]string{"identity": adminMail, "password": adminPass}, &r); err != nil {
		return err
	}
	b.Hdr = "Authorization: " + r.Token + "\r\n"
	return nil
}
func pbID(i int) string { return fmt.Sprintf("d%014d", i) }
func (pocketbase) doc(d *Deal) map[string]any {
	return map[string]any{"title": d.Title, "amount": d.Amount, "status": d.statusName(), "created": d.Created.Format("2006-01-02 15:04:05.000Z"),
		"owner": fmt.Sprintf("p%014d", d.Owner), "tags": d.tagList(), "note": d.Note}
}
func (t pocketbase) Setup(b *Base, rows []Deal) error {
	if err := b.call("PATCH", "/api/settings", map[string]any{"batch": map[string]any{"enabled": true, "maxRequests": 1000, "timeout": 60, "maxBodySize": 0}}, nil); err != nil {
		return err
	}
	var pc struct{ ID string }
	if err := b.call("POST", "/api/collections", map[string]any{"name": "people", "type": "base", "fields": []any{
		map[string]any{"name": "name", "type": "text"}, map[string]any{"name": "email", "type": "email"}}}, &pc); err != nil {
		return err
	}
	if err := b.call("POST", "/api/collections", map[string]any{"name": "deals", "type": "base", "fields": []any{
		map[string]any{"name": "title", "type": "text"},
		map[string]any{"name": "amount", "type": "number"},
		map[string]any{"name": "status", "type": "select", "maxSelect": 1, "values": statuses},
		map[string]any{"name": "created", "type": "date"},
		map[string]any{"name": "owner", "type": "relation", "collectionId": pc.ID, "maxSelect": 1},
		map[string]any{"name": "tags", "type": "select", "maxSelect": 8, "values": tagNames},
		map[string]any{"name": "note", "type": "text"},
	}, "indexes": []string{"CREATE INDEX idx_sa ON deals(status, amount)", "CREATE INDEX idx_cr ON deals(created)"}}, nil); err != nil {
		return err
	}
	for _, v := range [][2]string{
		{"deals_by_status", "SELECT status as id, sum(amount) as total FROM deals GROUP BY status"},
		{"deals_by_month", "SELECT strftime('%Y-%m', created) as id, sum(amount) as total FROM deals GROUP BY strftime('%Y-%m', created)"}} {
		if err := b.call("POST", "/api/collections", map[string]any{"name": v[0], "type": "view", "viewQuery": v[1]}, nil); err != nil {
			return err
		}
	}
	type br struct {
		Method string         `json:"method"`
		URL    string         `json:"url"`
		Body   map[string]any `json:"body"`
	}
	var reqs []br
	flush := func() error {
		if len(reqs) == 0 {
			return nil
		}
		err := b.call("POST", "/api/batch", map[string]any{"requests": reqs}, nil)
		reqs = reqs[:0]
		return err
	}
	for i, p := range people() {
		reqs = append(reqs, br{"POST", "/api/collections/people/records", map[string]any{"id": fmt.Sprintf("p%014d", i), "name": p.Name, "email": p.Email}})
	}
	if err := flush(); err != nil {
		return err
	}
	b.State.IDs = make([]string, len(rows))
	for i := range rows {
		doc := t.doc(&rows[i])
		doc["id"] = pbID(i)
		b.State.IDs[i] = pbID(i)
		reqs = append(reqs, br{"POST", "/api/collections/deals/records", doc})
		if len(reqs) == 1000 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
func (pocketbase) After(string, *Base, []Deal) error { return nil }
func (pocketbase) Unsupported(s string) string       { return "" }
func (t pocketbase) Build(b *Base, q *Q) []byte {
	const p = "/api/collections/deals/records"
	switch q.S {
	case sGet:
		return rawReq("GET", p+"/"+b.State.IDs[q.Idx], b.Host, b.Hdr, nil)
	case sList:
		f := fmt.Sprintf("status='%s' && amount>=%s && amount<=%s", statuses[q.Status], f2(q.Lo), f2(q.Hi))
		return rawReq("GET", p+"?page=1&perPage=50&skipTotal=1&sort=-amount&filter="+esc(f), b.Host, b.Hdr, nil)
	case sSearchR, sSearchC:
		return rawReq("GET", p+"?page=1&perPage=50&skipTotal=1&filter="+esc("note~'"+q.Word+"'"), b.Host, b.Hdr, nil)
	case sExpand:
		return rawReq("GET", fmt.Sprintf("%s?page=%d&perPage=50&skipTotal=1&sort=-created&expand=owner", p, q.Offset/50+1), b.Host, b.Hdr, nil)
	case sDeep:
		return rawReq("GET", fmt.Sprintf("%s?page=%d&perPage=50&skipTotal=1&sort=created", p, q.Offset/50+1), b.Host, b.Hdr, nil)
	case sAggS:
		return rawReq("GET", "/api/collections/deals_by_status/records?perPage=100&skipTotal=1", b.Host, b.Hdr, nil)
	case sAggM:
		return rawReq("GET", "/api/collections/deals_by_month/records?perPage=100&skipTotal=1", b.Host, b.Hdr, nil)
	case sCreate:
		return rawReq("POST", p, b.Host, b.Hdr, mustJSON(t.doc(&q.Deal)))
	case sPatch:
		return rawReq("PATCH", p+"/"+b.State.IDs[q.Idx], b.Host, b.Hdr, []byte(`{"amount":`+f2(q.Amount)+`}`))
	}
	panic(q.S)
}
func (pocketbase) Amounts(body []byte) ([]float64, error) {
	var l struct {
		Items  []struct{ Amount float64 }
		Amount *float64
	}
	if err := json.Unmarshal(body, &l); err != nil {
		return nil, err
	}
	if l.Amount != nil {
		return []float64{*l.Amount}, nil
	}
	var o []float64
	for _, i := range l.Items {
		o = append(o, i.Amount)
	}
	return o, nil
}
func (pocketbase) Groups(body []byte, s string) ([]float64, error) {
	var l struct {
		Items []struct{ Total json.Number }
	}
	if err := json.Unmarshal(body, &l); err != nil {
		return nil, err
	}
	var o []float64
	for _, i := range l.Items {
		f, err := i.Total.Float64()
		if err != nil {
			return nil, err
		}
		o = append(o, f)
	}
	return o, nil
}
