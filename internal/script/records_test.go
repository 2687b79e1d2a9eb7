//go:build linux

package script

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// memoryHost keeps records of two models in memory: enough to try what the language
// layer makes of them. It knows nothing of rights.
type memoryHost struct {
	t      *testing.T
	fields map[string]map[string]map[string]any
	rows   map[string]map[int]map[string]any
	next   int
	calls  []string
	posted []string
}

func newMemoryHost(t *testing.T) *memoryHost {
	return &memoryHost{t: t, next: 100,
		fields: map[string]map[string]map[string]any{
			"res.partner": {
				"id": {"type": "integer"}, "name": {"type": "char"}, "city": {"type": "char"}, "active": {"type": "boolean"}, "born": {"type": "date"},
				"seen": {"type": "datetime"}, "parent_id": {"type": "many2one", "relation": "res.partner"}, "child_ids": {"type": "one2many", "relation": "res.partner"},
				"country_id": {"type": "many2one", "relation": "res.country"}, "debt": {"type": "float"},
			},
			"res.country": {"id": {"type": "integer"}, "name": {"type": "char"}, "code": {"type": "char"}},
			"res.users":   {"id": {"type": "integer"}, "name": {"type": "char"}},
		},
		rows: map[string]map[int]map[string]any{
			"res.partner": {
				1: {"name": "Ann", "city": "Lviv", "active": true, "born": "1990-05-21", "seen": "2024-01-02T03:04:05Z", "country_id": []any{1, "Ukraine"}, "child_ids": []int{2, 3}, "debt": 5.5},
				2: {"name": "Bob", "city": "Odesa", "active": false, "parent_id": 1, "debt": 1.5},
				3: {"name": "Cid", "city": "Lviv", "active": true, "parent_id": 1, "country_id": 2, "debt": 0},
			},
			"res.country": {1: {"name": "Ukraine", "code": "UA"}, 2: {"name": "Poland", "code": "PL"}},
			"res.users":   {7: {"name": "Operator"}},
		}}
}

type hostArgs struct {
	Model, Name, Code, Body, Method string
	IDs                             []int
	Fields                          []string
	Domain                          []json.RawMessage
	Offset                          int
	Limit                           *int
	Order                           *string
	Values                          json.RawMessage
	Args                            []any
	Context                         map[string]any
}

func (h *memoryHost) Call(_ context.Context, c Call) (json.RawMessage, error) {
	h.calls = append(h.calls, c.Method)
	var a hostArgs
	if err := json.Unmarshal(c.Args, &a); err != nil {
		return nil, err
	}
	if a.Model != "" && h.fields[a.Model] == nil {
		return nil, Raise("KeyError", a.Model)
	}
	answer, err := h.answer(c.Method, &a)
	if err != nil {
		return nil, err
	}
	return encode(h.t, answer), nil
}

func (h *memoryHost) answer(method string, a *hostArgs) (any, error) {
	rows := h.rows[a.Model]
	switch method {
	case "fields":
		return map[string]any{"fields": h.fields[a.Model], "methods": []string{"clean_phone"}}, nil
	case "search", "search_count":
		ids := h.matching(a)
		if method == "search_count" {
			return len(ids), nil
		}
		ids = ids[min(a.Offset, len(ids)):]
		return append([]int{}, ids[:min(*a.Limit, len(ids))]...), nil
	case "name_search":
		return []any{[]any{1, a.Name}}, nil
	case "exists":
		return slices.DeleteFunc(append([]int{}, a.IDs...), func(id int) bool { return rows[id] == nil }), nil
	case "read":
		return h.read(a), nil
	case "create":
		return h.create(a)
	case "write":
		var values map[string]any
		if err := json.Unmarshal(a.Values, &values); err != nil {
			return nil, err
		}
		for _, id := range a.IDs {
			maps.Copy(rows[id], values)
		}
		return true, nil
	case "unlink":
		for _, id := range a.IDs {
			delete(rows, id)
		}
		return true, nil
	case "message_post":
		h.posted = append(h.posted, a.Body)
		return true, nil
	case "call":
		return strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, a.Args[0].(string)), nil
	case "user":
		return map[string]any{"model": "res.users", "ids": []int{7}}, nil
	case "ref":
		if a.Code == "base.ua" {
			return map[string]any{"model": "res.country", "ids": []int{1}}, nil
		}
		return nil, nil
	}
	return nil, Raise("UserError", "no "+method)
}

