package catalog

import (
	"context"
	"encoding/json"
	"slices"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// Filled is what is put into a card that somebody is editing, as he may see it.
type Filled struct {
	Structure *Structure
	Catalog   *Catalog
	Values    []FilledValue // in the order of the catalog's fields
	// Gone tells of linked records that they were removed.
	Gone func(query.Ref) bool
	// Refused are values that the card could not be saved with.
	Refused []RefusedValue
}

// FilledValue is a field's value as AppendHistoryJSON puts it.
type FilledValue struct {
	Field *Field
	Value json.RawMessage
}

// RefusedValue is a value of one of the sets that its field does not take. The actor sees
// the field.
type RefusedValue struct {
	Set    int
	Detail fault.Detail
}

// Fill merges sets of values that programs want in a card: of each field the last
// one counts that can be saved. What the actor may not see is left out, also what
// is wrong with it; what he may only see is not. It fails like Edit.
func (s *Service) Fill(ctx context.Context, a Actor, c query.Catalog, record query.Key, sets [][]FieldValue) (*Filled, error) {
	var filled *Filled
	err := s.viewAs(ctx, a, func(st *Structure, r Reader) error {
		e := &editing{planner: planner{s: s, actor: a, looks: true}}
		if err := e.begin(ctx, st, r, 1); err != nil {
			return err
		}
		if err := e.find(ctx, Card{Catalog: c, Record: record}); err != nil {
			return err
		}
		// Each set is a step: all are read at once.
		main := e.step
		steps := make([]*step, len(sets))
		for i, set := range sets {
			e.step = &step{kind: main.kind, subject: main.subject, whole: main.whole}
			steps[i] = e.step
			e.steps = append(e.steps, e.step)
			for _, v := range set {
				if err := e.give(ctx, v); err != nil {
					return err
				}
			}
		}
		e.step = main
		if err := e.read(ctx); err != nil {
			return err
		}
		if err := e.may(); err != nil {
			return err
		}
		var err error
		filled, err = e.fill(ctx, steps)
		return err
	})
	return filled, err
}

// fill merges the values of the steps.
func (e *editing) fill(ctx context.Context, steps []*step) (*Filled, error) {
	c := e.step.subject.catalog
	titles := e.titles.without(e.hidden)
	filled := &Filled{Structure: e.st, Catalog: c, Gone: func(ref query.Ref) bool {
		return titles[ref].Removed || e.st.Catalog(ref.Catalog()) == nil
	}}
	if !e.access.may(account.Reads, c) {
		return filled, nil
	}
	for _, f := range c.Fields {
		if !f.told() || f.kept() || !e.access.Readable(f) || e.right(e.step, f) < ViewField {
			continue
		}
		some, value := false, Value(nil)
		for i, s := range steps {
			given := indexOf(s.given, f.Num, 0)
			if given < 0 {
				continue
			}
			v, detail, err := e.accept(ctx, s, f, s.subject.value(f), s.given[given].Value)
			switch {
			case err != nil:
				return nil, err
			case detail != nil:
				filled.Refused = append(filled.Refused, RefusedValue{i, *detail})
			default:
				some, value = true, v
			}
		}
		if some {
			filled.Values = append(filled.Values, FilledValue{f, AppendHistoryJSON(nil, f, value, titles)})
		}
	}
	slices.SortStableFunc(filled.Refused, func(a, b RefusedValue) int { return a.Set - b.Set })
	return filled, nil
}
