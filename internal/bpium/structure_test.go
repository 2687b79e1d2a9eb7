package bpium

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query/tree"
)

func TestEncodeStructureGolden(t *testing.T) {
	s := service(world())
	sections, err := s.Sections(context.Background(), operator)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "sections", EncodeSections(nil, sections))
	golden(t, "section", EncodeSection(nil, sections[0]))
	golden(t, "catalog", EncodeCatalog(nil, scopeOf(t, "27"), CatalogOptions{}))
	golden(t, "catalog_system", EncodeCatalog(nil, scopeOf(t, "$users"), CatalogOptions{}))
	golden(t, "catalog_system_once", EncodeCatalog(nil, scopeOf(t, "$users"), CatalogOptions{SkipPrevID: true}))
	golden(t, "catalog_fields", EncodeCatalog(nil, scopeOf(t, "27"), CatalogOptions{Fields: map[string]bool{"2": true, "7": true}}))
	system := func(o CatalogOptions, id string) string {
		o.Fields = map[string]bool{id: true}
		return string(EncodeCatalog(nil, scopeOf(t, "$users"), o))
	}
	if a, b := system(CatalogOptions{}, "2"), system(CatalogOptions{}, "$email"); a != b || strings.Count(a, `"prevId":"2"`) != 2 {
		t.Errorf("a system field by its number: %s\nby its id: %s", a, b)
	}
	if got := system(CatalogOptions{SkipPrevID: true}, "2"); strings.Count(got, `"prevId":`) != 1 || !strings.Contains(got, `"id":"$email"`) {
		t.Errorf("without copies: %s", got)
	}
	scopes, err := s.Catalogs(context.Background(), operator, catalog.CatalogFilter{Sections: []string{"3"}})
	if err != nil || len(scopes) != 3 {
		t.Fatal(len(scopes), err)
	}
	valid(t, EncodeCatalogs(nil, scopes, CatalogOptions{}))
}

// A structure that was read can be sent back and says the same.
func TestStructureRoundTrip(t *testing.T) {
	for _, key := range []string{"27", "$users", "31"} {
		sc := scopeOf(t, key)
		out := EncodeCatalog(nil, sc, CatalogOptions{})
		in, err := DecodeCatalog(parse(t, string(out)), sc.Structure, sc.Catalog)
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		if len(in.Fields) != len(sc.Catalog.Fields) {
			t.Fatalf("%s: %d fields of %d", key, len(in.Fields), len(sc.Catalog.Fields))
		}
		for i, f := range sc.Catalog.Fields {
			got := in.Fields[i]
			if got.Num != f.Num || got.Key != nil || got.Type != f.Type.Name() || string(*got.Visible) != "null" {
				t.Errorf("%s field %s: %+v", key, f.Key, got)
			}
			if d := f.Type.Configure("config", got.Config, &f.Config); d != nil {
				t.Errorf("%s field %s: %v", key, f.Key, d)
			}
			if a, b := asOut(sc, f, got.Config), asOut(sc, f, &f.Config); a != b {
				t.Errorf("%s field %s:\n got %s\nwant %s", key, f.Key, a, b)
			}
		}
	}
}

func asOut(sc *catalog.Scope, f *catalog.Field, c *catalog.Config) string {
	changed := *f
	changed.Config = *c
	w := writer{}
	w.config(sc, &changed, true)
	return string(w.b)
}

func TestDecodeSection(t *testing.T) {
	in, err := DecodeSection(parse(t, `{"name":"P","icon":null,"id":"own","priority":3,"catalogsPriorities":[31,"27",3]}`))
	if err != nil || *in.Name != "P" || *in.Icon != "" || *in.Key != "own" || *in.Priority != 3 || strings.Join(in.CatalogOrder, " ") != "31 27 $users" {
		t.Errorf("%+v %v", in, err)
	}
	in, err = DecodeSection(parse(t, `{}`))
	if err != nil || !reflect.DeepEqual(in, catalog.SectionInput{}) {
		t.Errorf("%+v %v", in, err)
	}
	wantPlaces(t, func() error {
		_, err := DecodeSection(parse(t, `{"name":[],"icon":{},"id":true,"priority":1.5,"catalogsPriorities":{}}`))
		return err
	}, "id name icon priority catalogsPriorities")
	if _, err := DecodeSection(parse(t, `[]`)); !fault.Is(err, fault.InvalidJSON) {
		t.Errorf("%v", err)
	}
}