// matching understands [field, =, value] and [id, in, ids], joined by and.
func (h *memoryHost) matching(a *hostArgs) []int {
	ids := slices.Sorted(maps.Keys(h.rows[a.Model]))
	for _, raw := range a.Domain {
		var term []any
		if json.Unmarshal(raw, &term) != nil {
			continue // an operator: only "&" is used
		}
		field, operator, want := term[0].(string), term[1].(string), term[2]
		ids = slices.DeleteFunc(ids, func(id int) bool {
			if operator == "in" {
				return !slices.Contains(want.([]any), any(float64(id)))
			}
			return h.rows[a.Model][id][field] != want
		})
	}
	if a.Order != nil && *a.Order == "name desc" {
		slices.SortFunc(ids, func(x, y int) int {
			return -cmp.Compare(h.rows[a.Model][x]["name"].(string), h.rows[a.Model][y]["name"].(string))
		})
	}
	return ids
}

func (h *memoryHost) read(a *hostArgs) any {
	found := []map[string]any{}
	for _, id := range a.IDs {
		row := h.rows[a.Model][id]
		if row == nil {
			continue
		}
		out := map[string]any{"id": id, "display_name": row["name"]}
		names := a.Fields
		if names == nil {
			names = slices.Collect(maps.Keys(h.fields[a.Model]))
		}
		for _, n := range names {
			if n != "id" && n != "display_name" {
				out[n] = row[n]
			}
		}
		found = append(found, out)
	}
	return found
}

func (h *memoryHost) create(a *hostArgs) (any, error) {
	var values []map[string]any
	if err := json.Unmarshal(a.Values, &values); err != nil {
		return nil, err
	}
	ids := []int{}
	for _, v := range values {
		if v["name"] == nil {
			return nil, Raise("ValidationError", "a name is wanted")
		}
		h.next++
		h.rows[a.Model][h.next] = v
		ids = append(ids, h.next)
	}
	return ids, nil
}

