package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// Refused tells whether somebody's right, catalog or view is gone, not the database.
func Refused(err error) bool {
	var f *fault.Error
	return errors.As(err, &f) && f.Code != fault.Unavailable && f.Code != fault.Internal && f.Code != ""
}

// tell works out what the sights show of the stories.
func (sc *scene) tell(ctx context.Context, l *looking) error {
	if sc.cleared || len(sc.stories) == 0 {
		return nil
	}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(sc.stories)), membersAtOnce) {
		p := &past{scene: sc, st: l.st, r: l.r, linked: map[string]map[query.Ref]bool{}}
		if err := p.begin(ctx, chunk); err != nil {
			return err
		}
		for _, n := range chunk {
			states, err := p.states(ctx, sc.stories[n])
			if err != nil {
				return err
			}
			for key, sight := range sc.sights {
				l.Told[key] = sight.judge(l.Told[key], sc.stories[n], states, sc.places(sight))
			}
		}
	}
	for key := range sc.sights {
		if len(l.Told[key]) == 0 {
			delete(l.Told, key)
			continue
		}
		slices.SortFunc(l.Told[key], func(a, b Told) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	return nil
}

// places are where the bits of a sight's conditions are among those of the scene.
func (sc *scene) places(s *Sight) []int {
	list := make([]int, len(s.texts))
	for i, text := range s.texts {
		list[i] = sc.at[text]
	}
	return list
}

// judge adds what the sight shows of a record's story. states are those before the
// entries and after the last one: the bits of all conditions, nil for a record that
// is not there.
func (s *Sight) judge(told []Told, of *story, states []Bits, places []int) []Told {
	bits := func(state Bits) (Bits, bool) {
		if state == nil {
			return nil, false
		}
		own := make(Bits, len(places))
		for i, at := range places {
			own[i] = state[at]
		}
		return own, s.sees(of.record, own)
	}
	was, before := bits(states[0])
	for i := range of.entries {
		e := &of.entries[i]
		is, after := bits(states[i+1])
		if t, some := s.telling(e, of.record, was, is, before, after); some && e.seq != 0 {
			told = append(told, t)
		}
		was, before = is, after
	}
	return told
}

// telling is what one change of a record is to who sees it before it, after it, or
// both.
func (s *Sight) telling(e *entry, n query.Record, was, is Bits, before, after bool) (t Told, some bool) {
	t = Told{Seq: e.seq, At: e.at, Record: n}
	switch {
	case before && after:
		uncovered, covered := s.uncovered(n, was, is)
		t.Kind, t.Changed = ToldUpdated, append(s.shown(e.fields, n, is), uncovered...)
		some = covered || len(t.Changed) > 0
	case after:
		t.Kind, t.Changed, some = ToldCreated, s.shown(e.fields, n, is), true
	case before:
		t.Kind, some = ToldGone, true
	}
	slices.SortFunc(t.Changed, func(a, b *Field) int { return cmp.Compare(s.place(a), s.place(b)) })
	t.Changed = slices.Compact(t.Changed)
	return t, some
}

// place is where a field stands in the catalog.
func (s *Sight) place(f *Field) int { return slices.Index(s.catalog.Fields, f) }

// begin reads which conditions the records satisfy now, and what the conditions look
// at of them.
func (p *past) begin(ctx context.Context, records []query.Record) (err error) {
	if len(p.nodes) == 0 {
		return nil
	}
	p.now = map[query.Record]Bits{}
	done := 0
	for nodes := range slices.Chunk(p.nodes, MaxMembers) {
		some, err := p.r.Members(ctx, p.st, p.catalog, records, nodes)
		if err != nil {
			return fmt.Errorf("read which conditions changed records satisfy: %w", err)
		}
		for n, bits := range some {
			if p.now[n] == nil {
				p.now[n] = make(Bits, len(p.nodes))
			}
			copy(p.now[n][done:], bits)
		}
		done += len(nodes)
	}
	var fields []*Field
	for _, f := range p.catalog.Fields {
		if p.needs[f.Num] && f.Storage() != NoStorage {
			fields = append(fields, f)
		}
	}
	p.page, err = p.r.Rows(ctx, p.catalog, fields, records)
	if err != nil {
		return fmt.Errorf("read changed records: %w", err)
	}
	p.rows = make(map[query.Record]int, p.page.Len())
	for i := range p.page.Len() {
		p.rows[p.page.Record(i)] = i
	}
	return nil
}
