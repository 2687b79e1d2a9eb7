package server

import (
	"strings"
	"testing"
)

// TestSyncPreviewScripts: a preview runs the scripts that a request runs, and writes nothing.
func TestSyncPreviewScripts(t *testing.T) {
	eachPython(t, func(s *synced) {
		preview := func(code, sample string) (p previewedConfig) {
			s.read(s.call(200, "POST", "/api/v1/sync/configs/"+code+"/preview", `{"direction":"in","sample":`+sample+`}`), &p)
			return p
		}
		s.scriptedEndpoint("flat", attribute("pre_script", "p = request_data.pop('payload')\nif p['id'] == 'bad': raise UserError('no')\nrequest_data.update(name=p['title'], ref=p['id'], land=p.get('land'))")+
			attribute("post_script", "env['"+s.countries+"'].create({'1': 'by post_script'})"),
			pyLine("python_relational", "land", "8", "evaluate", "env['"+s.countries+"'].create({'1': value, '2': 'XX'}) if value else False", `,"direction":"in"`),
			`{"field":"3","external_key":"balance","default":5}`)
		before := s.count(s.countries)
		want := `true created <nil>
name true  Oak  Oak
ref true A-1 A-1
land true Utopia [map[catalog:` + s.countries + ` id:<nil>]]
balance false <nil> 5
`
		p := preview("flat", `{"payload":{"title":" Oak ","id":"A-1","land":"Utopia"}}`)
		if got := linkedCountries.Replace(p.short()); got != want {
			s.Errorf("a flattened sample:\n%s", got)
		}
		if p := preview("flat", `{"payload":{"title":"Oak","id":"bad"}}`); p.short() != "false  <nil> USER_ERROR\n" {
			s.Errorf("a refused sample:\n%s", p.short())
		}
		if p := preview("flat", `{"title":"Oak"}`); p.short() != "false  <nil> SCRIPT_ERROR\n" {
			s.Errorf("a sample that its script cannot read:\n%s", p.short())
		}
		if s.count(s.partners) != 0 || s.count(s.countries) != before {
			s.Error("previews have written")
		}
		s.does(201, "PUT", "flat", `{"payload":{"title":"Oak","id":"A-1"}}`)
		want = `true unchanged 1
name true Oak Oak
ref true A-1 A-1
land true <nil> <nil>
balance false <nil> <nil>
`
		p = preview("flat", `{"payload":{"title":"Oak","id":"A-1"}}`)
		if got := p.short(); got != want {
			s.Errorf("a change:\n%s", got)
		}
	})
}

// linkedCountries hides the number that a record would have.
var linkedCountries = strings.NewReplacer("id:3]", "id:<nil>]")

// TestSyncPreviewOfChange: a change needs what changes need, and no more.
func TestSyncPreviewOfChange(t *testing.T) {
	eachSynced(t, func(s *synced) {
		s.does(201, "POST", "partners", `{"name":"Oak","ref":"A-1","kind":"Vendor","balance":1}`)
		p := s.previewed(`{"direction":"in","sample":{"ref":"A-1","kind":"Vendor","balance":2}}`)
		want := `true updated 1
name false <nil> <nil>
ref true A-1 A-1
balance true 2 2
active false <nil> <nil>
since false <nil> <nil>
kind true Vendor [Vendor]
contact.email false <nil> <nil>
country false <nil> <nil>
`
		if got := p.short(); got != want {
			s.Errorf("a change:\n%s", got)
		}
		if p := s.previewed(`{"direction":"in","sample":{"ref":"A-1","name":null}}`); p.OK || p.Error == nil || p.Lines[0].Error == nil {
			s.Errorf("a change that is refused:\n%s", p.short())
		}
	})
}