// TestRecords: env and recordsets, as the documented examples use them.
func TestRecords(t *testing.T) {
	e := engine(t)
	for _, c := range []struct{ name, source, want string }{
		{"search", "env['res.partner'].search([('city', '=', 'Lviv')]).ids", "[1,3]"},
		{"search one", "p = env['res.partner'].search([('name', '=', 'Ann')], limit=1)\np.id, p.name, p['city'], p._name, len(p), bool(p)", `[1,"Ann","Lviv","res.partner",1,true]`},
		{"search nothing", "p = env['res.partner'].search([('name', '=', 'Zoe')], limit=1)\np.id, p.name, bool(p), p.parent_id.name, p.ids, p.born", `[false,false,false,false,[],false]`},
		{"order, offset, count", "m = env['res.partner']\nm.search([], order='name desc', offset=1).ids, m.search_count([]), m.search([], count=True)", "[[2,1],3,3]"},
		{"search_read", "env['res.partner'].search_read([('id', 'in', [2])], ['name'])[0]['name']", `"Bob"`},
		{"name_search", "env['res.partner'].name_search('An')", `[[1,"An"]]`},
		{"browse", "env['res.partner'].browse([1, 2]).mapped('name')", `["Ann","Bob"]`},
		{"read", "env['res.partner'].browse(1).read()[0]['born'].year, env['res.partner'].browse(1).read(['country_id'])[0]['country_id']", `[1990,[1,"Ukraine"]]`},
		{"relations", "p = env['res.partner'].browse(2)\np.parent_id.name, p.parent_id.country_id.code, p.country_id.name, p.parent_id.child_ids.mapped('name'), p.mapped('parent_id.child_ids').ids",
			`["Ann","UA",false,["Bob","Cid"],[2,3]]`},
		{"types", "p = env['res.partner'].browse(1)\nisinstance(p.born, date), p.seen.hour, p.active, p.debt + 1, p.display_name", `[true,3,true,6.5,"Ann"]`},
		{"fields", "p = env['res.partner'].browse(1)\n'name' in p._fields, 'nope' in p._fields, sorted(p._fields.keys())[0], p._fields['parent_id'].comodel_name, p.fields_get()['born']['type'], 'name' in p",
			`[true,false,"active","res.partner","date",true]`},
		{"filtered", "a = env['res.partner'].search([])\na.filtered('active').ids, a.filtered(lambda r: r.debt > 1).ids, a.filtered('parent_id.active').ids, a.filtered_domain([('city', '=', 'Lviv')]).ids", "[[1,3],[1,2],[2,3],[1,3]]"},
		{"sorted and grouped", "a = env['res.partner'].search([])\na.sorted('debt').ids, a.sorted(lambda r: r.name, reverse=True).ids, {k: v.ids for k, v in a.grouped('city').items()}", `[[3,2,1],[3,2,1],{"Lviv":[1,3],"Odesa":[2]}]`},
		{"operators", "m = env['res.partner']\na, b = m.browse([1, 2]), m.browse([2, 3])\n(a | b).ids, (a & b).ids, (a - b).ids, (a + b).ids, a == m.browse([2, 1]), a[0] in b, a[1] in b, a[0].id, a[:1].ids, [r.id for r in a], a != b, len({a, m.browse([2, 1])})",
			"[[1,2,3],[2],[1],[1,2,2,3],true,false,true,1,[1],[1,2],true,1]"},
		{"create and write", "p = env['res.partner'].create({'name': 'Dan', 'parent_id': env['res.partner'].browse(1), 'born': date(2000, 1, 2)})\np.city = 'Kyiv'\np.write({'debt': 3})\np.id, p.city, p.debt, p.born.year, p.parent_id.name",
			`[101,"Kyiv",3,2000,"Ann"]`},
		{"create many", "env['res.partner'].create([{'name': 'X'}, {'name': 'Y'}]).mapped('name')", `["X","Y"]`},
		{"unlink and exists", "p = env['res.partner'].browse([1, 2])\np[0].unlink()\np.exists().ids", "[2]"},
		{"commands", "Command.create({'a': 1}), Command.update(1, {}), Command.delete(1), Command.unlink(1), Command.link(1), Command.clear(), Command.set([1])",
			`[[0,0,{"a":1}],[1,1,{}],[2,1,0],[3,1,0],[4,1,0],[5,0,0],[6,0,[1]]]`},
		{"fields module", "fields.Datetime.to_string(datetime(2024, 1, 2)), fields.Date.from_string('2024-01-02').day, fields.Datetime.now().year > 2000, fields.Date.today().year > 2000", `["2024-01-02 00:00:00",2,true,true]`},
		{"users and refs", "env.user.name, env.uid, env.ref('base.ua').name, env.ref('nope', raise_if_not_found=False), env.cr.commit(), env.context.get('lang'), 'res.partner' in env, 'nope' in env",
			`["Operator",7,"Ukraine",null,null,"uk_UA",true,false]`},
		{"context", "r = env['res.partner'].with_context(x=1)\nr.env.context['x'], 'x' in env.context, r.sudo()._name", `[1,false,"res.partner"]`},
		{"own names of a run", "r = env['res.partner'].browse(1)\nr.flattened = 'x'\nr.flattened, env['res.partner'].browse(1).flattened", `["x","x"]`},
		{"own methods", "env['res.partner'].browse(1).clean_phone('+38 (044)')", `"38044"`},
		{"messages", "env['res.partner'].browse(1).message_post(body='Hello')", "true"},
		{"given records", "record.name, records.mapped('city'), model._name, record.id, old_values['name'], len(model)", `["Overlaid",["Kyiv"],"res.partner",1,"Ann",0]`},
		{"truth and loops", "n = 0\nfor p in env['res.partner'].search([]):\n  if p.parent_id: n += 1\nn", "2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newMemoryHost(t)
			req := request(c.source)
			req.Context = map[string]json.RawMessage{"lang": json.RawMessage(`"uk_UA"`)}
			req.Items[0] = inputs(t, "old_values", map[string]string{"name": "Ann"})
			one := Ref{Model: "res.partner", IDs: []json.RawMessage{json.RawMessage("1")}}
			overlaid := one
			overlaid.Values = []json.RawMessage{json.RawMessage(`{"id":1,"name":"Overlaid","city":"Kyiv"}`)}
			req.Items[0].Records = map[string]Ref{}
			if c.name == "given records" {
				req.Items[0].Records = map[string]Ref{"record": overlaid, "records": one, "model": {Model: "res.partner", IDs: []json.RawMessage{}}}
			}
			if got := valueOf(t, run(t, e, h, req)); got != c.want {
				t.Errorf("it gives %s", got)
			}
			if c.name == "messages" && !slices.Equal(h.posted, []string{"Hello"}) {
				t.Errorf("posted: %v", h.posted)
			}
		})
	}
}

