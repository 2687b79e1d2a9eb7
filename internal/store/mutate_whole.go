package store

import (
	"slices"

	"kartoteka/internal/catalog"
)

// On PostgreSQL a statement costs about as much as a row: it is sent, bound, run
// and answered by itself. There a new record goes into all its tables by one
// statement (tables.InsertWhole), whose lists come as arrays, so that there are
// two for each catalog: with an entry for the history and without.

// wholeSQL are the statements that insert a record with all that belongs to it;
// "" where each table takes its own.
type wholeSQL struct{ logged, quiet string }

func (s wholeSQL) of(m *catalog.Mutation) string {
	if m.History == nil {
		return s.quiet
	}
	return s.logged
}

// whole adds the one statement of a new record.
func (w *writes) whole(p *writePlan, m *catalog.Mutation) error {
	record, at := any(int64(m.Record)), any(m.At)
	args, err := p.appendArgs(make([]any, 0, p.width+wholeArgs), m, record, at)
	if err != nil {
		return err
	}
	l := listsOf(m)
	w.waiting += len(l.slots)
	title := titleOf(m)
	args = append(args, l.fields, record, l.positions, l.targets, record, l.slots, l.folds,
		l.timed, record, l.items, at,
		refOf(m), int64(m.Catalog.Num), title.Text, title.Fold, title.Key, storedCode(codeOf(m)))
	w.run(p.whole.of(m), appendLogArgs(args, m)...)
	return nil
}

// wholeArgs are the arguments of a whole insert after the record's row.
const wholeArgs = 17 + logArgs

// wholeLists are the rows of a new record in tables that have several, by
// column.
type wholeLists struct {
	fields, positions, targets []int64 // refs
	slots                      []int64 // search rows
	folds                      []string
	timed, items               []int64 // option_times
}

func listsOf(m *catalog.Mutation) *wholeLists {
	l := &wholeLists{}
	for i := range m.Cells {
		v := &m.Cells[i]
		if v.Field.Storage().HasRefs() {
			for position, target := range catalog.Targets(v.Value) {
				l.fields = append(l.fields, int64(v.Field.Num))
				l.positions = append(l.positions, int64(position))
				l.targets = append(l.targets, target)
			}
		}
		for _, s := range v.Search {
			l.slots = append(l.slots, int64(v.Field.Slot(s.Part)))
			l.folds = append(l.folds, s.Fold)
		}
	}
	for i, t := range m.Times {
		if slices.Contains(m.Times[:i], t) {
			continue // no row may come twice
		}
		l.timed = append(l.timed, int64(t.Field))
		l.items = append(l.items, int64(t.Item))
	}
	return l
}
