package apisync_test

import (
	"testing"

	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// configs of the world with relations: orders link partners, partners link cities, lines
// link orders.
func relationConfigs(order ...string) map[string]string {
	partner := func(policy string) string {
		return configOf("partners", `"field":"code","external_key":"code","is_record_identifier":true`,
			`"field":"name","external_key":"name"`, `"field":"rating","external_key":"rating"`,
			`"field":"city","external_key":"address.city","value_type":"relational_mapping","mapping_config":"city","relation_policy":"`+policy+`"`)
	}
	return map[string]string{
		"order":    configOf("orders", order...),
		"partner":  partner("create"),
		"strict":   partner("link"),
		"city":     configOf("cities", `"field":"name","external_key":"name","is_record_identifier":true`, `"field":"zip","external_key":"zip"`),
		"nameless": configOf("partners", `"field":"name","external_key":"name"`),
		"line": configOf("lines", `"field":"sku","external_key":"sku","is_record_identifier":true`,
			`"field":"qty","external_key":"qty"`, `"field":"name","external_key":"name"`),
	}
}

func relation(key, field, config, more string) string {
	if more != "" {
		more = "," + more
	}
	return `"field":"` + field + `","external_key":"` + key + `","value_type":"relational_mapping","mapping_config":"` + config + `"` + more
}

func (w *mapWorld) count(c *catalog.Catalog) int64 {
	w.Helper()
	rows, err := w.s.Records(w.Context(), mapBoss, c.Num, query.Query{WithTotal: true}, &catalog.Selection{Fields: []*catalog.Field{}})
	if err != nil {
		w.Fatal(err)
	}
	return rows.Total
}

// step is one request to an endpoint of orders, and what is there after it.
type step struct {
	put, in  string // put: "" makes a record
	fails    string
	same     bool // nothing changes
	show     string
	partners int64
}

func TestRelations(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		steps []step
	}{
		{"identifier of one", []string{relation("p", "partner", "partner", "")}, []step{
			{in: `{"p":"P1"}`, show: `{"p":"P1"}`, partners: 3},
			{put: "x", in: `{"p":"P1"}`, same: true, show: `{"p":"P1"}`, partners: 3},
			{put: "x", in: `{"p":{"code":"P2"}}`, show: `{"p":"P2"}`, partners: 3},
			{put: "x", in: `{"p":"P9"}`, fails: `RELATION_NOT_FOUND p=RELATION_NOT_FOUND`},
			{put: "x", in: `{"p":"twin"}`, fails: `RELATION_AMBIGUOUS p=RELATION_AMBIGUOUS`},
			{put: "x", in: `{"p":true}`, same: false, fails: `RELATION_NOT_FOUND p=RELATION_NOT_FOUND`},
			{put: "x", in: `{"p":["P1","P2"]}`, fails: `VALIDATION_ERROR p=TOO_MANY`},
			{put: "x", in: `{"p":{"name":"A"}}`, fails: `RELATION_NOT_FOUND p=RELATION_NOT_FOUND`},
			{put: "x", in: `{"p":{"code":[]}}`, fails: `VALIDATION_ERROR p.code=TYPE_MISMATCH`},
			{put: "x", in: `{"p":null}`, show: `{"p":null}`, partners: 3},
		}},
		{"one is made", []string{relation("p", "partner", "partner", `"relation_policy":"create","relation_output":"object"`)}, []step{
			{in: `{"p":{"code":"P9","name":"New","address":{"city":"Rivne"}}}`, partners: 4,
				show: `{"p":{"code":"P9","name":"New","rating":null,"address":{"city":"Rivne"}}}`},
			{put: "x", in: `{"p":{"code":"P9","name":"Newer"}}`, same: true, partners: 4,
				show: `{"p":{"code":"P9","name":"New","rating":null,"address":{"city":"Rivne"}}}`},
			{put: "x", in: `{"p":"P10"}`, partners: 5, show: `{"p":{"code":"P10","name":null,"rating":null,"address":{"city":null}}}`},
			{put: "x", in: `{"p":{"code":"P11","rating":"much"}}`, fails: `VALIDATION_ERROR p.rating=TYPE_MISMATCH`},
		}},
		{"one is changed", []string{relation("p", "partner", "partner", `"relation_policy":"upsert","relation_output":"object"`)}, []step{
			{in: `{"p":{"code":"P1","rating":5}}`, partners: 3, show: `{"p":{"code":"P1","name":"One","rating":5,"address":{"city":"Lviv"}}}`},
			{put: "x", in: `{"p":{"code":"P1","name":"One","rating":5,"address":{"city":"Lviv"}}}`, same: true, partners: 3,
				show: `{"p":{"code":"P1","name":"One","rating":5,"address":{"city":"Lviv"}}}`},
			{put: "x", in: `{"p":{"code":"P1","rating":5.0}}`, same: true, partners: 3,
				show: `{"p":{"code":"P1","name":"One","rating":5,"address":{"city":"Lviv"}}}`},
			{put: "x", in: `{"p":{"code":"P1","rating":6}}`, partners: 3, show: `{"p":{"code":"P1","name":"One","rating":6,"address":{"city":"Lviv"}}}`},
			{put: "x", in: `{"p":{"code":"P8","name":"Eight"}}`, partners: 4, show: `{"p":{"code":"P8","name":"Eight","rating":null,"address":{"city":null}}}`},
		}},
		{"without an identifier", []string{relation("p", "partner", "nameless", "")}, []step{
			{in: `{"p":{"name":"A"}}`, partners: 4, show: `{"p":{"name":"A"}}`},
			{put: "x", in: `{"p":{"name":"A"}}`, same: true, partners: 4, show: `{"p":{"name":"A"}}`},
			{put: "x", in: `{"p":"A"}`, fails: `VALIDATION_ERROR p=TYPE_MISMATCH`},
		}},
		{"several", []string{relation("p", "partners", "partner", "")}, []step{
			{in: `{"p":["P2",{"code":"P1"}]}`, show: `{"p":["P2","P1"]}`, partners: 3},
			{put: "x", in: `{"p":["P2","P1"]}`, same: true, show: `{"p":["P2","P1"]}`, partners: 3},
			{put: "x", in: `{"p":"P1"}`, show: `{"p":["P1"]}`, partners: 3},
			{put: "x", in: `{"p":["P1","Q9","Q8"]}`, fails: `RELATION_NOT_FOUND p[1]=RELATION_NOT_FOUND p[2]=RELATION_NOT_FOUND`},
			{put: "x", in: `{"p":[]}`, show: `{"p":[]}`, partners: 3},
		}},
		{"several are added", []string{relation("p", "partners", "partner", `"x2many_mode":"append"`)}, []step{
			{in: `{"p":["P2"]}`, show: `{"p":["P2"]}`, partners: 3},
			{put: "x", in: `{"p":["P1","P2"]}`, show: `{"p":["P2","P1"]}`, partners: 3},
		}},
		{"ids and names", []string{relation("p", "partner", "partner", `"relation_output":"name"`), `"field":"partners","external_key":"q"`}, []step{
			{in: `{"p":"P1","q":[1,"2"]}`, show: `{"p":"One","q":[1,2]}`, partners: 3},
			{put: "x", in: `{"q":[1,2]}`, same: true, show: `{"p":"One","q":[1,2]}`, partners: 3},
		}},
		{"of several catalogs", []string{`"field":"any","external_key":"q"`}, []step{
			{in: `{"q":[{"catalog":"partners","id":1},{"catalogId":"cities","recordId":"1"}]}`,
				show: `{"q":[{"catalog":"partners","id":1},{"catalog":"cities","id":1}]}`, partners: 3},
			{put: "x", in: `{"q":[{"catalog":"partners","id":1},{"catalog":"cities","id":1}]}`, same: true, partners: 3,
				show: `{"q":[{"catalog":"partners","id":1},{"catalog":"cities","id":1}]}`},
			{put: "x", in: `{"q":[{"catalog":"nowhere","id":1}]}`, fails: `RELATION_NOT_FOUND q[0]=RELATION_NOT_FOUND`},
		}},
		{"through relations", []string{relation("p", "partner", "partner", ""), `"field":"partner.city.name","external_key":"city","direction":"out"`,
			`"field":"partners.name","external_key":"names","direction":"out"`, relation("q", "partners", "partner", `"direction":"in"`)}, []step{
			{in: `{"p":"P1","q":["P1","P2"]}`, show: `{"p":"P1","city":"Lviv","names":["One","Two"]}`, partners: 3},
			{in: `{"p":"P2"}`, show: `{"p":"P2","city":null,"names":[]}`, partners: 3},
			{in: `{"city":"Odesa","name":"x"}`, show: `{"p":null,"city":null,"names":[]}`, partners: 3},
		}},
		{"children", []string{`"external_key":"lines","value_type":"relational_mapping","mapping_config":"line"`}, []step{
			{in: `{"lines":[{"sku":"a","qty":1},{"sku":"b","qty":2}]}`, partners: 3,
				show: `{"lines":[{"sku":"a","qty":1,"name":null},{"sku":"b","qty":2,"name":null}]}`},
			{put: "x", in: `{"lines":[{"sku":"b","qty":2},{"sku":"a","qty":1}]}`, same: true, partners: 3,
				show: `{"lines":[{"sku":"a","qty":1,"name":null},{"sku":"b","qty":2,"name":null}]}`},
			{put: "x", in: `{"lines":[{"sku":"b","qty":3},{"sku":"c"}]}`, partners: 3,
				show: `{"lines":[{"sku":"a","qty":1,"name":null},{"sku":"b","qty":3,"name":null},{"sku":"c","qty":null,"name":null}]}`},
			{put: "x", in: `{"lines":[{"sku":"a"},{"sku":"b","qty":"many"},5]}`, fails: `VALIDATION_ERROR lines[1].qty=TYPE_MISMATCH lines[2]=TYPE_MISMATCH`},
			{put: "x", in: `{"lines":"a"}`, fails: `VALIDATION_ERROR lines=TYPE_MISMATCH`},
		}},
		{"children in step", []string{`"external_key":"lines","value_type":"relational_mapping","mapping_config":"line","x2many_mode":"sync","options":{"child_field":"order"}`}, []step{
			{in: `{"lines":[{"sku":"a","qty":1},{"sku":"b","qty":2}]}`, partners: 3,
				show: `{"lines":[{"sku":"a","qty":1,"name":null},{"sku":"b","qty":2,"name":null}]}`},
			{put: "x", in: `{"lines":[{"sku":"b"},{"sku":"c"}]}`, partners: 3,
				show: `{"lines":[{"sku":"b","qty":2,"name":null},{"sku":"c","qty":null,"name":null}]}`},
			{put: "x", in: `{"lines":null}`, partners: 3, show: `{"lines":[]}`},
		}},
		{"children are added", []string{`"external_key":"lines","value_type":"relational_mapping","mapping_config":"line","x2many_mode":"append","relation_output":"identifier"`}, []step{
			{in: `{"lines":[{"sku":"a"}]}`, partners: 3, show: `{"lines":["a"]}`},
			{put: "x", in: `{"lines":[{"sku":"a"}]}`, partners: 3, show: `{"lines":["a","a"]}`},
		}},
		{"nested keys", []string{`"field":"name","external_key":"head.title"`, `"field":"price","external_key":"sums[0].net"`,
			`"field":"tags","external_key":"marks[].name"`, `"field":"note","external_key":"a\\.b"`}, []step{
			{in: `{"head":{"title":"T"},"sums":[{"net":5}],"marks":[{"name":"a"},{"name":"c"}],"a.b":"n"}`, partners: 3,
				show: `{"head":{"title":"T"},"sums":[{"net":5}],"marks":[{"name":"a"},{"name":"c"}],"a.b":"n"}`},
			{put: "x", in: `{"head.title":"U"}`, partners: 3,
				show: `{"head":{"title":"U"},"sums":[{"net":5}],"marks":[{"name":"a"},{"name":"c"}],"a.b":"n"}`},
			{put: "x", in: `{"head":{}}`, same: true, partners: 3,
				show: `{"head":{"title":"U"},"sums":[{"net":5}],"marks":[{"name":"a"},{"name":"c"}],"a.b":"n"}`},
		}},
	}
	eachMapWorld(t, func(t *testing.T, w *mapWorld) {
		lviv := w.create(w.cities, "name", catalog.Text("Lviv"))
		link := catalog.Links{{Link: query.Link{Catalog: w.cities.Num, Key: query.Key{Record: lviv}}}}
		w.create(w.people, "code", catalog.Text("P1"), "name", catalog.Text("One"), "rating", catalog.Number(1), "city", link)
		w.create(w.people, "code", catalog.Text("P2"), "name", catalog.Text("Two"))
		w.create(w.people, "code", catalog.Text("twin"))
		w.create(w.people, "code", catalog.Text("twin"))
		before := w.count(w.people)
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				base := before - 3
				w := &mapWorld{TB: t, s: w.s, sync: w.sync, actor: w.actor, people: w.people}
				c := w.state(relationConfigs(append(test.lines, `"field":"name","external_key":"name","direction":"in"`)...), "").Compiled("order")
				c.IncludeID = false
				w.steps(c, test.steps, base)
				before = w.count(w.people)
			})
		}
	})
}