// TestLibraries: functions of a model's library are methods of its records.
func TestLibraries(t *testing.T) {
	e := engine(t)
	library := Library{"res.partner", "phones", "import re\nkept = []\ndef digits(x):\n  return re.sub(r'\\D', '', x)\ndef first(self, n=1):\n  return self.name[:n]\ndef of(record):\n  kept.append(record.id)\n  return len(kept), digits('+' + str(record.debt)), env['res.partner'].browse(2).name\ndef bad(x):\n  raise ValueError('bad ' + x)"}
	for source, want := range map[string]string{
		"p = env['res.partner'].browse(1)\np.digits('+38 (044)'), p.first(), p.first(n=2), p.of(), p.name": `["38044","A","An",[1,"55","Bob"],"Ann"]`,
		"env['res.partner'].digits('a1')":                 `"1"`,
		"hasattr(env['res.country'].browse(1), 'digits')": `false`,
		"hasattr(env['res.partner'].browse(1), 're')":     `false`,
	} {
		req := request(source)
		req.Libraries = []Library{library}
		req.Items = make([]Item, 2) // neither sees what the other kept
		results, err := e.Run(t.Context(), newMemoryHost(t), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if got := valueOf(t, r); got != want {
				t.Errorf("%s gives %s", source, got)
			}
		}
	}
	req := request("\nenv['res.partner'].bad('x')")
	req.Libraries = []Library{library}
	if err := failed(t, run(t, e, newMemoryHost(t), req)); err.Kind != KindUser || err.Message != "bad x" || err.Line != 2 {
		t.Errorf("it fails with %v", err)
	}
	req.Libraries[0].Source = "def"
	if err := failed(t, run(t, e, newMemoryHost(t), req)); err.Kind != KindSource {
		t.Errorf("a library that cannot be read: %v", err)
	}
}

// TestRecordErrors: what env refuses, and as which error.
func TestRecordErrors(t *testing.T) {
	e := engine(t)
	for source, want := range map[string]string{
		"env['no.model']":                                                     "KeyError: 'no.model'",
		"env['res.partner'].browse(1).nope":                                   "AttributeError: 'res.partner' has no attribute 'nope'",
		"env['res.partner'].browse(1)['nope']":                                "KeyError: \"'res.partner' has no attribute 'nope'\"",
		"env['res.partner'].browse([1, 2]).name":                              "ValueError: Expected singleton: res.partner(1, 2)",
		"env['res.partner'].browse(99).name":                                  "MissingError: Record does not exist or has been deleted: res.partner(99,)",
		"env['res.partner'].create({'city': 1})":                              "ValidationError: a name is wanted",
		"env['res.partner'].browse(1).with_delay":                             "AttributeError: 'res.partner' has no attribute 'with_delay': pushes are queued by themselves",
		"env.ref('nope')":                                                     "ValueError: External ID not found in the system: nope",
		"env['res.partner'].browse(1) | env['res.country'].browse(1)":         "TypeError: records of res.partner cannot be put together with res.country(1,)",
		"env['res.partner'].browse(1).id = 5":                                 "AttributeError: id cannot be set",
		"env['res.partner'].write({'name': json})\nenv['res.partner'].copy()": "ValueError: Expected singleton: res.partner()",
		"env['res.partner'].browse(1).write({'name': json})":                  "TypeError: a value of type Module cannot leave the script",
		"env.company": "UserError: no company",
	} {
		err := failed(t, run(t, e, newMemoryHost(t), request(source)))
		if got := err.Type + ": " + err.Message; got != want {
			t.Errorf("%s fails with %s", source, got)
		}
	}
}

