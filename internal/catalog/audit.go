package catalog

import (
	"context"
	"slices"
	"strings"
)

// audit notes in the log a change that was made and that an incident review
// asks for: who did what to which object. Names and values stay out of it.
func (s *Service) audit(ctx context.Context, a Actor, module, event string, attrs ...any) {
	all := append([]any{"module", module, "employee", int64(a.Employee), "origin", a.Origin}, attrs...)
	s.options.Log.InfoContext(ctx, event, all...)
}

// auditEmployees notes what committed steps did to employees.
func (p *planner) auditEmployees(ctx context.Context) {
	for _, st := range p.steps {
		if st.subject.catalog.Num != Employees {
			continue
		}
		if event := st.employeeEvent(); event != "" {
			p.s.audit(ctx, p.actor, "Api:Record", event, "record", int64(st.subject.record))
		}
	}
}

// employeeEvent names what a step does to an employee, "" for what needs no note.
func (s *step) employeeEvent() string {
	switch s.kind {
	case createStep:
		return "user.created"
	case deleteStep:
		return "user.deleted"
	case updateStep:
		if slices.ContainsFunc(s.changes, func(c change) bool { return c.field.Key == emailKey && c.field.System }) {
			return "user.email_changed"
		}
	}
	return ""
}

// given lists which parts of a section are set, with commas.
func (in SectionInput) given() string {
	return present([]part{
		{"id", in.Key != nil}, {"name", in.Name != nil}, {"icon", in.Icon != nil},
		{"priority", in.Priority != nil}, {"catalogsPriorities", in.CatalogOrder != nil},
	})
}

// given lists which parts of a catalog are set, with commas.
func (in CatalogInput) given() string {
	return present([]part{
		{"id", in.Key != nil}, {"name", in.Name != nil}, {"icon", in.Icon != nil}, {"sectionId", in.Section != nil},
		{"priority", in.Priority != nil}, {"history", in.History != nil},
		{"instruction", in.Instruction != nil}, {"fields", in.Fields != nil},
	})
}

// part is one part of an input and whether the caller gave it.
type part struct {
	name  string
	given bool
}

func present(parts []part) string {
	var names []string
	for _, p := range parts {
		if p.given {
			names = append(names, p.name)
		}
	}
	return strings.Join(names, ",")
}
