package catalog

import (
	"context"
	"slices"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// filling are the values that subscriptions want in a write they were asked about.
// The write is worked out anew with them, and nobody is asked again.
type filling struct {
	of     *planner             // what they were asked about
	values map[int][]FieldValue // by step, later ones of a field count
}

// fill adds the values to the steps, whose actor needs no right on these fields.
// Linked records are neither made nor changed by them.
func (p *planner) fill(ctx context.Context) error {
	if p.filling == nil {
		return nil
	}
	of := p.filling.of
	if p.st != of.st || len(p.steps) != len(of.steps) {
		return ErrMoved
	}
	var err error
	if p.system, err = p.s.access(ctx, p.st, p.r, Actor{System: true}); err != nil {
		return err
	}
	for i, s := range p.steps {
		if s.kind != createStep && s.kind != updateStep {
			continue
		}
		for _, v := range p.filling.values[i] {
			if err := p.put(ctx, s, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// put puts a value into a step in place of the given one.
func (p *planner) put(ctx context.Context, s *step, v FieldValue) error {
	f := s.subject.catalog.Field(v.Field)
	if f == nil || f.Storage() == NoStorage || f.kept() {
		return nil
	}
	var err error
	if v.Value, err = p.onlyThere(ctx, f, v.Value); err != nil {
		return err
	}
	if s.kind == updateStep {
		p.needed(s.subject.catalog).want(f)
	}
	s.filled = append(s.filled, f.Num)
	if i := indexOf(s.given, v.Field, 0); i >= 0 {
		s.given = slices.Clone(s.given)
		s.given[i] = v
		return nil
	}
	s.given = append(slices.Clip(s.given), v)
	return nil
}

// onlyThere is a value without linked records that are still to be made and changes
// of linked ones. Its links are resolved and its files noted.
func (p *planner) onlyThere(ctx context.Context, f *Field, v Value) (Value, error) {
	if links, ok := v.(Links); ok && f.Storage() == LinksStorage {
		there := make(Links, 0, len(links))
		for _, l := range links {
			if !l.Create {
				there = append(there, Link{Link: l.Link, Self: l.Self})
			}
		}
		return p.resolveLinks(ctx, f, there)
	}
	p.noteFiles(v)
	return v, nil
}

// unmoved makes sure that the records are those that subscriptions were asked about.
func (p *planner) unmoved() error {
	if p.filling == nil {
		return nil
	}
	for i, s := range p.steps {
		was := p.filling.of.steps[i]
		if s.kind != was.kind || s.subject.catalog.Num != was.subject.catalog.Num || s.subject.fresh != was.subject.fresh {
			return ErrMoved
		}
		if !s.subject.fresh && (s.subject.record != was.subject.record || p.filling.version(was.subject) != s.subject.version) {
			return ErrMoved
		}
	}
	return nil
}

// version is what a record had before the steps that were worked out.
func (f *filling) version(sub *subject) int64 {
	if sub.page == nil {
		return sub.version
	}
	return sub.page.Version(sub.row)
}

// numbered gives new records the numbers that they had got before.
func (p *planner) numbered() bool {
	if p.filling == nil || len(p.fresh) != len(p.filling.of.fresh) {
		return false
	}
	for i, sub := range p.fresh {
		sub.record = p.filling.of.fresh[i].record
	}
	return true
}

// fills tells whether a subscription wants the field's value.
func (s *step) fills(f query.Field) bool { return slices.Contains(s.filled, f) }

// writeRight is right for what is written: of what a subscription wants it is
// complete.
func (p *planner) writeRight(s *step, f *Field) FieldRight {
	if s.fills(f.Num) {
		return EditField
	}
	return p.right(s, f)
}

// hidesFilled tells whether something is wrong with a value that a subscription wants
// in a field that is hidden from the actor: he is not told what.
func (p *planner) hidesFilled(s *step, details []fault.Detail) bool {
	return slices.ContainsFunc(details, func(d fault.Detail) bool {
		f := s.subject.catalog.FieldByKey(d.Field)
		return f != nil && s.fills(f.Num) && p.right(s, f) < ViewField
	})
}
