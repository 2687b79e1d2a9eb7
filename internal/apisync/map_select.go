package apisync

import (
	"slices"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// selector collects what has to be read.
type selector struct {
	x    *Exchange
	in   bool     // for lines that read what others send as well
	only []string // external keys of the first level; nil for all
}

func (s *selector) lines(sel *catalog.Selection, p *plan, depth int) {
	if p.Catalog == nil || depth > maxMappings {
		return
	}
	for _, l := range p.lines {
		wanted := l.Out() && (depth > 0 || s.only == nil || slices.Contains(s.only, l.ExternalKey)) || s.in && depth == 0
		if wanted && l.why.Format == "" {
			s.line(sel, p, l, depth)
		}
	}
}

// line adds the fields on the way to what a line shows, and what is shown of records
// that it links.
func (s *selector) line(sel *catalog.Selection, p *plan, l *mapLine, depth int) {
	last := len(l.Path) - 1
	for i, f := range l.Path {
		add(sel, f)
		if i == last && l.System == "" {
			s.linked(sel, l, f, depth)
			return
		}
		sel = below(sel, f, onlyLinked(p.State.Structure, f).Num)
	}
	if l.System == "active" {
		c := p.Catalog
		if last >= 0 {
			c = onlyLinked(p.State.Structure, l.Path[last])
		}
		if f := p.State.activeField(c); f != nil {
			add(sel, f)
		}
	}
}

// linked adds what is shown of the records that a line's field links.
func (s *selector) linked(sel *catalog.Selection, l *mapLine, f *catalog.Field, depth int) {
	if !l.related() {
		if mail := s.x.mailField(); f.HoldsEmployees() && mail != nil && l.RelationOutput == "" {
			add(below(sel, f, catalog.Employees), mail)
		}
		return
	}
	m := l.Mapping.mapping()
	if depth >= maxMappings {
		return
	}
	switch l.output() {
	case identifierOutput:
		s.line(below(sel, f, m.Catalog.Num), m, m.identifier, depth+1)
	case objectOutput:
		s.lines(below(sel, f, m.Catalog.Num), m, depth+1)
	}
}

func add(sel *catalog.Selection, f *catalog.Field) {
	if !slices.Contains(sel.Fields, f) {
		sel.Fields = append(sel.Fields, f)
	}
}

// below is the selection of the records of a catalog that a field links.
func below(sel *catalog.Selection, f *catalog.Field, n query.Catalog) *catalog.Selection {
	if sel.Linked == nil {
		sel.Linked = map[query.Field]map[query.Catalog]*catalog.Selection{}
	}
	if sel.Linked[f.Num] == nil {
		sel.Linked[f.Num] = map[query.Catalog]*catalog.Selection{}
	}
	if sel.Linked[f.Num][n] == nil {
		sel.Linked[f.Num][n] = &catalog.Selection{Fields: []*catalog.Field{}}
	}
	return sel.Linked[f.Num][n]
}

// mailField is the employees' e-mail, nil when the actor may not see it.
func (x *Exchange) mailField() *catalog.Field { return x.employeeField("$email") }

func (x *Exchange) employeeField(key string) *catalog.Field {
	c := x.scope.Structure.Catalog(catalog.Employees)
	if c == nil {
		return nil
	}
	f := c.FieldByKey(key)
	if f == nil || !x.scope.Access.Readable(f) {
		return nil
	}
	return f
}

// The values of relation_output.
const (
	identifierOutput = "identifier"
	idOutput         = "id"
	nameOutput       = "name"
	objectOutput     = "object"
)

// output is how the line shows linked records.
func (l *mapLine) output() string {
	switch {
	case !l.related():
		if l.RelationOutput == nameOutput {
			return nameOutput
		}
		return idOutput
	case l.RelationOutput == idOutput, l.RelationOutput == nameOutput, l.RelationOutput == objectOutput:
		return l.RelationOutput
	}
	if p := l.Mapping.mapping(); p.identifier == nil || p.identifier.why.Format != "" || p.identifier.scripted() {
		return objectOutput
	}
	return identifierOutput
}