func wantPlaces(t *testing.T, decode func() error, places string) {
	t.Helper()
	err := decode()
	f, ok := err.(*fault.Error)
	if !ok || f.Code != fault.ValidationFailed {
		t.Fatalf("got %v", err)
	}
	var got []string
	for _, d := range f.Details {
		got = append(got, d.Path)
	}
	if strings.Join(got, " ") != places {
		t.Errorf("got places %v, want %s", got, places)
	}
}

func TestDecodeFieldInput(t *testing.T) {
	sc := scopeOf(t, "27")
	cases := []struct{ name, field, want string }{
		{"known id", `{"id":2,"name":"N"}`, "num=102 key=- type=text name=N config=-"},
		{"rename by prevId", `{"id":"title","prevId":"2"}`, "num=102 key=title type=text name=- config=-"},
		{"known id beats prevId", `{"id":"3","prevId":"2"}`, "num=103 key=- type=text name=- config=-"},
		{"new without id", `{"type":"number","name":"N"}`, "num=0 key=- type=number name=N config={}"},
		{"new with an id", `{"id":"own","type":"text","prevId":"77"}`, "num=0 key=own type=text name=- config={}"},
		{"type may change only by the service's leave", `{"id":2,"type":"number"}`, "num=102 key=- type=number name=- config=-"},
		{"config", `{"type":"number","config":{"min":"1","max":null,"digits":2,"unit":"kg","defaultEmptyValue":null,"ai":{"a":[1]}}}`,
			`num=0 key=- type=number name=- config={"unit":"kg","min":1,"digits":2,"extra":{"ai":{"a":[1]}}}`},
		{"date by time", `{"type":"date","config":{"time":true}}`, `num=0 key=- type=date name=- config={"mode":"datetime"}`},
		{"date by mode", `{"type":"date","config":{"mode":"week","time":false}}`, `num=0 key=- type=date name=- config={"mode":"week"}`},
		{"time was switched on", `{"id":13,"config":{"time":true,"mode":"date"}}`, `num=113 key=- type=date name=- config={"mode":"datetime"}`},
		{"mode was switched", `{"id":14,"config":{"time":true,"mode":"date"}}`, `num=114 key=- type=date name=- config={"mode":"date"}`},
		{"items", `{"type":"dropdown","config":{"items":[{"name":"A","color":"#C9FDE5","dbId":4},{"id":5,"name":"B"}],"multiselect":"true","defaultValue":true}}`,
			`num=0 key=- type=dropdown name=- config={"items":[{"num":0,"key":"","name":"A","color":"C9FDE5"},{"num":0,"key":"5","name":"B"}],"multi":true,"default":true}`},
		{"radiobutton list", `{"type":"radiobutton","config":{"view":"list"}}`, `num=0 key=- type=radiobutton name=- config={"kind":"list"}`},
		{"links", `{"type":"object","config":{"catalogs":[{"id":"31"},3,"31"],"fields":{"31":["2",{"id":4,"access":"edit"}]},"enableSelect":false,"multiselect":true,"views":[],"filters":[{"catalogId":"31","filters":[{"fieldId":2,"valueFieldId":9},{"fieldId":"4","valueFieldId":"later"}]}]}}`,
			`num=0 key=- type=object name=- config={"multi":true,"sources":[{"catalog":31},{"catalog":3}],"shown":[{"field":202},{"field":204,"edit":true}],"conditions":[{"catalog":31,"field":202,"value":"9"},{"catalog":31,"field":204,"value":"later"}],"disableSelect":true}`},
		{"a removed source stays", `{"id":23,"config":{"catalogs":[{"id":"50","removed":true}]}}`, `num=123 key=- type=object name=- config={"sources":[{"catalog":50}]}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in, err := DecodeCatalog(parse(t, `{"fields":[`+c.field+`]}`), sc.Structure, sc.Catalog)
			if err != nil {
				t.Fatal(err)
			}
			f := in.Fields[0]
			config := "-"
			if f.Config != nil {
				b, err := json.Marshal(f.Config)
				if err != nil {
					t.Fatal(err)
				}
				config = string(b)
			}
			got := fmt.Sprintf("num=%d key=%s type=%s name=%s config=%s", f.Num, orDash(f.Key), f.Type, orDash(f.Name), config)
			if got != c.want {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
		})
	}
}

func orDash(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

func TestDecodeCatalog(t *testing.T) {
	sc := scopeOf(t, "27")
	in, err := DecodeCatalog(parse(t, `{"name":"N","sectionId":3,"icon":null,"instruction":null,"history":"false","id":"own",
		"fields":[{"id":"1","prevId":"1","isDuplicated":true,"type":"text"},
			{"id":"7","type":"text","required":"true","visible":{},"hint":null},{"type":"group","visible":{"7":["1"]}}]}`), sc.Structure, nil)
	if err != nil {
		t.Fatal(err)
	}
	if *in.Name != "N" || *in.Section != "3" || *in.Icon != "" || *in.Instruction != "" || *in.History || *in.Key != "own" || len(in.Fields) != 2 {
		t.Errorf("%+v", in)
	}
	first, second := in.Fields[0], in.Fields[1]
	if first.Path != "fields[1]" || first.Num != 0 || *first.Key != "7" || !*first.Required || string(*first.Visible) != "null" || *first.Hint != "" {
		t.Errorf("%+v", first)
	}
	if string(*second.Visible) != `{"7":["1"]}` {
		t.Errorf("%s", *second.Visible)
	}
	if in, err := DecodeCatalog(parse(t, `{"name":"N"}`), sc.Structure, sc.Catalog); err != nil || in.Fields != nil {
		t.Errorf("no fields: %+v %v", in, err)
	}
	if in, err := DecodeCatalog(parse(t, `{"fields":[]}`), sc.Structure, sc.Catalog); err != nil || in.Fields == nil {
		t.Errorf("empty fields: %+v %v", in, err)
	}
}

func TestDecodeCatalogRefuses(t *testing.T) {
	sc := scopeOf(t, "27")
	cases := []struct{ name, body, places string }{
		{"wrong shapes", `{"name":{},"history":"maybe","fields":{}}`, "name history fields"},
		{"field that is none", `{"fields":[5]}`, "fields[0]"},
		{"no type, unknown type", `{"fields":[{"name":"a"},{"type":"blob"}]}`, "fields[0].type fields[1].type"},
		{"members of a field", `{"fields":[{"type":"text","name":[],"required":"x","visible":[1],"config":5}]}`, "fields[0].name fields[0].required fields[0].visible fields[0].config"},
		{"numbers", `{"fields":[{"type":"number","config":{"min":"a","max":[],"digits":1.5}}]}`, "fields[0].config.min fields[0].config.max fields[0].config.digits"},
		{"items", `{"fields":[{"type":"dropdown","config":{"items":[1,{"name":5},{"id":{},"name":"x"}]}}]}`, "fields[0].config.items[0] fields[0].config.items[2].id"},
		{"items that are no list", `{"fields":[{"type":"dropdown","config":{"items":{}}}]}`, "fields[0].config.items"},
		{"sources", `{"fields":[{"type":"object","config":{"catalogs":[{"id":999},{}],"views":[{"id":1}],"fields":{"31":[99,{"id":2,"access":"all"}],"999":[],"27":5}}}]}`,
			"fields[0].config.catalogs[0] fields[0].config.catalogs[1] fields[0].config.views[0] fields[0].config.fields.31[0] fields[0].config.fields.31[1].access fields[0].config.fields.999 fields[0].config.fields.27"},
		{"time and mode", `{"fields":[{"type":"date","config":{"time":true,"mode":"week"}}]}`, "fields[0].config.time"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			wantPlaces(t, func() error {
				_, err := DecodeCatalog(parse(t, c.body), sc.Structure, sc.Catalog)
				return err
			}, c.places)
		})
	}
}

// FuzzStructure: whatever comes, the answer is an input or a fault of the
// caller that names a place.
func FuzzStructure(f *testing.F) {
	sc := scopeOf(f, "27")
	f.Add(string(EncodeCatalog(nil, scopeOf(f, "31"), CatalogOptions{})))
	f.Add(`{"fields":[{"type":"object","config":{"catalogs":[{"id":999},{}],"fields":{"31":[99]}}}]}`)
	f.Add(`{"name":5,"fields":[{"id":"2","visible":{"7":[1]},"config":{"x":1}}]}`)
	f.Fuzz(func(t *testing.T, s string) {
		v, err := tree.ParseJSON([]byte(s), tree.Limits{Depth: 30})
		if err != nil {
			return
		}
		in, err := DecodeCatalog(v, sc.Structure, sc.Catalog)
		var failure *fault.Error
		switch {
		case err == nil:
			for _, field := range in.Fields {
				if catalog.TypeByName(field.Type) == nil || !strings.HasPrefix(field.Path, "fields[") {
					t.Errorf("%+v", field)
				}
			}
		case fault.Is(err, fault.InvalidJSON):
		case fault.Is(err, fault.ValidationFailed):
			if failure, _ = err.(*fault.Error); len(failure.Details) == 0 || failure.Details[0].Path == "" {
				t.Errorf("no place: %v", err)
			}
		default:
			t.Errorf("%v", err)
		}
	})
}
