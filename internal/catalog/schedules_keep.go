package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"kartoteka/internal/job"
	"kartoteka/internal/query"
)

// fixedAtOnce bounds the events of one transaction.
const fixedAtOnce = 100

// NoteSchedules writes into the records of events when they are due next, after
// their schedules have moved on. Those of other queues are left out.
func (s *Service) NoteSchedules(ctx context.Context, moved []job.Schedule) error {
	var list []query.Record
	for _, m := range moved {
		if n, ok := scheduledEvent(m); ok {
			list = append(list, n)
		}
	}
	return s.fixSchedules(ctx, list)
}

// scheduledEvent is the record of events that has a schedule.
func scheduledEvent(m job.Schedule) (query.Record, bool) {
	ref := query.Ref(m.Target)
	return ref.Record(), m.Queue == ScenarioQueue && ref.Catalog() == Events
}

// KeepSchedules puts right what differs between the records of events and their
// schedules: the company's time zone is another one, say, or a node ended between
// the two.
func (s *Service) KeepSchedules(ctx context.Context) error {
	list, err := s.store.Schedules(ctx, "", 0)
	if err != nil {
		return err
	}
	var wrong []query.Record
	err = s.view(ctx, func(st *Structure, r Reader) error {
		wrong = nil
		has := map[query.Record]job.Schedule{}
		for _, m := range list {
			if n, ok := scheduledEvent(m); ok {
				has[n] = m
			}
		}
		err := st.eachRow(ctx, r, Events, eventsKey, func(page *Page, row int) bool {
			n := page.Record(row)
			want, next := s.scheduleOf(st, page, row)
			if want.Spec != has[n].Spec || next != has[n].Next || want.Next != 0 && next == 0 {
				wrong = append(wrong, n)
			}
			delete(has, n)
			return true
		})
		for n := range has {
			wrong = append(wrong, n)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("compare events with their schedules: %w", err)
	}
	return s.fixSchedules(ctx, wrong)
}

// scheduleOf is the schedule that a row of events asks for, without a Next for none,
// and the next time that it has.
func (s *Service) scheduleOf(st *Structure, page *Page, row int) (want job.Schedule, next int64) {
	c := st.Catalog(Events)
	value := func(f *Field) Value {
		j := page.Column(f.Num)
		if j < 0 {
			return nil
		}
		return CellValue(f, page, page.Cell(row, j))
	}
	if f := c.FieldByKey(eventNextKey); f != nil {
		t, _ := value(f).(Time)
		next = int64(t)
	}
	want = timingOf(c, value).plan(s.zone().String(), s.options.Now())
	want.Target = eventTarget(page.Record(row))
	return want, next
}

// fixSchedules sets the schedules of events as their records say, and writes into
// these when they are due next.
func (s *Service) fixSchedules(ctx context.Context, events []query.Record) error {
	slices.Sort(events)
	for chunk := range slices.Chunk(events, fixedAtOnce) {
		err := ErrMoved
		for n := 0; n < maxAttempts && errors.Is(err, ErrMoved); n++ {
			err = s.update(ctx, Job, []query.Catalog{Events}, func(st *Structure, w Writer) error { return s.fix(ctx, st, w, chunk) })
		}
		if err != nil {
			return fmt.Errorf("set the schedules of events: %w", err)
		}
	}
	return nil
}

// fix is fixSchedules within a transaction. Every record is written, so that one that
// somebody else is changing makes it fail with ErrMoved. It fires nothing and leaves no
// history, nor the time of the record's last change.
func (s *Service) fix(ctx context.Context, st *Structure, w Writer, events []query.Record) error {
	c := st.Catalog(Events)
	f := c.FieldByKey(eventNextKey)
	page, err := w.Rows(ctx, c, systemColumns(c), events)
	if err != nil {
		return err
	}
	gone := slices.Clone(events)
	var list []Mutation
	for i := range page.Len() {
		n := page.Record(i)
		gone = slices.DeleteFunc(gone, func(g query.Record) bool { return g == n })
		want, had := s.scheduleOf(st, page, i)
		next := Value(nil)
		if want.Next == 0 {
			err = w.DropSchedules(ctx, ScenarioQueue, want.Target)
		} else if want.Next, err = w.PutSchedule(ctx, want); want.Next != 0 {
			next = Time(want.Next)
		}
		if err != nil {
			return err
		}
		before := Value(nil)
		if had != 0 {
			before = Time(had)
		}
		change := mirrorChange([]*Field{f}, []Value{before}, []Value{next})
		change.Origin = hookOrigin
		list = append(list, Mutation{
			Kind: UpdateRecord, Catalog: c, Record: n, Version: page.Version(i), At: page.Updated(i),
			Cells: []StoredValue{StoredOf(f, next)}, Change: change,
		})
	}
	for _, n := range gone {
		if err := w.DropSchedules(ctx, ScenarioQueue, eventTarget(n)); err != nil {
			return err
		}
	}
	if len(list) == 0 {
		return nil
	}
	return w.Write(ctx, list)
}

// ScheduledRun is what a time of a schedule starts.
type ScheduledRun struct {
	Script  query.Record
	Catalog string // the public id of the event's
}

// ScheduledRun finds what a record of events starts at its times, nil when it is off
// or has none by now.
func (s *Service) ScheduledRun(ctx context.Context, event query.Record) (*ScheduledRun, error) {
	st, err := s.fresh(ctx)
	if err != nil {
		return nil, err
	}
	h := st.Scenario(event)
	if h == nil || !h.StartsAtTimes() || st.Catalog(h.Catalog) == nil {
		return nil, nil
	}
	return &ScheduledRun{h.Script, st.Catalog(h.Catalog).Key}, nil
}
