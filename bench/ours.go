package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ours drives any server that speaks the Bpium REST API: our own, on SQLite or
// on PostgreSQL, and the "ideal" servers in servers.go.
type ours struct {
	name string
	args []string // command with {dir} and {port}
	pg   string   // connection string of a PostgreSQL server; "" for SQLite
	// hooked has a webhook, whose receiver is away: its deliveries wait.
	hooked bool
	// scripted has a scenario before each create that follows the load.
	scripted bool
}

func newOurs(name, pg string) *ours {
	bin := envOr("OURS_BIN", filepath.Join("..", "bin", "kartoteka"))
	return &ours{name: name, pg: pg, args: []string{bin, "serve", "--data", "{dir}", "--listen", "127.0.0.1:{port}"}}
}

func envOr(k, d string) string {
	if v := os.Getenv(k); v != "" {
		return v
	}
	return d
}

func (t *ours) own() bool { return !strings.HasPrefix(t.name, "ideal") }

func (t *ours) Name() string    { return t.name }
func (t *ours) Version() string { return "-" }
func (t *ours) Binary() string {
	if t.own() {
		return t.args[0]
	}
	return ""
}

// database is the name of the PostgreSQL database that belongs to a folder.
func database(dir string) string {
	return "bench_" + strings.NewReplacer("-", "_", ".", "_").Replace(filepath.Base(dir))
}

// env are the settings of a server whose data are in dir.
func (t *ours) env(dir string) []string {
	env := append(os.Environ(), "ADMIN_LOGIN="+adminMail, "ADMIN_PASSWORD="+adminPass, "LOG_LEVEL=warn",
		"HOOKS_DENY_PRIVATE=false", "LIMIT_USER_MAX_REQUESTS=0", "LIMIT_IP_MAX_REQUESTS=0") // 0 switches a limit off
	if t.pg != "" {
		env = append(env, "DB_CONNECTION_STRING="+pgDatabase(t.pg, database(dir)))
	}
	return env
}

func (t *ours) Cmd(dir string, port int) *exec.Cmd {
	r := strings.NewReplacer("{dir}", dir, "{port}", strconv.Itoa(port))
	args := make([]string, len(t.args))
	for i, a := range t.args {
		args[i] = r.Replace(a)
	}
	c := exec.Command(args[0], args[1:]...)
	c.Env = t.env(dir)
	return c
}

func (t *ours) Before(dir string, _ int) error {
	if t.pg == "" {
		return nil
	}
	return pgCreate(t.pg, database(dir), "template0")
}

// Size is that of the database, MB.
func (t *ours) Size(dir string) float64 {
	if t.pg == "" {
		return diskSize(dir)
	}
	n, _ := pgSize(t.pg, database(dir))
	return float64(n) / 1e6
}

// Fork gives a copied folder its own copy of the database.
func (t *ours) Fork(snap, dir string) error {
	if t.pg == "" {
		return nil
	}
	return pgCreate(t.pg, database(dir), database(snap))
}

func (t *ours) ReadyPath() string {
	if t.own() {
		return "/healthz"
	}
	return "/api/v1/profile/me"
}

// Login: Basic once, then the connect.sid cookie that comes back, as the API's documentation asks.
func (t *ours) Login(b *Base) error {
	req, _ := http.NewRequest("GET", "http://"+b.Host+"/api/v1/profile/me", nil)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(adminMail+":"+adminPass))
	req.Header.Set("Authorization", basic)
	resp, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		return err
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if resp.StatusCode == 401 || resp.StatusCode == 403 {
		return fmt.Errorf("login: %d", resp.StatusCode)
	}
	for _, c := range resp.Cookies() {
		if c.Name == "connect.sid" || c.Name == "sid" {
			b.Hdr = "Cookie: " + c.Name + "=" + c.Value + "\r\n"
			return nil
		}
	}
	// no session cookie: stay on Basic, and say so, because it is slow by design
	fmt.Fprintln(os.Stderr, "  note: no connect.sid cookie came back; every request carries Basic auth")
	b.Hdr = "Authorization: " + basic + "\r\n"
	return nil
}

