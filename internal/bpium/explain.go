package bpium

import (
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// EncodeExplanation adds what an employee may do, and why, as JSON.
func EncodeExplanation(dst []byte, x *catalog.Explanation, language string) []byte {
	w := rightsWriter{writer{b: dst}, x.Structure, x.Titles, language}
	w.open('{')
	w.recordID("userId", catalog.Employees, x.User)
	w.str("userTitle", titleOfRef(x.Titles, query.MakeRef(catalog.Employees, x.User)).Text)
	w.str("catalogId", x.Catalog.Key)
	if x.Record != 0 {
		w.recordID("recordId", x.Catalog.Num, x.Record)
	}
	w.str("privilegeCode", x.Privilege.Code())
	if x.Field != nil {
		w.str("fieldId", x.Field.Key)
		w.str("fieldPrivilegeCode", x.Right.Code())
	}
	w.key("subjects")
	w.open('[')
	for i := range x.Subjects {
		w.verdict(x, &x.Subjects[i])
	}
	w.end(']')
	w.key("views")
	w.open('[')
	for _, v := range x.Views {
		w.open('{')
		w.str("id", v.Key)
		w.str("name", v.Name)
		w.end('}')
	}
	w.end(']')
	w.end('}')
	return w.b
}

func (w *rightsWriter) recordID(name string, c query.Catalog, n query.Record) {
	w.key(name)
	w.b = appendRecordID(w.b, titleOfRef(w.titles, query.MakeRef(c, n)).Code, n)
	w.comma = true
}

func (w *rightsWriter) verdict(x *catalog.Explanation, v *catalog.SubjectVerdict) {
	w.open('{')
	w.key("rightSubject")
	w.subject(v.Subject)
	w.str("privilegeCode", v.Privilege.Code())
	w.key("rules")
	w.open('[')
	for _, rule := range v.Rules {
		w.deciding(x, rule)
	}
	w.end(']')
	if x.Field != nil {
		w.str("fieldPrivilegeCode", v.Right.Code())
		w.key("fieldRules")
		w.open('[')
		for _, rule := range v.Fields {
			w.deciding(x, rule)
		}
		w.end(']')
	}
	w.end('}')
}

// deciding writes a rule with the object that it is on.
func (w *rightsWriter) deciding(x *catalog.Explanation, rule *catalog.Rule) {
	w.open('{')
	w.ruleHead(rule)
	w.key("object")
	w.open('{')
	switch {
	case rule.Section != 0:
		w.str("sectionId", x.Structure.Section(rule.Section).Key)
	default:
		w.str("catalogId", x.Catalog.Key)
	}
	if v := x.Structure.View(rule.View); v != nil {
		w.str("viewId", v.Key)
	}
	if rule.Record != 0 {
		w.recordID("recordId", x.Catalog.Num, rule.Record)
	}
	w.end('}')
	w.ruleFields(rule, x.Catalog)
	w.end('}')
}
