package server

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

type suggestedLines struct {
	Model string
	Lines []struct {
		Field      string
		Key        string `json:"external_key"`
		Required   bool
		Identifier bool   `json:"is_record_identifier"`
		ValueType  string `json:"value_type"`
		Mapping    string `json:"mapping_config"`
		Format     string
		Options    map[string]any
	}
	Reasons, Unmatched []struct {
		Key     string `json:"external_key"`
		Match   string
		Message string
	}
	Unused []string `json:"unused_fields"`
}

// short prints what is proposed, a line for each.
func (l *suggestedLines) short() string {
	var b strings.Builder
	for i, line := range l.Lines {
		fmt.Fprintf(&b, "%s=%s %s", line.Key, line.Field, l.Reasons[i].Match)
		for _, more := range []struct {
			yes  bool
			text string
		}{{line.Required, "required"}, {line.Identifier, "identifier"}, {line.Mapping != "", "by " + line.Mapping}, {line.Format != "", line.Format},
			{line.Options != nil, fmt.Sprint(line.Options)}} {
			if more.yes {
				b.WriteString(" " + more.text)
			}
		}
		b.WriteByte('\n')
	}
	for _, u := range l.Unmatched {
		fmt.Fprintf(&b, "- %s: %s\n", u.Key, u.Message)
	}
	return b.String()
}

func (s *synced) suggested(path, body string) (l suggestedLines) {
	s.Helper()
	s.read(s.call(200, "POST", "/api/v1/sync/"+path, body), &l)
	return l
}

func TestSyncSuggest(t *testing.T) {
	eachSynced(t, func(s *synced) {
		byFields := s.suggested("suggest", `{"model":"`+s.partners+`"}`)
		if got, want := byFields.short(), `name=1 field required
ref=2 field identifier
balance=3 field
active=4 field
since=5 field
kind=6 field
email=7 field
country=8 field by countries
`; got != want {
			t.Errorf("by fields:\n%s", got)
		}
		bySample := s.suggested("suggest", `{"model":"`+s.partners+`","sample":[
			{"Name":"Oak","external_code":"A1","BALANCE":"12.5","since":"31.12.2030","kind":"Vendor","address":{"email":"a@b.c"},"country":{"code":"UA"},
				"id":5,"colour":"red","active":"maybe"},
			{"Name":"Ash","external_code":"A2","balance":3,"type":"Customer","since":"01.02.2031"}]}`)
		if got, want := bySample.short(), `Name=1 name required
external_code=2 synonym identifier
BALANCE=3 name
since=5 name %d.%m.%Y
kind=6 name
address.email=7 name
country=8 name by countries
- id: the id of a record is shown anyway; a field is needed to keep the id that others have
- colour: no field has this name
- active: expected true or false, got a text
- balance: no field has this name
- type: no field has this name
`; got != want {
			t.Errorf("by a sample:\n%s", got)
		}
		nested := s.suggested("suggest", `{"model":"`+s.partners+`","sample":{"boss":{"name":"Ann","email":"a@b.c"}}}`)
		if got, want := nested.short(), "boss.email=7 name identifier\n- boss.name: no field has this name\n"; got != want {
			t.Errorf("by a nested sample:\n%s", got)
		}
		s.accepted()

		// A config that has lines keeps them.
		s.call(200, "PATCH", "/api/v1/sync/configs/partners", `{"active":false,"lines":[{"field":"2","external_key":"ref","is_record_identifier":true}]}`)
		rest := s.suggested("configs/partners/suggest", `{"sample":{"ref":"A-1","назва":"Дуб","e-mail":"a@b.c","баланс":1}}`)
		if got, want := rest.short(), "назва=1 synonym required\ne-mail=7 transliteration\n- баланс: no field has this name\n"; got != want {
			t.Errorf("of a config:\n%s", got)
		}
		if got := len(s.suggested("configs/partners/suggest", "").Lines); got != 7 {
			t.Errorf("without a body: %d lines", got)
		}
		s.suggestRefuses()
	})
}

