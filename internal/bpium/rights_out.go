package bpium

import (
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
)

// RightsOptions say how rules are written.
type RightsOptions struct {
	// Language is that of the name of everybody.
	Language string
	// SkipEmpty leaves out objects without rules if there are others.
	SkipEmpty bool
}

// EncodeRights adds rules of objects as JSON.
func EncodeRights(dst []byte, page *catalog.RightsPage, o RightsOptions) []byte {
	w := rightsWriter{writer{b: dst}, page.Structure, page.Titles, o.Language}
	w.open('[')
	for i := range page.Objects {
		if len(page.Objects) > 1 && o.SkipEmpty && len(page.Objects[i].Rules) == 0 {
			continue
		}
		w.element(&page.Objects[i])
	}
	w.end(']')
	return w.b
}

type rightsWriter struct {
	writer
	st       *catalog.Structure
	titles   catalog.Titles
	language string
}

func (w *rightsWriter) element(o *catalog.ObjectRights) {
	w.open('{')
	w.key("object")
	w.open('{')
	if o.Section != nil {
		w.str("sectionId", o.Section.Key)
	} else {
		w.str("catalogId", o.Catalog.Key)
	}
	if o.View != nil {
		w.str("viewId", o.View.Key)
	}
	if o.Record != 0 {
		w.key("recordId")
		w.b = appendRecordID(w.b, o.Code, o.Record)
		w.comma = true
	}
	w.end('}')
	w.key("rules")
	w.open('[')
	for _, rule := range o.Rules {
		w.rule(rule, o.Catalog)
	}
	w.end(']')
	w.texts("privileges", o.Privilege.Codes())
	w.end('}')
}

func (w *rightsWriter) rule(rule *catalog.Rule, c *catalog.Catalog) {
	w.open('{')
	w.ruleHead(rule)
	w.ruleFields(rule, c)
	w.key("rightSubject")
	w.subject(rule.Subject)
	w.end('}')
}

// ruleHead writes what every rule has. Automatic ones are not stored and have no
// number.
func (w *rightsWriter) ruleHead(rule *catalog.Rule) {
	if rule.Auto {
		w.json("id", "null")
		w.str("type", "auto")
	} else {
		w.str("id", strconv.FormatInt(rule.ID, 10))
		w.str("type", "direct")
	}
	w.str("privilegeCode", rule.Privilege.Code())
}

func (w *rightsWriter) ruleFields(rule *catalog.Rule, c *catalog.Catalog) {
	w.key("fields")
	w.open('{')
	if c != nil {
		for _, f := range c.Fields {
			if right, ok := rule.Fields[f.Num]; ok {
				w.str(f.Key, right.Code())
			}
		}
	}
	w.end('}')
}

func (w *rightsWriter) subject(s catalog.Subject) {
	attr, title := w.st.SubjectAttr(s)
	w.open('{')
	w.str("userAttr", attr)
	w.strOrNull("userAttrTitle", title)
	if s == (catalog.Subject{}) {
		for _, name := range []string{"catalogId", "catalogDbId", "catalogIcon", "recordId", "recordDbId"} {
			w.json(name, "null")
		}
		w.str("recordTitle", fault.Msg("All employees").In(w.language))
		w.end('}')
		return
	}
	n := s.Ref.Catalog()
	c := w.st.AnyCatalog(n)
	if c == nil {
		c = &catalog.Catalog{Num: n, Key: strconv.FormatInt(int64(n), 10)}
	}
	of := titleOfRef(w.titles, s.Ref)
	w.str("catalogId", c.Key)
	w.number("catalogDbId", int64(c.Num))
	w.strOrNull("catalogIcon", c.Icon)
	w.key("recordId")
	w.b = appendRecordID(w.b, of.Code, s.Ref.Record())
	w.comma = true
	w.number("recordDbId", int64(s.Ref.Record()))
	w.str("recordTitle", of.Text)
	w.end('}')
}
