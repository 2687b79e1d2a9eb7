package catalog

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// check works out what a step changes and moves its subject on. All failures
// of values of one operation are reported together.
func (p *planner) check(ctx context.Context, s *step) error {
	if !s.subject.found || s.subject.removed {
		return s.missing()
	}
	if !s.subject.fresh {
		if err := need(p.rights[s.subject.catalog].privilege(s.subject.record), s.want); err != nil {
			return err
		}
	}
	var details []fault.Detail
	var err error
	switch s.kind {
	case createStep:
		details, err = p.checkCreate(ctx, s)
	case updateStep:
		details, err = p.checkUpdate(ctx, s)
	case deleteStep:
		p.checkDelete(s)
	}
	if err != nil {
		return err
	}
	if s.kind == createStep || s.kind == updateStep {
		more, err := p.checkStart(ctx, s)
		if err != nil {
			return err
		}
		details = append(details, more...)
	}
	details = append(details, p.checkSchedule(s, details)...)
	if p.hidesFilled(s, details) {
		return fault.New(fault.Rejected, "A scenario failed, so the change was not made")
	}
	p.details = append(p.details, outward(s.through, details...)...)
	if len(p.details) > 0 && !p.more(s) {
		return fault.Invalid(p.details)
	}
	s.remember()
	s.subject.apply(s)
	return nil
}

// missing is the failure of a step on a record that is not there.
func (s *step) missing() error {
	if last := len(s.through) - 1; last >= 0 {
		l := Link{Link: query.Link{Key: query.Key{Record: s.subject.record}}}
		return fault.Invalid(outward(s.through[:last], *missingLink(s.through[last], l)))
	}
	return noRecord()
}

// more tells whether another step of the same operation follows.
func (p *planner) more(s *step) bool {
	i := slices.Index(p.steps, s) + 1
	return i < len(p.steps) && p.steps[i].op == s.op
}

func (p *planner) checkCreate(ctx context.Context, s *step) (details []fault.Detail, err error) {
	hint := 0
	for _, f := range s.subject.catalog.Fields {
		if f.Storage() == NoStorage {
			continue
		}
		v, named := Value(nil), false
		if i := indexOf(s.given, f.Num, hint); i >= 0 {
			v, named, hint = s.given[i].Value, true, i+1
		}
		v, detail, err := p.startValue(ctx, s, f, v, named)
		switch {
		case err != nil:
			return nil, err
		case detail != nil:
			details = append(details, *detail)
		case v != nil || named:
			s.changes = append(s.changes, change{field: f, new: v})
		}
		if detail == nil && mustHave(f) && empty(v) {
			details = append(details, missing(f))
		}
	}
	s.retitle = true
	return details, nil
}

// startValue is the value of a field of a new record: the given one, else the
// field's default.
func (p *planner) startValue(ctx context.Context, s *step, f *Field, v Value, named bool) (Value, *fault.Detail, error) {
	initial := f.Type.Initial(f, p.moment)
	if !named {
		return p.accept(ctx, s, f, nil, initial)
	}
	right := p.writeRight(s, f)
	if right == HideField {
		return nil, nil, hidden(f)
	}
	if f.kept() {
		return nil, nil, nil
	}
	v, detail, err := p.accept(ctx, s, f, nil, v)
	switch {
	case err != nil:
		return nil, nil, err
	case right == EditField:
		return v, detail, nil
	case detail != nil || !same(v, initial):
		return nil, nil, readonly(f)
	}
	return initial, nil, nil
}

func (p *planner) checkUpdate(ctx context.Context, s *step) (details []fault.Detail, err error) {
	if s.code, err = p.newCode(s); err != nil {
		return nil, err
	}
	var refused []query.Field
	for _, g := range s.given {
		f := s.subject.catalog.Field(g.Field)
		right := p.writeRight(s, f)
		if right == HideField {
			return nil, hidden(f)
		}
		if f.kept() {
			continue
		}
		old := s.subject.value(f)
		v, detail, err := p.accept(ctx, s, f, old, g.Value)
		switch {
		case err != nil:
			return nil, err
		case detail != nil && right < EditField:
			return nil, readonly(f) // what cannot be a value is not the stored one
		case detail != nil:
			details = append(details, *detail)
			refused = append(refused, f.Num)
		case same(v, old):
		case right < EditField:
			return nil, readonly(f)
		default:
			s.changes = append(s.changes, change{field: f, old: old, new: v})
		}
	}
	if len(s.given) == 0 {
		return nil, nil // a field that was made required later hinders no write without values
	}
	for _, f := range s.subject.catalog.Fields {
		if mustHave(f) && !slices.Contains(refused, f.Num) && empty(s.result(f)) {
			details = append(details, missing(f))
		}
	}
	return details, nil
}

// result is what the field has after the step.
func (s *step) result(f *Field) Value {
	for _, c := range s.changes {
		if c.field == f {
			return c.new
		}
	}
	return s.subject.value(f)
}