func (w *mapWorld) steps(c *apisync.Compiled, steps []step, base int64) {
	w.Helper()
	var n query.Record
	for _, s := range steps {
		var err error
		changed := true
		if s.put == "" {
			n, err = w.post(c, s.in)
		} else {
			changed, err = w.put(c, n, s.in)
		}
		if told(err) != s.fails {
			w.Fatalf("%s: got %s (%v), want %s", s.in, told(err), err, s.fails)
		}
		if s.fails != "" {
			continue
		}
		if changed == s.same {
			w.Errorf("%s: changed is %v", s.in, changed)
		}
		if got := w.show(c, n); got != s.show {
			w.Errorf("%s\n got %s\nwant %s", s.in, got, s.show)
		}
		if got := w.count(w.people); got != base+s.partners {
			w.Errorf("%s: %d partners, want %d", s.in, got, base+s.partners)
		}
	}
}

// What two items of a batch make together is made once, and forgotten with the item.
func TestRelatedRecordsOfABatch(t *testing.T) {
	w := oneMapWorld(t)
	c := w.state(relationConfigs(relation("p", "partner", "partner", `"relation_policy":"create"`)), "").Compiled("order")
	x := w.exchange(c)
	items := []tree.Value{value(t, `{"p":"N1"}`), value(t, `{"p":{"code":"N1"}}`)}
	if err := x.Prefetch(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	var mapped []*apisync.Mapped
	for _, item := range items {
		m, err := x.Map(t.Context(), item, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		mapped = append(mapped, m)
	}
	if len(mapped[0].Linked) != 1 || len(mapped[1].Linked) != 0 {
		t.Errorf("%d and %d operations, want 1 and 0", len(mapped[0].Linked), len(mapped[1].Linked))
	}
	x.Drop(mapped[0])
	m, err := x.Map(t.Context(), items[1], nil, 0)
	if err != nil || len(m.Linked) != 1 {
		t.Errorf("after the first item was dropped: %v, %v", m, err)
	}
}

func TestIdentifiers(t *testing.T) {
	tests := []struct {
		name, line string
		field      string
		value      catalog.Value
		item       string
		found      bool
		fails      string
	}{
		{"text", `"field":"code","trim":true`, "code", catalog.Text("A-1"), `" A-1 "`, true, ""},
		{"text in another case", `"field":"code"`, "code", catalog.Text("A-1"), `"a-1"`, false, ""},
		{"number", `"field":"price"`, "price", catalog.Number(12.5), `"12.50"`, true, ""},
		{"stars", `"field":"stars"`, "stars", catalog.Whole(3), `3`, true, ""},
		{"date", `"field":"day"`, "day", catalog.Time(1772928000000), `"2026-03-08"`, true, ""},
		{"option", `"field":"state"`, "state", catalog.Items{2}, `"Done"`, true, ""},
		{"mapped option", `"field":"state","value_map":{"2":"Done"}`, "state", catalog.Items{2}, `2`, true, ""},
		{"phone", `"field":"phones"`, "phones", catalog.Contacts{{Contact: "1"}, {Contact: "2"}}, `"2"`, true, ""},
		{"address", `"field":"address"`, "address", catalog.Address{Value: "Lviv"}, `"Lviv"`, true, ""},
		{"id", `"field":"id"`, "name", catalog.Text("x"), `1`, true, ""},
		{"title", `"field":"display_name"`, "name", catalog.Text("x"), `"x"`, true, ""},
		{"null", `"field":"code"`, "code", catalog.Text("A"), `null`, false, "none"},
		{"blank", `"field":"code"`, "code", catalog.Text("A"), `" "`, false, "none"},
		{"wrong type", `"field":"price"`, "price", catalog.Number(1), `[1]`, false, "VALIDATION_ERROR k=TYPE_MISMATCH"},
		{"two values", `"field":"phones"`, "phones", catalog.Contacts{{Contact: "1"}}, `["1","2"]`, false, "VALIDATION_ERROR k=TYPE_MISMATCH"},
	}
	eachMapWorld(t, func(t *testing.T, w *mapWorld) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				w := &mapWorld{TB: t, s: w.s, sync: w.sync, actor: w.actor, orders: w.orders}
				n := w.create(w.orders, test.field, test.value)
				defer w.remove(w.orders, n)
				c := w.config("orders", test.line+`,"external_key":"k","is_record_identifier":true`)
				x := w.exchange(c)
				item := test.item
				if test.name == "id" {
					item = literalID(n)
				}
				id, err := x.Identifier(t.Context(), value(t, `{"k":`+item+`}`))
				switch {
				case test.fails == "none":
					if id != nil || err != nil {
						t.Errorf("got %v, %v", id, err)
					}
					return
				case told(err) != test.fails:
					t.Fatalf("got %s (%v), want %s", told(err), err, test.fails)
				case err != nil:
					return
				}
				found, err := x.Find(t.Context(), []*apisync.Ident{id, id})
				if err != nil || found[0] != found[1] || (found[0].Record == n) != test.found {
					t.Errorf("found %+v, %v; the record is %d", found, err, n)
				}
				alone, err := x.IdentifierOf(t.Context(), value(t, item))
				if err != nil || alone.Key() != id.Key() {
					t.Errorf("alone: %v, %v", alone, err)
				}
			})
		}
	})
}
