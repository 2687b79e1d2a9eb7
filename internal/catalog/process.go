package catalog

import (
	"context"
	"fmt"
	"maps"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// Ends of a run.
const (
	ProcessDone    = "$done"
	ProcessError   = "$error"
	ProcessAborted = "$aborted"
)

// Process is a run of a scenario that begins.
type Process struct {
	Started   int64 // Unix ms
	Script    query.Record
	Async     bool
	Code      string // names the run
	Event     query.Link
	Params    string // JSON
	Initiator query.Record
}

// ProcessEnd is what became of a run.
type ProcessEnd struct {
	Status   string // one of the ends
	Finished int64  // Unix ms
	Result   string // JSON
	Seconds  float64
}

// EndedProcess is a run that is over.
type EndedProcess struct {
	Process Process
	End     ProcessEnd
}

// NoteProcess notes a run that begins, or with an end one that is over; it fires
// nothing and leaves no history.
func (s *Service) NoteProcess(ctx context.Context, p Process, e *ProcessEnd) (query.Record, error) {
	n, err := s.writeProcesses(ctx, []processWrite{p.write(e, true)})
	if fault.Is(err, fault.ValidationFailed) { // what it names was just removed
		n, err = s.writeProcesses(ctx, []processWrite{p.write(e, false)})
	}
	if err != nil {
		return 0, err
	}
	return n[0], nil
}

// NoteEnded notes runs that are over, as NoteProcess does, in one transaction; list is not
// empty. It gives their records in the same order.
func (s *Service) NoteEnded(ctx context.Context, list []EndedProcess) ([]query.Record, error) {
	writes := make([]processWrite, len(list))
	for i := range list {
		writes[i] = list[i].Process.write(&list[i].End, true)
	}
	numbers, err := s.writeProcesses(ctx, writes)
	if !fault.Is(err, fault.ValidationFailed) {
		return numbers, err
	}
	numbers = make([]query.Record, len(list)) // what one of them names was just removed
	for i := range list {
		if numbers[i], err = s.NoteProcess(ctx, list[i].Process, &list[i].End); err != nil {
			return nil, err
		}
	}
	return numbers, nil
}

// processWrite is the making of a note, or with a record a change of it: values and choices
// by the keys of fields.
type processWrite struct {
	record  query.Record
	values  map[string]Value
	choices map[string]string
}

// write makes the note of a run, with links to what it names or without.
func (p *Process) write(e *ProcessEnd, links bool) processWrite {
	w := processWrite{
		values:  map[string]Value{"$started": Time(p.Started), "$code": Text(p.Code), "$params": Text(p.Params)},
		choices: map[string]string{"$mode": "sync", statusKey: "$running"},
	}
	if links {
		w.values["$script"] = Links{{Link: query.Link{Catalog: Scripts, Key: query.Key{Record: p.Script}}}}
		w.values["$event"] = Links{{Link: p.Event}}
	}
	if links && p.Initiator != 0 {
		w.values["$initiator"] = Links{{Link: query.Link{Catalog: Employees, Key: query.Key{Record: p.Initiator}}}}
	}
	if p.Async {
		w.choices["$mode"] = "async"
	}
	if e != nil {
		maps.Copy(w.values, e.values())
		w.choices[statusKey] = e.Status
	}
	return w
}

func (e *ProcessEnd) values() map[string]Value {
	return map[string]Value{"$finished": Time(e.Finished), "$result": Text(e.Result), "$duration": Number(e.Seconds)}
}

// EndProcess notes what became of a run. A note that somebody has removed is none.
func (s *Service) EndProcess(ctx context.Context, n query.Record, e ProcessEnd) error {
	_, err := s.writeProcesses(ctx, []processWrite{{n, e.values(), map[string]string{statusKey: e.Status}}})
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// writeProcesses makes or changes notes in one transaction, and gives their records.
func (s *Service) writeProcesses(ctx context.Context, list []processWrite) ([]query.Record, error) {
	st, err := s.Structure(ctx)
	if err != nil {
		return nil, err
	}
	ops := make([]Op, len(list))
	for i := range list {
		ops[i] = list[i].op(st)
	}
	// A write may wait for the run that is noted, so the note does not queue up behind it.
	// It becomes durable with what the run writes.
	made, err := s.Apply(ctx, Actor{System: true, Origin: hookOrigin, Asked: true, Volatile: true}, ops, nil)
	if err != nil {
		return nil, fmt.Errorf("note a run: %w", err)
	}
	numbers := make([]query.Record, len(made))
	for i := range made {
		numbers[i] = made[i].Record
	}
	return numbers, nil
}

func (w *processWrite) op(st *Structure) Op {
	var given []FieldValue
	for _, f := range st.Catalog(processes).Fields {
		if !f.System {
			continue
		}
		if v, ok := w.values[f.Key]; ok {
			given = append(given, FieldValue{f.Num, v})
		}
		if item := f.Config.ItemByKey(w.choices[f.Key]); item != nil {
			given = append(given, FieldValue{f.Num, Items{item.Num}})
		}
	}
	if w.record != 0 {
		return Update{Catalog: processes, Record: query.Key{Record: w.record}, Values: given}
	}
	return Create{Catalog: processes, Values: given}
}

// abortedAtOnce bounds the notes that are ended in one transaction.
const abortedAtOnce = 100

// AbortProcesses ends the notes of runs that began before a time, Unix ms, and whose
// end was never noted: their program was killed.
func (s *Service) AbortProcesses(ctx context.Context, before int64) error {
	st, err := s.Structure(ctx)
	if err != nil {
		return err
	}
	c := st.Catalog(processes)
	status := c.FieldByKey(statusKey)
	where := query.And{
		query.Cond{Field: status.Num, Test: query.AnyOf{int64(status.Config.ItemByKey("$running").Num)}},
		query.Cond{Field: c.FieldByKey("$started").Num, Test: query.TimeRange{Max: &before}},
	}
	for {
		rows, err := s.Records(ctx, Actor{System: true}, processes, query.Query{Where: where, Limit: abortedAtOnce}, &Selection{Fields: []*Field{}})
		if err != nil || rows.Page.Len() == 0 {
			return err
		}
		for i := range rows.Page.Len() {
			end := ProcessEnd{Status: ProcessAborted, Finished: s.options.Now().UnixMilli(), Result: `{"$error":"the program was ended"}`}
			if err := s.EndProcess(ctx, rows.Page.Record(i), end); err != nil {
				return err
			}
		}
	}
}
