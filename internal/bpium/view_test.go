package bpium

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

func (p *pages) Members(_ context.Context, _ *catalog.Structure, _ *catalog.Catalog, records []query.Record, conditions []query.Node) (map[query.Record]catalog.Bits, error) {
	members := map[query.Record]catalog.Bits{}
	for _, n := range records {
		members[n] = make(catalog.Bits, len(conditions))
	}
	return members, nil
}

func (p *pages) PersonalViews(context.Context, query.Catalog, query.Record) ([]*catalog.View, error) {
	return []*catalog.View{{Num: 91, Key: "91", Catalog: ordersNum, Owner: 7, Name: "My big ones", OriginName: "My big ones", Options: json.RawMessage(`{"mode":"table"}`)}}, nil
}

func (p *pages) ViewByKey(context.Context, query.Catalog, string) (*catalog.View, error) {
	return nil, nil
}

func (p *pages) Find(context.Context, *catalog.Catalog, string) (query.Record, error) { return 12, nil }

// viewed is the test world with legal views of the orders.
func viewed() *catalog.Service {
	def := worldDefinition()
	filters := []catalog.ViewFilter{
		{ID: 301, Field: ownerF, Value: json.RawMessage(`["CURRENT_USER",{"catalogId":"3","recordId":7}]`)},
		{ID: 302, Field: vendorF, Value: json.RawMessage(`[{"recordId":"acme","recordTitle":"old"},{"catalogId":31,"filters":[{"fieldId":"5","value":{"$or":[[{"catalogId":"places","recordId":1}],"$empty"]}}]}]`)},
		{ID: 303, Field: amountF, Value: json.RawMessage(`{"at":10}`)},
		{ID: 304, Field: anyF, Value: json.RawMessage(`[{"catalogId":"31","filters":{"2":"x","$or":[{"5":[{"recordId":9}]}]}},{"userAttr":"8"}]`)},
	}
	def.Views = []*catalog.View{
		{Num: 88, Key: "88", Catalog: ordersNum, Legal: true, Name: "Open", OriginName: "Open by owner", Filters: filters},
		{Num: 89, Key: "secret", Catalog: ordersNum, Legal: true, OriginName: "A secret", Filters: []catalog.ViewFilter{{ID: 1, Field: 999, Value: json.RawMessage(`"x"`)}}},
	}
	reader := &pages{titles: catalog.Titles{
		query.MakeRef(vendorsNum, 12): {Text: "Acme Ltd", Code: "acme"}, query.MakeRef(placesNum, 1): {Text: "North"},
		query.MakeRef(usersNum, 7): {Text: "Operator Seven"},
	}}
	return catalog.New(&definition{def: def, reader: reader}, catalog.Options{Now: frozen, RecordsMax: 10_000, Filters: ViewFilters{}})
}

func TestEncodeViewsGolden(t *testing.T) {
	s := viewed()
	list, err := s.Views(context.Background(), operator, "27")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "views", EncodeViews(nil, list))
	for _, key := range []string{"88", "secret"} {
		one, err := s.View(context.Background(), operator, "27", key)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "view_"+key, EncodeView(nil, one))
	}
}

// A link field's sources that are views are sent back as they were read.
func TestViewSources(t *testing.T) {
	s := viewed()
	sc, err := s.Catalog(context.Background(), operator, "27")
	if err != nil {
		t.Fatal(err)
	}
	f := *FieldByID(sc.Catalog, "9")
	f.Config.Sources = append(f.Config.Sources, catalog.Source{Catalog: ordersNum, View: 88}, catalog.Source{Catalog: ordersNum, View: 70})
	out := asOut(sc, &f, &f.Config)
	want := `"views":[{"id":"88","dbId":88,"name":"Open","catalogId":"27","catalogTitle":"Orders","catalogIcon":"transfers-52","removed":false},` +
		`{"id":"70","dbId":70,"name":"","catalogId":"27","catalogTitle":"Orders","catalogIcon":"transfers-52","removed":true}]`
	if !strings.Contains(out, want) {
		t.Errorf("got %s", out)
	}
	d := structureDecoder{structure: sc.Structure, catalog: sc.Catalog}
	b := body{v: parse(t, out), details: new([]fault.Detail)}
	if got := d.config(b, f.Type, &f); fmt.Sprint(got.Sources) != fmt.Sprint(f.Config.Sources) || b.err() != nil {
		t.Errorf("got %v, %v", got.Sources, b.err())
	}
	for _, bad := range []string{`5`, `{"id":"88"}`, `{"id":"88","catalogId":"99"}`, `{"id":"88","catalogId":"31"}`, `{"id":"70","catalogId":"27"}`} {
		b := body{v: parse(t, `{"views":[`+bad+`]}`), details: new([]fault.Detail)}
		if d.config(b, f.Type, nil); !strings.Contains(fmt.Sprint(b.err()), "views[0]") {
			t.Errorf("%s: %v", bad, b.err())
		}
	}
}

