package catalog

import (
	"context"
	"fmt"
	"slices"

	"kartoteka/internal/query"
)

// number gives new records and new files their numbers and puts them where
// links name the records.
func (p *planner) number(ctx context.Context) error {
	if !p.numbered() {
		for _, d := range p.needs {
			if err := p.numberRecords(ctx, d.catalog); err != nil {
				return err
			}
		}
	}
	if err := p.numberFiles(ctx); err != nil {
		return err
	}
	if len(p.fresh) == 0 {
		return nil
	}
	for _, s := range p.steps {
		for i := range s.changes {
			p.renumber(s.changes[i].new)
		}
	}
	return nil
}

func (p *planner) numberRecords(ctx context.Context, c *Catalog) error {
	var waiting []*subject
	for _, sub := range p.fresh {
		if sub.catalog == c && !sub.reserved {
			waiting = append(waiting, sub)
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	first, err := p.s.store.Reserve(ctx, c.Num, len(waiting))
	if err != nil {
		return fmt.Errorf("reserve record numbers: %w", err)
	}
	for i, sub := range waiting {
		sub.record = first + query.Record(i)
	}
	return nil
}

// renumber replaces the placeholders of new records among links. The slice is
// the plan's own.
func (p *planner) renumber(v Value) {
	links, _ := v.(Links)
	for i, l := range links {
		if sub := p.subjects[l.Ref()]; sub != nil && sub.fresh {
			links[i].Record = sub.record
		}
	}
}

// numberFiles numbers the new entries of file fields.
func (p *planner) numberFiles(ctx context.Context) error {
	var fresh []*File
	for _, s := range p.steps {
		for _, c := range s.changes {
			files, _ := c.new.(Files)
			for i := range files {
				if files[i].ID == 0 {
					fresh = append(fresh, &files[i])
				}
			}
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	numbers := make([]int64, len(fresh))
	err := p.s.update(ctx, Interactive, nil, func(_ *Structure, w Writer) (err error) {
		for i := range numbers {
			if numbers[i], err = w.Next(ctx, FileCounter); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("number files: %w", err)
	}
	for i, f := range fresh {
		f.ID = numbers[i]
	}
	return nil
}

// mutations works out what the store writes, in the order of the steps.
func (p *planner) mutations() []Mutation {
	p.retitled()
	list := make([]Mutation, 0, len(p.steps))
	for _, s := range p.steps {
		if !s.writes() {
			continue
		}
		p.jsonOf(s)
		list = append(list, p.mutation(s))
		s.subject.version++
		s.subject.updated = p.moment.Now
	}
	return list
}

// writes tells whether a step changes the record at all.
func (s *step) writes() bool {
	switch s.kind {
	case commentStep:
		return false
	case updateStep:
		return len(s.changes) > 0 || s.code != nil
	}
	return true
}

func (p *planner) mutation(s *step) Mutation {
	m := Mutation{
		Catalog: s.subject.catalog, Record: s.subject.record, Version: s.subject.version,
		At: p.moment.Now, Code: s.code,
		Change:  ChangeRow{Actor: p.actor.Employee, Origin: p.actor.Origin, Values: p.changeJSON(s), Fires: p.fires(s)},
		History: p.history(s),
	}
	switch s.kind {
	case createStep:
		m.Kind = InsertRecord
		s.subject.created = p.moment.Now
	case updateStep:
		m.Kind = UpdateRecord
	case deleteStep:
		m.Kind, m.Trash = RemoveRecord, p.trashJSON(s)
		return m
	}
	m.Cells = s.cells()
	m.Times = s.times()
	if s.retitle {
		m.Title = s.newTitle()
	}
	return m
}

func (s *step) cells() []StoredValue {
	cells := make([]StoredValue, 0, len(s.changes))
	for _, c := range s.changes {
		if c.old != nil || c.new != nil {
			cells = append(cells, StoredOf(c.field, c.new))
		}
	}
	return cells
}

// times are the options that the record enters and leaves.
func (s *step) times() (times []ItemTime) {
	for _, c := range s.changes {
		times = appendTimes(times, c.field, c.old, c.new)
	}
	return times
}

// appendTimes adds the options that a change of a field's value enters and leaves.
func appendTimes(times []ItemTime, f *Field, before, after Value) []ItemTime {
	if !f.Storage().HasItems() {
		return times
	}
	old, _ := before.(Items)
	now, _ := after.(Items)
	for _, item := range old {
		if !slices.Contains(now, item) {
			times = append(times, ItemTime{f.Num, item, false})
		}
	}
	for _, item := range now {
		if !slices.Contains(old, item) {
			times = append(times, ItemTime{f.Num, item, true})
		}
	}
	return times
}

// retitled notes the titles that the steps give before anything that links
// their records is put into JSON.
func (p *planner) retitled() {
	for _, s := range p.steps {
		if !s.retitle {
			continue
		}
		if p.titles == nil {
			p.titles = Titles{}
		}
		p.titles[query.MakeRef(s.subject.catalog.Num, s.subject.record)] = Title{
			Text: s.subject.titleText(), Code: s.subject.code, Removed: s.subject.removed,
		}
	}
}

// newTitle is the title after the step, nil if it is the old one. (With several
// steps on one record each writes the last title, which is the same in the end.)
func (s *step) newTitle() *TitleRow {
	title := s.subject.titleText()
	if s.kind == updateStep && title == s.subject.title {
		return nil
	}
	s.subject.title = title
	row := NewTitleRow(title)
	return &row
}

// titleText is what the record is called now.
func (s *subject) titleText() string {
	var value Text
	if f := s.catalog.Title(); f != nil {
		value, _ = s.value(f).(Text)
	}
	return TitleText(string(value), s.record, s.code)
}