// TestPrefetch: a loop over records costs one call per field, not one per record.
func TestPrefetch(t *testing.T) {
	e := engine(t)
	h := newMemoryHost(t)
	req := request("[(p.name, p.city) for p in env['res.partner'].search([])]")
	if got := valueOf(t, run(t, e, h, req)); got != `[["Ann","Lviv"],["Bob","Odesa"],["Cid","Lviv"]]` {
		t.Errorf("it gives %s", got)
	}
	if !slices.Equal(h.calls, []string{"fields", "search", "read", "read"}) {
		t.Errorf("calls: %v", h.calls)
	}
	h.calls = nil
	valueOf(t, run(t, e, h, request("p = env['res.partner'].browse(1)\np.name, p.city, p.debt")))
	if !slices.Equal(h.calls, []string{"fields", "read"}) {
		t.Errorf("calls for one record: %v", h.calls)
	}
}

// TestRequests: the module asks the host, if the script may.
func TestRequests(t *testing.T) {
	e := engine(t)
	var asked []string
	host := hostFunc(func(_ context.Context, c Call) (json.RawMessage, error) {
		asked = append(asked, string(c.Args))
		if strings.Contains(string(c.Args), "refused") {
			return nil, Raise("ConnectionError", "refused leads to a private network")
		}
		return json.RawMessage(`{"status":404,"reason":"Not Found","url":"u","headers":{"Content-Type":"application/json"},"body":"eyJhIjoxfQ=="}`), nil
	})
	source := `
import requests
r = requests.post('https://a.example/x', params={'q': 'a b'}, json={'n': 1}, headers={'X': 'y'}, auth=('u', 'p'), timeout=5)
try: r.raise_for_status()
except requests.exceptions.HTTPError as error: text = str(error)
try: requests.get('https://refused.example')
except requests.ConnectionError as error: refused = str(error)
r.status_code, r.ok, r.json()['a'], r.text, r.headers['content-type'], text, refused`
	req := request(source)
	req.AllowHTTP = true
	want := `[404,false,1,"{\"a\":1}","application/json","404 Not Found for url: u","refused leads to a private network"]`
	if got := valueOf(t, run(t, e, host, req)); got != want {
		t.Errorf("it gives %s", got)
	}
	want = `{"method":"POST","url":"https://a.example/x?q=a+b","headers":{"X":"y","Content-Type":"application/json","Authorization":"Basic dTpw"},"timeout":5,"body":"eyJuIjogMX0="}`
	if asked[0] != want {
		t.Errorf("asked: %s", asked[0])
	}
	req = request("import requests\nfor n in range(9): requests.get('https://a.example')")
	req.AllowHTTP = true
	asked = nil
	if err := failed(t, run(t, e, host, req)); err.Type != "ConnectionError" || len(asked) != httpCalls {
		t.Errorf("many calls: %v, %d were made", err, len(asked))
	}
	asked = nil // without the right to, also past the module
	err := failed(t, run(t, e, host, request("env._run.call('http', {'url': 'https://a.example'})")))
	if err.Type != "RuntimeError" || len(asked) != 0 {
		t.Errorf("a forged call: %v, %d were made", err, len(asked))
	}
}