// accepted makes a config of what was proposed.
func (s *synced) accepted() {
	s.Helper()
	var raw struct{ Lines json.RawMessage }
	s.read(s.call(200, "POST", "/api/v1/sync/suggest", `{"model":"`+s.partners+`","sample":{"name":"Oak","ref":"A","country":"UA"}}`), &raw)
	s.config(`{"name":"Proposed","request_type":"in","endpoint":"proposed","model":"`+s.partners+`","run_as":1,"methods":["PUT"],"auth_types":["bearer"],
		"credentials":[{"type":"bearer"}],"lines":`+string(raw.Lines)+`}`, 200)
}

func (s *synced) suggestRefuses() {
	s.Helper()
	for _, body := range []string{`{"model":"none"}`, `{}`, `{"model":5}`, `{"model":"` + s.partners + `","sample":5}`, `{"model":"` + s.partners + `","sample":[]}`,
		`{"model":"` + s.partners + `","more":1}`, `{"model":"$accounts"}`, `[]`, `{`, ``} {
		s.call(400, "POST", "/api/v1/sync/suggest", body)
	}
	s.call(404, "POST", "/api/v1/sync/configs/none/suggest", `{}`)
}

type testedConfig struct {
	OK    bool
	Steps []struct {
		Name, Message, Hint string
		OK                  bool
	}
}

func (s *synced) tested(path string) (t testedConfig, short string) {
	s.Helper()
	s.read(s.call(200, "POST", "/api/v1/sync/"+path+"/test", ""), &t)
	for _, step := range t.Steps {
		mark := "-"
		if step.OK {
			mark = "+"
		}
		short += mark + step.Name + ": " + step.Message + "\n"
	}
	return t, short
}

func TestSyncTestConfig(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.does(201, "POST", "partners", `{"name":"Oak","ref":"A-1"}`)
		got, short := s.tested("configs/partners")
		want := "+validation: \n+model: the catalog \"Partners\", 8 lines\n+run_as: \n+rights GET: \n+rights POST: \n+rights PUT: \n+rights DELETE: \n" +
			"+rights of fields: \n+request: the first record is 1\n"
		if short != want || !got.OK {
			t.Errorf("a good config:\n%s", short)
		}
		if got, short := s.tested("configs/countries"); !got.OK || short != "+validation: \n+model: the catalog \"Countries\", 2 lines\n" {
			t.Errorf("a mapping:\n%s", short)
		}
		if got, short := s.tested("connections/local"); !got.OK || !strings.HasSuffix(short, " models, 1 active endpoints\n") {
			t.Errorf("the connection:\n%s", short)
		}
		s.call(404, "POST", "/api/v1/sync/connections/odoo/test", "")
		s.call(404, "POST", "/api/v1/sync/configs/none/test", "")

		who := s.employee("clerk")
		s.call(200, "POST", "/api/v1/rights", `{"object":{"sectionId":"3"},"rules":[{"rightSubject":{"userAttr":"id","recordId":"1"},"privilegeCode":"admin"}]}`)
		s.call(200, "PATCH", "/api/v1/sync/configs/partners", fmt.Sprintf(`{"run_as":%s}`, who))
		if got, short := s.tested("configs/partners"); got.OK || !strings.Contains(short, "-run_as: ") || strings.Contains(short, "request") {
			t.Errorf("an employee without rights:\n%s", short)
		}
		s.allow(who, "view", `,"fields":{"3":"hide"}`)
		got, short = s.tested("configs/partners")
		for _, part := range []string{"+run_as", "+rights GET", "-rights POST", "-rights PUT", "-rights DELETE", "-rights of fields: employee " + who, "+request"} {
			if !strings.Contains(short, part) || got.OK {
				t.Errorf("an employee who may look only: no %s in\n%s", part, short)
			}
		}
		s.call(200, "PATCH", "/api/v1/catalogs/"+s.partners, `{"fields":[{"id":"1","name":"Name","type":"text"},{"id":"2","name":"Ref","type":"text"}]}`)
		if got, short := s.tested("configs/partners"); got.OK || !strings.Contains(short, "-model: 6 lines do not fit the model any more") {
			t.Errorf("without its fields:\n%s", short)
		}
	})
}

// employee makes one without rights and gives its id.
func (s *synced) employee(name string) string {
	s.Helper()
	return s.made("POST", "/api/v1/catalogs/$users/records", `{"values":{"$name":"`+name+`"}}`)
}