// newCode is the custom id to set, nil for none. Naming the id that the record
// has, be it its number, is no change.
func (p *planner) newCode(s *step) (*string, error) {
	if s.code == nil || *s.code == s.subject.code {
		return nil, nil
	}
	code := *s.code
	if s.subject.code == "" && code == strconv.FormatInt(int64(s.subject.record), 10) {
		return nil, nil
	}
	if code != "" && !keyForm.MatchString(code) {
		return nil, badCode(code)
	}
	if err := need(p.privilege(s), AccessPrivilege); err != nil {
		return nil, err
	}
	return &code, nil
}

func (p *planner) checkDelete(s *step) {
	for _, f := range s.subject.catalog.Fields {
		if f.Storage() == NoStorage {
			continue
		}
		if old := s.subject.value(f); old != nil {
			s.changes = append(s.changes, change{field: f, old: old})
		}
	}
}

// accept checks a value that is to replace old. The employees' password is
// taken out: it is kept by the directory and never in the record.
func (p *planner) accept(ctx context.Context, s *step, f *Field, old, v Value) (Value, *fault.Detail, error) {
	if files, ok := v.(Files); ok && f.Storage() == FilesStorage {
		had, _ := old.(Files)
		resolved, detail := p.resolveFiles(f, had, files)
		if detail != nil {
			return nil, detail, nil
		}
		v = resolved
	}
	v, detail := AcceptValue(f, v, p.s.options.TextMax)
	if detail != nil {
		return nil, detail, nil
	}
	if links, ok := v.(Links); ok {
		had, _ := old.(Links)
		access := p.access
		if s.fills(f.Num) {
			access = p.system
		}
		if detail, err := p.checkLinks(ctx, access, f, had, links); detail != nil || err != nil {
			return nil, detail, err
		}
	}
	if f.System && !same(v, old) {
		if detail := checkSystem(f, v); detail != nil {
			return nil, detail, nil
		}
	}
	if isPassword(f) {
		if p.writeRight(s, f) < EditField {
			return nil, nil, readonly(f)
		}
		t, _ := v.(Text)
		s.password = string(t)
		return nil, nil, nil
	}
	return v, nil, nil
}

// apply moves the subject to the state after the step.
func (s *subject) apply(st *step) {
	if st.kind == deleteStep {
		s.removed = true
		return
	}
	for _, c := range st.changes {
		s.changed = append(s.changed, FieldValue{c.field.Num, c.new})
		st.retitle = st.retitle || c.field == s.catalog.Title()
	}
	if st.code != nil {
		s.code, st.retitle = *st.code, true
	}
}

// indexOf finds a field's value, -1 if it has none. Callers that keep the
// order of the card pass the last index plus one as a hint.
func indexOf(values []FieldValue, f query.Field, hint int) int {
	if hint < len(values) && values[hint].Field == f {
		return hint
	}
	return slices.IndexFunc(values, func(v FieldValue) bool { return v.Field == f })
}

// mustHave tells whether a record may not be saved without a value.
func mustHave(f *Field) bool {
	if !f.Required || isPassword(f) {
		return false
	}
	storage := f.Storage()
	return storage != NoStorage && storage != BoolStorage
}

func empty(v Value) bool {
	t, ok := v.(Text)
	return v == nil || ok && blank(string(t))
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

func missing(f *Field) fault.Detail {
	return fault.Field(f.Key, fault.Required, "%s: a value is required", f.Name)
}

// right is what the actor may do with a field of the step's record.
func (p *planner) right(s *step, f *Field) FieldRight {
	if s.subject.fresh {
		return p.access.settable(f)
	}
	return p.rights[s.subject.catalog].field(f, s.subject.record)
}

// privilege is the actor's on the step's record; on one that is being made,
// that on its catalog.
func (p *planner) privilege(s *step) Privilege {
	if s.subject.fresh {
		return p.access.Catalog(s.subject.catalog)
	}
	return p.rights[s.subject.catalog].privilege(s.subject.record)
}

func hidden(f *Field) error {
	return fault.New(fault.FieldHidden, "You have no access to the field %s", f.Key)
}

func readonly(f *Field) error {
	return fault.New(fault.FieldReadonly, "You may not change the field %s", f.Key)
}

// same compares two accepted values of one field; nil is no value.
func same(a, b Value) bool {
	switch a := a.(type) {
	case Items:
		b, ok := b.(Items)
		return ok && slices.Equal(a, b)
	case Links:
		b, ok := b.(Links)
		return ok && slices.EqualFunc(a, b, func(x, y Link) bool { return x.Ref() == y.Ref() })
	case Contacts:
		b, ok := b.(Contacts)
		return ok && slices.Equal(a, b)
	case Address:
		b, ok := b.(Address)
		return ok && a.Value == b.Value && bytes.Equal(storedJSON(a), storedJSON(b))
	case Files:
		b, ok := b.(Files)
		return ok && bytes.Equal(storedJSON(a), storedJSON(b))
	}
	switch b.(type) {
	case Items, Links, Contacts, Address, Files:
		return false
	}
	return a == b
}