func TestDecodeView(t *testing.T) {
	show := func(in catalog.ViewInput) string {
		var b strings.Builder
		for name, s := range map[string]*string{"key": in.Key} {
			if s != nil {
				fmt.Fprintf(&b, "%s=%s ", name, *s)
			}
		}
		if in.Name != nil {
			fmt.Fprintf(&b, "name=%q ", *in.Name)
		}
		if in.OriginName != nil {
			fmt.Fprintf(&b, "origin=%q ", *in.OriginName)
		}
		if in.Legal != nil {
			fmt.Fprintf(&b, "legal=%v ", *in.Legal)
		}
		if in.Options != nil {
			fmt.Fprintf(&b, "options=%s ", in.Options)
		}
		if in.Filters != nil {
			fmt.Fprintf(&b, "filters=")
		}
		for _, f := range in.Filters {
			fmt.Fprintf(&b, "[%s %d %s %s]", f.Path, f.ID, f.Field, f.Value)
		}
		return strings.TrimSpace(b.String())
	}
	cases := []struct{ name, body, want string }{
		{"nothing", `{}`, ``},
		{"names", `{"name":"My","originName":null,"forRights":"true","id":"mine"}`, `key=mine name="My" origin="" legal=true`},
		{"options", `{"options":{"mode":"list"}}`, `options={"mode":"list"}`},
		{"no options", `{"options":null}`, `options=null`},
		{"filters", `{"filters":[{"id":"301","fieldId":11,"value":["1"]},{"attr":"2","value":"x"}]}`, `filters=[filters[0] 301 11 ["1"]][filters[1] 0 2 "x"]`},
		{"fieldId wins", `{"filters":[{"attr":"3","fieldId":"2","value":null}]}`, `filters=[filters[0] 0 2 null]`},
		{"no value says nothing", `{"filters":[{"fieldId":"2"}]}`, `filters=`},
		{"by field", `{"filters":{"2":"x","9":{"$or":["$empty"]}}}`, `filters=[filters[2] 0 2 "x"][filters[9] 0 9 {"$or":["$empty"]}]`},
		{"as a text", `{"filters":"[{\"fieldId\":2,\"value\":\"x\"}]"}`, `filters=[filters[0] 0 2 "x"]`},
		{"none", `{"filters":[]}`, `filters=`},
		{"null is no change", `{"filters":null}`, ``},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in, err := DecodeView(parse(t, c.body), scopeOf(t, "27"))
			if err != nil || show(in) != c.want {
				t.Errorf("got %s %v\nwant %s", show(in), err, c.want)
			}
		})
	}
	for body, code := range map[string]fault.Code{
		`[]`: fault.InvalidJSON, `{"name":{}}`: fault.ValidationFailed, `{"forRights":"perhaps"}`: fault.ValidationFailed,
		`{"options":[1]}`: fault.ValidationFailed, `{"filters":5}`: fault.InvalidFilter, `{"filters":[5]}`: fault.ValidationFailed,
		`{"filters":[{"fieldId":{},"value":1}]}`: fault.ValidationFailed, `{"filters":{"$or":[]}}`: fault.InvalidFilter,
	} {
		if _, err := DecodeView(parse(t, body), scopeOf(t, "27")); !fault.Is(err, code) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestReadFilter(t *testing.T) {
	sc := scopeOf(t, "27")
	cases := []struct {
		name, field, value, want string
		code                     fault.Code
	}{
		{"the asking employee", "10", `["CURRENT_USER"]`, "110 links[3:7]", ""},
		{"options of one field", "3", `{"$or":["a","$empty"]}`, `or(103 has "a", 103 empty)`, ""},
		{"says nothing", "7", `[]`, "nothing", ""},
		{"an option that is gone", "7", `["77"]`, "", fault.InvalidFilter},
		{"not JSON", "7", `[`, "", fault.InvalidFilter},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			n, err := ViewFilters{}.ReadFilter(sc, FieldByID(sc.Catalog, c.field), json.RawMessage(c.value), byOperator)
			if fault.CodeOf(err) != c.code || err == nil && show(n) != c.want {
				t.Errorf("got %s %v", show(n), err)
			}
		})
	}
	users := scopeOf(t, "$users")
	if _, err := (ViewFilters{}).ReadFilter(users, users.Catalog.FieldByKey("$password"), json.RawMessage(`"x"`), byOperator); !fault.Is(err, fault.FieldHidden) {
		t.Errorf("a password: %v", err)
	}
}

