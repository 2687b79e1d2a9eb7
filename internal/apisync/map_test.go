package apisync_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// lines are one line per field of orders, some of them in other formats.
func allLines() []string {
	lines := []string{relation("partner", "partner", "partner", `"relation_output":"object","relation_policy":"upsert"`),
		relation("partners", "partners", "partner", ""), `"field":"any","external_key":"any"`,
		`"external_key":"lines","value_type":"relational_mapping","mapping_config":"line","x2many_mode":"sync"`,
		`"field":"id","external_key":"number","direction":"out"`, `"field":"display_name","external_key":"title","direction":"out"`,
		`"field":"write_date","external_key":"changed","direction":"out"`,
		`"field":"state","external_key":"state","value_map":{"1":"New","2":"Done"}`,
		`"field":"tags","external_key":"marks[].id","options":{"option_format":"id"}`,
		`"field":"moment","external_key":"at.time"`, `"field":"day","external_key":"at.day","format":"%d.%m.%Y"`,
		`"field":"file","external_key":"file","options":{"file_format":"base64"}`}
	for _, f := range []string{
		"name", "note", "mask", "page", "price", "bounded", "done", "stars", "paid", "week", "month", "quarter", "year", "states", "choice",
		"phones", "address", "owner", "owners", "files", "code",
	} {
		lines = append(lines, `"field":"`+f+`","external_key":"`+f+`"`)
	}
	return lines
}

// What GET shows changes nothing when it is sent back: records of random values.
func TestShownRecordsChangeNothing(t *testing.T) {
	eachMapWorld(t, func(t *testing.T, w *mapWorld) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		rnd := rand.New(rand.NewPCG(seed, 1))
		configs := relationConfigs(allLines()...)
		configs["order"] = strings.Replace(configs["order"], `"model"`, `"unknown_keys":"error","model"`, 1)
		c := w.state(configs, "").Compiled("order")
		cities, partners := []query.Record{w.create(w.cities, "name", catalog.Text("Lviv"))}, []query.Record{}
		for i := range 4 {
			links := catalog.Links{{Link: query.Link{Catalog: w.cities.Num, Key: query.Key{Record: cities[0]}}}}
			partners = append(partners, w.create(w.people, "code", catalog.Text(fmt.Sprint("P", i)), "city", links))
		}
		for range 60 {
			n := w.create(w.orders, w.random(rnd, partners, cities)...)
			for i := range rnd.IntN(3) {
				order := catalog.Links{{Link: query.Link{Catalog: w.orders.Num, Key: query.Key{Record: n}}}}
				w.create(w.lines, "sku", catalog.Text(fmt.Sprint("S", i)), "qty", catalog.Number(rnd.Float64()), "order", order)
			}
			shown := w.show(c, n)
			x := w.exchange(c)
			m, err := x.Map(t.Context(), value(t, shown), w.read(c, n, x.Before()), 0)
			if err != nil || m.Changed {
				t.Fatalf("%s\nis sent back: %v, %+v", shown, err, m)
			}
			if again := w.show(c, n); again != shown {
				t.Fatalf("%s\nthen %s", shown, again)
			}
		}
	})
}