type bpField struct {
	ID     json.RawMessage `json:"id"`
	Name   string          `json:"name"`
	Type   string          `json:"type"`
	Config struct {
		Items []struct {
			ID   json.RawMessage `json:"id"`
			Name string          `json:"name"`
		} `json:"items"`
	} `json:"config"`
}

func unq(r json.RawMessage) string { return strings.Trim(string(r), `"`) }

func (t *ours) Setup(b *Base, rows []Deal) error {
	sec := b.section()
	if sec == "" {
		return errors.New("no section: GET/POST /api/v1/sections gave none")
	}
	mk := func(name string, fields []any) (string, []bpField, error) {
		var r struct{ ID json.RawMessage }
		if err := b.call("POST", "/api/v1/catalogs", map[string]any{"name": name, "icon": "icon", "sectionId": sec, "fields": fields}, &r); err != nil {
			return "", nil, err
		}
		id := unq(r.ID)
		var c struct{ Fields []bpField }
		if err := b.call("GET", "/api/v1/catalogs/"+id, nil, &c); err != nil {
			return "", nil, err
		}
		return id, c.Fields, nil
	}
	fld := func(name, typ string, cfg map[string]any) map[string]any {
		if cfg == nil {
			cfg = map[string]any{}
		}
		return map[string]any{"name": name, "hint": "", "type": typ, "config": cfg}
	}
	items := func(l []string) map[string]any {
		var c []any
		for _, s := range l {
			c = append(c, map[string]string{"name": s})
		}
		return map[string]any{"items": c, "multiselect": false}
	}
	pid, pf, err := mk("people", []any{fld("name", "text", map[string]any{"type": "text"}), fld("email", "text", map[string]any{"type": "text"})})
	if err != nil {
		return err
	}
	did, df, err := mk("deals", []any{
		fld("title", "text", map[string]any{"type": "text"}), fld("amount", "number", nil),
		fld("status", "dropdown", items(statuses)), fld("created", "date", map[string]any{"time": true}),
		fld("owner", "object", map[string]any{"multiselect": false, "catalogs": []any{map[string]string{"id": pid}}}),
		fld("tags", "checkboxes", items(tagNames)), fld("note", "text", map[string]any{"type": "multiline"})})
	if err != nil {
		return err
	}
	b.set("people", pid)
	b.set("deals", did)
	for _, f := range pf {
		b.set("p."+f.Name, unq(f.ID))
	}
	for _, f := range df {
		b.set("d."+f.Name, unq(f.ID))
		for i, it := range f.Config.Items {
			id := unq(it.ID)
			if id == "" || id == "null" {
				id = strconv.Itoa(i + 1)
			}
			b.set(f.Name+"."+it.Name, id)
		}
	}
	for _, k := range []string{"d.title", "d.amount", "d.status", "d.created", "d.owner", "d.tags", "d.note", "p.name"} {
		if b.get(k) == "" {
			return fmt.Errorf("catalog answer lacks field %s", k)
		}
	}
	for _, s := range statuses {
		if b.get("status."+s) == "" {
			return fmt.Errorf("catalog answer lacks status item %s", s)
		}
	}
	for i, p := range people() {
		var r struct{ ID json.RawMessage }
		if err := b.call("POST", "/api/v1/catalogs/"+pid+"/records", map[string]any{"values": map[string]any{b.get("p.name"): p.Name, b.get("p.email"): p.Email}}, &r); err != nil {
			return err
		}
		b.set("person."+strconv.Itoa(i), unq(r.ID))
	}
	if t.hooked {
		err := b.call("POST", "/api/v1/catalogs/$webhooks/records", map[string]any{"values": map[string]any{
			"$catalog": []any{map[string]string{"catalogId": "$catalogs", "recordId": did}},
			"$events":  []string{"record.created"}, "$url": "http://127.0.0.1:9/", "$retry": []string{"$standard"},
		}}, nil)
		if err != nil {
			return err
		}
	}
	// The API has no bulk create: 16 keep-alive connections post single records.
	b.State.IDs = make([]string, len(rows))
	var wg sync.WaitGroup
	errs := make([]error, 16)
	for w := 0; w < 16; w++ {
		wg.Add(1)
		go func(w int) {
			defer wg.Done()
			c := &conn{addr: b.Host}
			defer c.close()
			for i := w; i < len(rows); i += 16 {
				st, body, err := c.do(t.post(b, &rows[i]))
				if err == nil && st >= 300 {
					err = fmt.Errorf("create: %d %s", st, cut(string(body), 200))
				}
				var r struct{ ID json.RawMessage }
				if err == nil {
					err = json.Unmarshal(body, &r)
				}
				if err != nil {
					errs[w] = err
					return
				}
				b.State.IDs[i] = unq(r.ID)
			}
		}(w)
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil || !t.scripted {
		return err
	}
	return b.script()
}

// script has each new deal looked at by a scenario that lets it pass.
func (b *Base) script() error {
	var made struct{ ID json.RawMessage }
	err := b.call("POST", "/api/v1/catalogs/$scripts/records", map[string]any{"values": map[string]any{
		"$name": "look", "$source": "if (values.get('" + b.get("d.amount") + "') or 0) < 0:\n    status = 422",
	}}, &made)
	if err != nil {
		return err
	}
	return b.call("POST", "/api/v1/catalogs/$events/records", map[string]any{"values": map[string]any{
		"$name": "look", "$events": []string{"$record.before.create"},
		"$catalog": []any{map[string]string{"catalogId": "$catalogs", "recordId": b.get("deals")}},
		"$script":  []any{map[string]string{"catalogId": "$scripts", "recordId": unq(made.ID)}},
	}}, nil)
}

func (b *Base) section() string {
	var ss []struct{ ID json.RawMessage }
	if err := b.call("GET", "/api/v1/sections", nil, &ss); err == nil && len(ss) > 0 {
		return unq(ss[0].ID)
	}
	var s struct{ ID json.RawMessage }
	if err := b.call("POST", "/api/v1/sections", map[string]string{"name": "bench", "icon": "icon"}, &s); err == nil {
		return unq(s.ID)
	}
	return ""
}

func (t *ours) post(b *Base, d *Deal) []byte {
	tags := make([]string, len(d.Tags))
	for i, tg := range d.Tags {
		tags[i] = b.get("tags." + tagNames[tg])
	}
	v := map[string]any{b.get("d.title"): d.Title, b.get("d.amount"): d.Amount, b.get("d.status"): []string{b.get("status." + d.statusName())},
		b.get("d.created"): d.Created.Format("2006-01-02T15:04:05.000Z"), b.get("d.tags"): tags, b.get("d.note"): d.Note,
		b.get("d.owner"): []any{map[string]string{"catalogId": b.get("people"), "recordId": b.get("person." + strconv.Itoa(d.Owner))}}}
	return rawReq("POST", "/api/v1/catalogs/"+b.get("deals")+"/records", b.Host, b.Hdr, mustJSON(map[string]any{"values": v}))
}

// After adds the two indexes that every server has.
func (t *ours) After(dir string, b *Base, _ []Deal) error {
	if t.pg != "" {
		// what autovacuum does some minutes after a load, at a time of its own
		if err := pgExec(t.pg, database(dir), "VACUUM (ANALYZE)"); err != nil {
			return err
		}
	}
	if !t.own() {
		return nil
	}
	for _, fields := range []string{b.get("d.status") + "," + b.get("d.amount"), b.get("d.created")} {
		c := exec.Command(t.args[0], "indexes", "add", b.get("deals"), fields, "--data", dir)
		c.Env = t.env(dir)
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("add index %s: %v: %s", fields, err, out)
		}
	}
	return nil
}