func TestDecodeRights(t *testing.T) {
	body := `{"object":{"catalogId":27,"viewId":"88"},"rules":[
		{"rightSubject":{"userAttr":"allUsers","catalogId":null,"recordId":null},"privilegeCode":"view","fields":{"9":"hide"}},
		{"rightSubject":{"userAttr":"id","catalogId":"3","recordId":7},"privilegeCode":"deny","fields":null}]}`
	in, err := DecodeRights(parse(t, body))
	if err != nil {
		t.Fatal(err)
	}
	want := "[{{ 27 88 {0 }} [{rules[0] allUsers  {0 } view map[9:hide]} {rules[1] id $users {7 } deny map[]}]}]"
	if got := fmt.Sprint(in); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	list, err := DecodeRights(parse(t, `[{"object":{"sectionId":"4"},"rules":[]},{"object":{"catalogId":"25","recordId":"own"},"rules":[]}]`))
	if got := fmt.Sprint(list); err != nil || got != "[{{4   {0 }} []} {{ 25  {0 own}} []}]" {
		t.Errorf("got %s %v", got, err)
	}
	for body, paths := range map[string]string{
		`{}`:                                 "object rules",
		`{"object":{"viewId":1},"rules":[]}`: "object",
		`{"object":{"catalogId":1,"viewId":1,"recordId":2},"rules":[]}`:                                                           "object",
		`{"object":{"sectionId":1,"catalogId":2},"rules":5}`:                                                                      "rules",
		`[{"object":{"sectionId":"4"},"rules":[5]}]`:                                                                              "[0].rules[0]",
		`{"object":{"sectionId":"4"},"rules":[{"rightSubject":{"userAttr":"id"},"privilegeCode":5}]}`:                             "rules[0].rightSubject.recordId",
		`{"object":{"sectionId":"4"},"rules":[{"rightSubject":5}]}`:                                                               "rules[0].privilegeCode rules[0].rightSubject",
		`{"object":{"sectionId":"4"},"rules":[{"rightSubject":{"userAttr":"allUsers"},"privilegeCode":"view","fields":5}]}`:       "rules[0].fields",
		`{"object":{"sectionId":"4"},"rules":[{"rightSubject":{"userAttr":"allUsers"},"privilegeCode":"view","fields":{"2":1}}]}`: "rules[0].fields[2]",
	} {
		_, err := DecodeRights(parse(t, body))
		for _, path := range strings.Fields(paths) {
			if !fault.Is(err, fault.ValidationFailed) || !strings.Contains(err.Error(), path+" ") {
				t.Errorf("%s: %v lacks %s", body, err, path)
			}
		}
	}
	for _, body := range []string{`5`, `[5]`} {
		if _, err := DecodeRights(parse(t, body)); !fault.Is(err, fault.InvalidJSON) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestDecodeRightsQuery(t *testing.T) {
	for q, want := range map[string]string{
		"sectionId=4":                                  "[{4   {0 }}] false <nil>",
		"catalogId=3&withSearch=true":                  "[{ $users  {0 }}] true <nil>",
		"catalogId=27&recordId=5&viewId=8&sectionId=3": "[{3   {0 }} { 27  {0 }} { 27 8 {0 }} { 27  {5 }}] false <nil>",
	} {
		objects, auto, err := DecodeRightsQuery(params(t, q))
		if got := fmt.Sprint(objects, auto, err); got != want {
			t.Errorf("%s: got %s\nwant %s", q, got, want)
		}
	}
	for _, q := range []string{"", "recordId=5", "viewId=5&sectionId=3", "catalogId=27&withSearch=perhaps"} {
		if _, _, err := DecodeRightsQuery(params(t, q)); !fault.Is(err, fault.InvalidParameter) {
			t.Errorf("%s: %v", q, err)
		}
	}
}

func TestDecodeRelationsAndCandidates(t *testing.T) {
	ask, err := DecodeRelations(params(t, "catalogId[0]=3&catalogId[1]=27&fieldId=9&hiddenFields=true&limit=5&offset=2&sortField=5&sortType=-1"))
	if got := fmt.Sprintf("%v %v %v %v %d %d %v", ask.Catalogs, ask.Fields, ask.Hidden, *ask.Sort, ask.Limit, ask.Offset, err); got != "[$users 27] [9] true {4 5 true} 5 2 <nil>" {
		t.Error(got)
	}
	for _, q := range []string{"fieldId=9", "sortType=up", "hiddenFields=x", "limit=-1", "offset=x", "catalogId={\"a\":1}"} {
		if _, err := DecodeRelations(params(t, q)); !fault.Is(err, fault.InvalidParameter) {
			t.Errorf("%s: %v", q, err)
		}
	}
	sc := scopeOf(t, "27")
	field := FieldByID(sc.Catalog, "9")
	asked, err := DecodeCandidates(params(t, `title=ac&recordsFilters=[{"catalogId":"31","viewId":4,"filters":[{"fieldId":"2","value":"x"}]},{"catalogId":31,"filters":{"4":"y"}}]`), sc, field, byOperator)
	q := asked.Sources[vendorsNum]
	if got := fmt.Sprintf("%s %s %s %d %v", asked.Title, q.View, show(q.Where), asked.Limit, err); got != `ac 4 and(202 has "x", 204 has "y") 1000 <nil>` {
		t.Error(got)
	}
	for q, code := range map[string]fault.Code{
		"recordsFilters=5": fault.InvalidParameter, `recordsFilters=[{"filters":[]}]`: fault.InvalidParameter,
		`recordsFilters=[{"catalogId":31,"filters":{"99":1}}]`:                                                            fault.UnknownField,
		`recordsFilters=[{"catalogId":31,"viewId":1},{"catalogId":31,"viewId":2}]`:                                        fault.InvalidParameter,
		`recordsFilters[0][catalogId]=31&recordsFilters[0][filters][0][fieldId]=5&recordsFilters[0][filters][0][value]=x`: fault.InvalidFilter,
	} {
		if _, err := DecodeCandidates(params(t, q), sc, field, byOperator); !fault.Is(err, code) {
			t.Errorf("%s: %v", q, err)
		}
	}
}

// What a view keeps is read later, whatever it is: as a filter, and to be shown.
func FuzzViewFilter(f *testing.F) {
	for _, seed := range []string{`["CURRENT_USER"]`, `{"$or":[[{"catalogId":"31","recordId":1}],"$empty"]}`, `[{"catalogId":31,"filters":[{"fieldId":5,"value":[{"recordId":1}]}]}]`, `{"at":1}`, `[`} {
		f.Add(seed)
	}
	sc := scopeOf(f, "27")
	page := &catalog.ViewsPage{Scope: sc}
	f.Fuzz(func(t *testing.T, value string) {
		stored, err := tree.ParseJSON([]byte(value), tree.Limits{Depth: jsonDepth})
		if err != nil {
			return
		}
		for _, field := range sc.Catalog.Fields {
			_, _ = ViewFilters{}.ReadFilter(sc, field, stored.AppendJSON(nil), byOperator)
			w := viewWriter{page: page}
			w.filterValue(field, stored)
			valid(t, w.b)
		}
	})
}

func (p *pages) Last() {}

func (p *pages) RowWithTitles(ctx context.Context, c *catalog.Catalog, columns []*catalog.Field, n query.Record, _ []*catalog.Field) (*catalog.Page, catalog.Titles, error) {
	page, err := p.Rows(ctx, c, columns, []query.Record{n})
	return page, p.titles, err
}