// random gives values of all fields, or of some.
func (w *mapWorld) random(rnd *rand.Rand, partners, cities []query.Record) (pairs []any) {
	text := func() catalog.Text {
		return catalog.Text([]string{"a", " b ", "Їжак", `"q"\`, "1.50", "true", "null", "a,b", "%_"}[rnd.IntN(9)])
	}
	date := func() catalog.Time { return catalog.Time(rnd.Int64N(4e12) - 1e12) }
	links := func(c *catalog.Catalog, from []query.Record, most int) (list catalog.Links) {
		for _, i := range rnd.Perm(len(from))[:rnd.IntN(min(most, len(from))+1)] {
			list = append(list, catalog.Link{Link: query.Link{Catalog: c.Num, Key: query.Key{Record: from[i]}}})
		}
		return list
	}
	address := catalog.Address{Value: string(text()), Data: []byte(`{"x":[1.50]}`)}
	file := func() catalog.File {
		return catalog.File{URL: "https://a.example/" + fmt.Sprint(rnd.IntN(9)), Title: string(text()), Storage: catalog.Elsewhere}
	}
	all := []any{
		"name", text(), "note", text() + "\n" + text(), "mask", catalog.Text("123"), "page", catalog.Text("<p>a</p>"),
		"price", catalog.Number((rnd.Float64() - 0.5) * 1e9), "bounded", catalog.Number(rnd.IntN(1000)), "done", catalog.Number(rnd.IntN(100)),
		"stars", catalog.Whole(rnd.IntN(6)), "paid", catalog.Bool(rnd.IntN(2) == 0), "day", date(), "moment", date(), "week", date(),
		"month", date(), "quarter", date(), "year", date(), "state", catalog.Items{query.Item(1 + rnd.IntN(3))}, "states", catalog.Items{3, 1},
		"choice", catalog.Items{1}, "tags", catalog.Items{1, 3}, "phones", catalog.Contacts{{Contact: "1", Comment: "x"}, {Contact: "2"}},
		"address", address, "owner", links(&catalog.Catalog{Num: catalog.Employees}, []query.Record{1}, 1),
		"owners", links(&catalog.Catalog{Num: catalog.Employees}, []query.Record{1}, 1), "partner", links(w.people, partners, 1),
		"partners", links(w.people, partners, 4), "any", append(links(w.people, partners, 2), links(w.cities, cities, 1)...),
		"file", catalog.Files{file()}, "files", catalog.Files{file(), file()}, "code", text(),
	}
	for i := 0; i < len(all); i += 2 {
		if rnd.IntN(4) > 0 {
			pairs = append(pairs, all[i], all[i+1])
		}
	}
	return pairs
}

// A file that an item brings is kept and shown; its content comes back.
func TestFiles(t *testing.T) {
	w := oneMapWorld(t)
	c := w.config("orders", `"field":"file","external_key":"f","options":{"file_format":"base64"}`, `"field":"files","external_key":"l"`)
	content := base64.StdEncoding.EncodeToString([]byte("hello"))
	n, err := w.post(c, `{"f":{"name":"a.txt","content":"`+content+`"},"l":[{"name":"b.txt","content":"`+content+`"},{"src":"https://a.example/c"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	shown := w.show(c, n)
	for _, part := range []string{`"name":"a.txt","size":5,"mime_type":"text/plain`, `"content":"` + content + `"`, `"name":"b.txt"`,
		`"url":"https://host.example/`, `"url":"https://a.example/c"`} {
		if !strings.Contains(shown, part) {
			t.Errorf("%s lacks %s", shown, part)
		}
	}
	if changed, err := w.put(c, n, shown); changed || err != nil {
		t.Errorf("what was shown changes it: %v", err)
	}
	list := strings.Repeat(`{"name":"x","content":"AA=="},`, 10) + `{"name":"x","content":"AA=="}`
	if _, err := w.post(c, `{"l":[`+list+`]}`); told(err) != "VALIDATION_ERROR l[10]=TOO_MANY" {
		t.Errorf("eleven files: %v", err)
	}
	x := w.exchange(c)
	x.Dry = true
	m, err := x.Map(t.Context(), value(t, `{"f":{"name":"a.txt","content":"`+content+`"}}`), nil, 0)
	if err != nil || m.Keys != 1 {
		t.Errorf("dry: %+v, %v", m, err)
	}
}

func TestItems(t *testing.T) {
	tests := []struct {
		name, config string
		before       bool
		item, fails  string
		keys, values int
	}{
		{"all wrong fields at once", "", false, `{"n":[],"p":"x","s":"Gone","g":1}`,
			"VALIDATION_ERROR n=TYPE_MISMATCH p=TYPE_MISMATCH s=NOT_IN_LIST", 0, 0},
		{"required is absent", "", false, `{}`, "VALIDATION_ERROR n=REQUIRED", 0, 0},
		{"required may be absent of a change", "", true, `{"p":2}`, "", 1, 1},
		{"required may not be emptied", "", true, `{"n":null}`, "VALIDATION_ERROR n=REQUIRED", 0, 0},
		{"keys are counted", "", false, `{"n":"x","p":1,"other":2}`, "", 2, 2},
		{"a default", "", false, `{"n":"x"}`, "", 1, 2},
		{"no default for a change", "", true, `{"n":"y"}`, "", 1, 1},
		{"nothing differs", "", true, `{"n":"x","p":1.0}`, "", 2, 0},
		{"read-only", "", false, `{"n":"x","made":"2026-01-01"}`, "VALIDATION_ERROR made=READ_ONLY", 0, 0},
		{"unknown keys are ignored", "", false, `{"n":"x","z":1}`, "", 1, 2},
		{"unknown keys", `"unknown_keys":"error",`, false, `{"n":"x","z":1,"id":5,"d":{"e":1,"f":2}}`,
			"VALIDATION_ERROR z=UNKNOWN_KEY id=UNKNOWN_KEY d.f=UNKNOWN_KEY", 0, 0},
		{"unknown keys and what was shown", `"unknown_keys":"error",`, true, `{"n":"y","id":ID}`, "", 1, 1},
		{"archived without a switch", "", true, `{"n":"y","active":false}`, "VALIDATION_ERROR active=READ_ONLY", 0, 0},
		{"active without a switch", "", true, `{"n":"y","active":true}`, "", 2, 1},
		{"a line without its field", "", true, `{"gone":1}`, "CONFIG_ERROR", 0, 0},
		{"a script", "", true, `{"py":1}`, "CONFIG_ERROR", 0, 0},
		{"a dotted field", "", true, `{"dotted":1}`, "CONFIG_ERROR", 0, 0},
	}
	w := oneMapWorld(t)
	lines := []string{
		`"field":"name","external_key":"n","required":true`, `"field":"price","external_key":"p","default":7`, `"field":"state","external_key":"s"`,
		`"field":"create_date","external_key":"made","direction":"in"`, `"field":"note","external_key":"d.e"`, `"field":"active","external_key":"active"`,
		`"field":"nothing","external_key":"gone","direction":"in"`,
		`"field":"partner.name","external_key":"dotted","direction":"in"`,
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			own := append([]string{}, lines...)
			if test.name == "a script" {
				own = append(own, `"field":"code","external_key":"py","value_type":"python_plain","script":"1"`)
			}
			c := w.state(map[string]string{"c": strings.Replace(configOf("orders", own...), `"model"`, test.config+`"model"`, 1)}, "").Compiled("c")
			n := w.create(w.orders, "name", catalog.Text("x"), "price", catalog.Number(1))
			x := w.exchange(c)
			var before *catalog.Rows
			if test.before {
				before = w.read(c, n, x.Before())
			}
			item := strings.Replace(test.item, "ID", literalID(n), 1)
			m, err := x.Map(t.Context(), value(t, item), before, 0)
			if told(err) != test.fails {
				t.Fatalf("got %s (%v), want %s", told(err), err, test.fails)
			}
			if err != nil {
				return
			}
			if m.Keys != test.keys || len(m.Values) != test.values || m.Changed != (!test.before || test.values > 0) {
				t.Errorf("%d keys, values %v, changed %v", m.Keys, m.Values, m.Changed)
			}
		})
	}
}

// The switch that settings name is the field active.
func TestActive(t *testing.T) {
	w := oneMapWorld(t)
	c := w.state(map[string]string{"c": configOf("orders", `"field":"active","external_key":"a"`)}, `{"active_fields":{"orders":"paid"}}`).Compiled("c")
	n, err := w.post(c, `{"a":true}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.put(c, n, `{"a":false}`); err != nil || w.show(c, n) != `{"id":`+literalID(n)+`,"a":false}` {
		t.Errorf("%s, %v", w.show(c, n), err)
	}
}

// A mapping config that leads to itself ends.
func TestCyclicMappings(t *testing.T) {
	w := oneMapWorld(t)
	configs := map[string]string{
		"order": configOf("orders", `"field":"code","external_key":"code","is_record_identifier":true`,
			`"external_key":"lines","value_type":"relational_mapping","mapping_config":"line"`),
		"line": configOf("lines", `"field":"sku","external_key":"sku"`, relation("order", "order", "order", `"relation_output":"object","relation_policy":"create"`)),
	}
	c := w.state(configs, "").Compiled("order")
	n, err := w.post(c, `{"code":"A","lines":[{"sku":"a"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	shown := w.show(c, n)
	if strings.Count(shown, `"sku"`) > 4 || !strings.HasPrefix(shown, `{"id":`) || !strings.Contains(shown, `"order":{"code":"A"`) {
		t.Errorf("shown as %s", shown)
	}
	deep := strings.Repeat(`{"code":"B","lines":[{"sku":"b","order":`, 8) + `null` + strings.Repeat(`}]}`, 8)
	if _, err := w.post(c, deep); told(err) != "CONFIG_ERROR" {
		t.Errorf("deep: %v", err)
	}
}

// Random JSON into lines of all kinds: a refusal is one that the caller can mend.
func FuzzMapping(f *testing.F) {
	for _, s := range []string{
		`{"partner":{"code":"P1","rating":1,"address":{"city":"L"}},"partners":["a",{"code":"b"}],"lines":[{"sku":"a","qty":2}],"marks":[{"id":"1"}]}`,
		`{"name":"a","state":1,"at":{"time":"2026-01-01","day":"01.02.2026"},"owner":"ada","any":[{"catalog":"cities","id":1}]}`,
		`{"file":{"name":"a","content":"AA=="},"files":[{"src":"https://a.example/b"}],"phones":[{"contact":"1"}],"price":1e300,"stars":-0}`,
		`[]`, `null`, `{"id":1,"":2,"marks":null,"lines":[[]]}`,
	} {
		f.Add(s)
	}
	w := fuzzWorld(f)
	c := w.state(relationConfigs(allLines()...), "").Compiled("order")
	n := w.create(w.orders, "name", catalog.Text("x"), "code", catalog.Text("y"))
	f.Fuzz(func(t *testing.T, json string) {
		item, err := tree.ParseJSON([]byte(json), tree.Limits{})
		if err != nil {
			return
		}
		w := *w
		w.TB = t
		for _, before := range []bool{false, true} {
			x := w.exchange(c)
			x.Dry = true
			var rows *catalog.Rows
			if before {
				rows = w.read(c, n, x.Before())
			}
			err := x.Prefetch(t.Context(), []tree.Value{item})
			if err == nil {
				_, err = x.Map(t.Context(), item, rows, 0)
			}
			var refused *apisync.Error
			if err != nil && (!errors.As(err, &refused) || refused.Status >= 500 && refused.Code != "CONFIG_ERROR") {
				t.Fatalf("%s: %v", json, err)
			}
		}
	})
}

// A text takes the place of the first contact; the others stay.
func TestFirstContact(t *testing.T) {
	w := oneMapWorld(t)
	c := w.config("orders", `"field":"phones","external_key":"p"`)
	n := w.create(w.orders, "phones", catalog.Contacts{{Contact: "1", Comment: "x"}, {Contact: "2", Comment: "y"}})
	if changed, err := w.put(c, n, `{"p":"9"}`); !changed || err != nil {
		t.Fatal(changed, err)
	}
	f := w.orders.FieldByKey("phones")
	rows := w.read(c, n, &catalog.Selection{Fields: []*catalog.Field{f}})
	got := fmt.Sprint(catalog.CellValue(f, rows.Page, rows.Page.Cell(0, 0)))
	if got != "[{1 9 } {2 2 y}]" {
		t.Errorf("contacts are %s", got)
	}
}
