package bpiumapi_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

var auditLine = regexp.MustCompile(` GMT Api(?::Record)? (\S+) marker=[0-9a-f]{12} employee=1 origin=api (.*)\n`)

// audited gives the log's lines about structure and employees.
func (s *site) audited() string {
	var b strings.Builder
	for _, m := range auditLine.FindAllStringSubmatch(s.log.text(), -1) {
		b.WriteString(m[1] + " " + m[2] + "\n")
	}
	return b.String()
}

func TestChangesOfStructureAndEmployeesAreLogged(t *testing.T) {
	s := newSite(t, nil)
	idOf := func(answer string) string {
		var v struct{ ID string }
		if err := json.Unmarshal([]byte(answer), &v); err != nil {
			t.Fatal(err)
		}
		return v.ID
	}
	section := idOf(s.must(t, "POST", "/sections", `{"name":"Secret plans"}`))
	s.must(t, "PATCH", "/sections/"+section, `{"name":"Secret plan","icon":"x"}`)
	catalog := idOf(s.must(t, "POST", "/catalogs", `{"name":"Hidden","sectionId":"`+section+`","fields":[{"name":"Title","type":"text"}]}`))
	s.must(t, "POST", "/catalogs/"+catalog+"/records", `{"values":{"1":"quiet value"}}`)
	s.must(t, "PATCH", "/catalogs/"+catalog, `{"history":false}`)
	s.must(t, "POST", "/catalogs/"+catalog+"/clear", `{"name":"Hidden"}`)
	s.must(t, "DELETE", "/catalogs/"+catalog, "")
	s.must(t, "DELETE", "/sections/"+section, "")
	user := idOf(s.must(t, "POST", "/catalogs/$users/records", `{"values":{"$name":"Bob","$email":"bob@example.com"}}`))
	s.must(t, "PATCH", "/catalogs/$users/records/"+user, `{"values":{"$name":"Robert"}}`)
	s.must(t, "PATCH", "/catalogs/$users/records/"+user, `{"values":{"$email":"robert@example.com"}}`)
	s.must(t, "DELETE", "/catalogs/$users/records/"+user, "")
	s.do(t, "PATCH", "/sections/"+section, `{"name":"gone"}`) // refused: nothing to note

	want := []string{
		"section.created section=" + section + " changed=name",
		"section.changed section=" + section + " changed=name,icon",
		"catalog.created catalog=" + catalog + " changed=name,sectionId,fields",
		"catalog.changed catalog=" + catalog + " changed=history",
		"catalog.cleared catalog=" + catalog + " records=1",
		"catalog.deleted catalog=" + catalog,
		"section.deleted section=" + section + ` changed=""`,
		"user.created record=" + user,
		"user.email_changed record=" + user,
		"user.deleted record=" + user,
	}
	if got, want := s.audited(), strings.Join(want, "\n")+"\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for _, secret := range []string{"Secret plan", "Hidden", "quiet value", "Robert"} {
		if strings.Contains(s.log.text(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}