// allow gives an employee a privilege on the partners.
func (s *synced) allow(who, privilege, more string) {
	s.Helper()
	s.call(200, "POST", "/api/v1/rights", fmt.Sprintf(`{"object":{"catalogId":%q},"rules":[
		{"rightSubject":{"userAttr":"id","catalogId":"$users","recordId":%q},"privilegeCode":%q%s}]}`, s.partners, who, privilege, more))
}

type previewedConfig struct {
	OK     bool
	Action string
	ID     any
	Lines  []struct {
		Key        string `json:"external_key"`
		Present    bool
		Raw, Value any
		Error      *struct{ Code string }
	}
	Data  map[string]any
	Error *struct{ Code string }
}

func (p *previewedConfig) short() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%t %s %v", p.OK, p.Action, p.ID)
	if p.Error != nil {
		b.WriteString(" " + p.Error.Code)
	}
	b.WriteByte('\n')
	for _, l := range p.Lines {
		fmt.Fprintf(&b, "%s %t %v %v", l.Key, l.Present, l.Raw, l.Value)
		if l.Error != nil {
			b.WriteString(" " + l.Error.Code)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (s *synced) previewed(body string) (p previewedConfig) {
	s.Helper()
	s.read(s.call(200, "POST", "/api/v1/sync/configs/partners/preview", body), &p)
	return p
}

func TestSyncPreview(t *testing.T) {
	eachSynced(t, func(s *synced) {
		good := s.previewed(`{"direction":"in","sample":{"name":" Oak ","ref":"A-1","balance":"12.50","active":"yes","since":"2026-03-09T10:15:00+02:00","kind":"Vendor",
			"contact":{"email":"oak@example.com"},"country":"UA"}}`)
		contact := good.Lines[6].Value
		if fmt.Sprint(contact) == "<nil>" {
			t.Errorf("the contact is %v", contact)
		}
		good.Lines[6].Value = "contact"
		want := `true created <nil>
name true  Oak  Oak
ref true A-1 A-1
balance true 12.50 12.5
active true yes true
since true 2026-03-09T10:15:00+02:00 2026-03-09T08:15:00Z
kind true Vendor [Vendor]
contact.email true oak@example.com contact
country true UA [map[catalog:` + s.countries + ` id:1]]
`
		if got := good.short(); got != want {
			t.Errorf("a good one:\n%s", got)
		}
		bad := s.previewed(`{"direction":"in","sample":{"ref":"A-1","balance":"much","country":"XX"}}`)
		if got, want := bad.short(), `false  <nil> VALIDATION_ERROR
name false <nil> <nil> VALIDATION_ERROR
ref true A-1 A-1
balance true much <nil> VALIDATION_ERROR
active false <nil> <nil>
since false <nil> <nil>
kind false <nil> <nil>
contact.email false <nil> <nil>
country true XX <nil> RELATION_NOT_FOUND
`; got != want {
			t.Errorf("a bad one:\n%s", got)
		}
		if a := s.does(200, "GET", "partners?limit=0", ""); *a.Meta.Total != 0 {
			t.Errorf("a preview has written %d records", *a.Meta.Total)
		}
		made := s.does(201, "POST", "partners", `{"name":"Oak","ref":"A-1","kind":"Vendor","country":"UA"}`)
		if again := s.previewed(`{"direction":"in","sample":{"ref":"A-1","balance":1}}`); again.Action != "updated" || again.ID != 1.0 {
			t.Errorf("a change: %s", again.short())
		}
		out := s.previewed(fmt.Sprintf(`{"direction":"out","record_id":%d}`, made.ID))
		if fmt.Sprint(out.Data) != fmt.Sprint(s.values(made)) || !out.OK || len(out.Lines) != 8 || out.Lines[7].Value != "UA" {
			t.Errorf("a record: %v\n%s", out.Data, out.short())
		}
		for _, body := range []string{`{}`, `{"direction":"in"}`, `{"direction":"out"}`, `{"direction":"in","sample":[]}`, `{"direction":"up","sample":{}}`, `[]`, ``,
			`{"direction":"in","sample":{},"record_id":1}`, `{"direction":"in","sample":{},"more":1}`} {
			s.call(400, "POST", "/api/v1/sync/configs/partners/preview", body)
		}
		s.call(404, "POST", "/api/v1/sync/configs/partners/preview", `{"direction":"out","record_id":77}`)
		s.call(404, "POST", "/api/v1/sync/configs/none/preview", `{"direction":"in","sample":{}}`)
	})
}
