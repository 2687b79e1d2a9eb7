package bpiumapi_test

import (
	"slices"
	"strings"
	"testing"
)

// TestMirrorsOfRights: what administrators read about rules and views through the
// records API, that it can be filtered, and that it is right about what it says.
func TestMirrorsOfRights(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		g := newStage(t, s)
		g.rules(t, "C bob edit 2=view 5=hide; closed south deny; r1 all view; D north search")
		const rights = "/catalogs/$rights/records?skipPrevId=true&sortType=1"
		of := func(filter string) string {
			t.Helper()
			return strings.Join(slices.Sorted(slices.Values(idsOf(t, s.do(t, "GET", rights+"&filters="+esc(filter), ""), "title"))), "; ")
		}
		for filter, want := range map[string]string{
			`{"$object":[{"catalogId":"$catalogs","recordId":"26"}]}`:      "Orders: edit",
			`{"$object":[{"catalogId":"$views","filters":{"$code":"c"}}]}`: "Orders, closed: deny",
			`{"$subject":[{"catalogId":"$users","recordId":"2"}]}`:         "Orders: edit",
			`{"$subjectAttr":"5"}`:                          "Orders, closed: deny; Vendors: search",
			`{"$privileges":["$deny"]}`:                     "Orders, closed: deny",
			`{"$privileges":["$edit"],"$subjectAttr":"id"}`: "Main: admin; Management: admin; Orders: edit; Server: admin",
			`{"$fieldsPrivileges":"$notEmpty"}`:             "Orders: edit",
		} {
			if got := of(filter); got != want {
				t.Errorf("%s: %s, want %s", filter, got, want)
			}
		}
		all := s.must(t, "GET", rights, "")
		for _, part := range []string{
			`"$privileges":["$available","$search","$view","$edit"]`, `"recordTitle":"Amount: view"`, `"recordTitle":"State: hide"`,
			`"$object":[{"sectionId":"3","catalogId":"26","catalogTitle":"Orders","catalogIcon":"transfers-52","recordId":"1","recordTitle":"Chairs","isRemoved":false}],"$subjectAttr":"allUsers","$subject":[]`,
			`"$subjectAttr":"5","$subject":[{"sectionId":"3","catalogId":"25",`,
		} {
			if !strings.Contains(all, part) {
				t.Errorf("no %s in %s", part, all)
			}
		}
		fields := s.must(t, "GET", "/catalogs/$rightFields/records?skipPrevId=true", "")
		for _, part := range []string{`"$field":"2","$privilege":["$view"]`, `"$field":"5","$privilege":["$hide"]`} {
			if !strings.Contains(fields, part) {
				t.Errorf("no %s in %s", part, fields)
			}
		}
		s.must(t, "POST", "/catalogs/26/views", `{"name":"Private","filters":{"1":"x"}}`)
		views := s.must(t, "GET", "/catalogs/$views/records?skipPrevId=true", "")
		if !strings.Contains(views, `"$code":"dear","$filters":"[{\"fieldId\":\"2\",\"value\":{\"at\":50}}]"`) || strings.Contains(views, "Private") {
			t.Errorf("views: %s", views)
		}
		s.must(t, "PATCH", "/catalogs/26/views/dear", `{"forRights":false}`)
		if got := s.must(t, "GET", "/catalogs/$views/records", ""); strings.Contains(got, "dear") {
			t.Errorf("a view that became personal: %s", got)
		}
	})
}