func (t *ours) Unsupported(s string) string {
	if t.own() && (s == sAggS || s == sAggM) {
		return "values (the breakdown by an axis) are not built yet"
	}
	return ""
}
func (t *ours) Build(b *Base, q *Q) []byte {
	cat := "/api/v1/catalogs/" + b.get("deals")
	p := cat + "/records"
	switch q.S {
	case sGet:
		return rawReq("GET", p+"/"+b.State.IDs[q.Idx], b.Host, b.Hdr, nil)
	case sList:
		f := fmt.Sprintf(`{"%s":["%s"],"%s":{"at":%s,"to":%s}}`, b.get("d.status"), b.get("status."+statuses[q.Status]), b.get("d.amount"), f2(q.Lo), f2(q.Hi))
		return rawReq("GET", p+"?limit=50&offset=0&sortField="+b.get("d.amount")+"&sortType=-1&filters="+esc(f), b.Host, b.Hdr, nil)
	case sSearchR, sSearchC:
		f := fmt.Sprintf(`{"%s":"%s"}`, b.get("d.note"), q.Word)
		return rawReq("GET", p+"?limit=50&offset=0&filters="+esc(f), b.Host, b.Hdr, nil)
	case sExpand:
		// every field, and the owner's name and email inside the relation
		fs := fmt.Sprintf(`[%s,%s,%s,%s,{"fieldId":%s,"fields":{"%s":[%s,%s]}},%s,%s]`, b.get("d.title"), b.get("d.amount"), b.get("d.status"), b.get("d.created"),
			b.get("d.owner"), b.get("people"), b.get("p.name"), b.get("p.email"), b.get("d.tags"), b.get("d.note"))
		return rawReq("GET", fmt.Sprintf("%s?limit=50&offset=%d&sortField=%s&sortType=-1&fields=%s", p, q.Offset, b.get("d.created"), esc(fs)), b.Host, b.Hdr, nil)
	case sDeep:
		return rawReq("GET", fmt.Sprintf("%s?limit=50&offset=%d&sortField=%s&sortType=1", p, q.Offset, b.get("d.created")), b.Host, b.Hdr, nil)
	case sAggS, sAggM:
		ax := b.get("d.status")
		sub := ""
		if q.S == sAggM {
			ax, sub = b.get("d.created"), "&axis%5BsubType%5D=month"
		}
		return rawReq("GET", cat+"/values?value%5Btype%5D=field&value%5Bvalue%5D="+b.get("d.amount")+"&valueFn=sum&axis%5Btype%5D=field&axis%5Bvalue%5D="+ax+sub+"&limit=100", b.Host, b.Hdr, nil)
	case sCreate:
		return t.post(b, &q.Deal)
	case sPatch:
		return rawReq("PATCH", p+"/"+b.State.IDs[q.Idx], b.Host, b.Hdr, []byte(`{"values":{"`+b.get("d.amount")+`":`+f2(q.Amount)+`}}`))
	}
	panic(q.S)
}

// The amount is the only number among a deal's values, whatever its field id.
func (t *ours) Amounts(body []byte) ([]float64, error) {
	type rec struct{ Values map[string]any }
	var rs []rec
	if len(body) > 0 && body[0] == '{' {
		var r rec
		if err := json.Unmarshal(body, &r); err != nil {
			return nil, err
		}
		rs = []rec{r}
	} else if err := json.Unmarshal(body, &rs); err != nil {
		return nil, err
	}
	var o []float64
	for _, r := range rs {
		for _, v := range r.Values {
			if f, ok := v.(float64); ok {
				o = append(o, f)
			}
		}
	}
	return o, nil
}
func (t *ours) Groups(body []byte, s string) ([]float64, error) {
	var l []struct {
		Values []struct{ Value any }
	}
	if err := json.Unmarshal(body, &l); err != nil {
		return nil, err
	}
	var o []float64
	for _, g := range l {
		if len(g.Values) == 0 {
			continue
		}
		f, err := strconv.ParseFloat(fmt.Sprint(g.Values[0].Value), 64)
		if err != nil {
			return nil, err
		}
		if f != 0 {
			o = append(o, f)
		}
	}
	return o, nil
}
