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

// NoteProcess notes a run that begins, or with an end one that is over; it fires
// nothing and leaves no history.
func (s *Service) NoteProcess(ctx context.Context, p Process, e *ProcessEnd) (query.Record, error) {
	values := map[string]Value{
		"$started": Time(p.Started), "$code": Text(p.Code), "$params": Text(p.Params),
		"$script": Links{{Link: query.Link{Catalog: Scripts, Key: query.Key{Record: p.Script}}}}, "$event": Links{{Link: p.Event}},
	}
	if p.Initiator != 0 {
		values["$initiator"] = Links{{Link: query.Link{Catalog: Employees, Key: query.Key{Record: p.Initiator}}}}
	}
	choices := map[string]string{"$mode": "sync", statusKey: "$running"}
	if p.Async {
		choices["$mode"] = "async"
	}
	if e != nil {
		maps.Copy(values, e.values())
		choices[statusKey] = e.Status
	}
	n, err := s.writeProcess(ctx, 0, values, choices)
	if fault.Is(err, fault.ValidationFailed) { // what it names was just removed
		for _, key := range []string{"$script", "$event", "$initiator"} {
			delete(values, key)
		}
		n, err = s.writeProcess(ctx, 0, values, choices)
	}
	return n, err
}

func (e *ProcessEnd) values() map[string]Value {
	return map[string]Value{"$finished": Time(e.Finished), "$result": Text(e.Result), "$duration": Number(e.Seconds)}
}

// EndProcess notes what became of a run. A note that somebody has removed is none.
func (s *Service) EndProcess(ctx context.Context, n query.Record, e ProcessEnd) error {
	_, err := s.writeProcess(ctx, n, e.values(), map[string]string{statusKey: e.Status})
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// writeProcess makes the note of a run, or changes it.
func (s *Service) writeProcess(ctx context.Context, n query.Record, values map[string]Value, choices map[string]string) (query.Record, error) {
	st, err := s.Structure(ctx)
	if err != nil {
		return 0, err
	}
	var given []FieldValue
	for _, f := range st.Catalog(processes).Fields {
		if !f.System {
			continue
		}
		if v, ok := values[f.Key]; ok {
			given = append(given, FieldValue{f.Num, v})
		}
		if item := f.Config.ItemByKey(choices[f.Key]); item != nil {
			given = append(given, FieldValue{f.Num, Items{item.Num}})
		}
	}
	var op Op = Create{Catalog: processes, Values: given}
	if n != 0 {
		op = Update{Catalog: processes, Record: query.Key{Record: n}, Values: given}
	}
	// A write may wait for the run that is noted, so the note does not queue up behind it.
	// It becomes durable with what the run writes.
	made, err := s.Apply(ctx, Actor{System: true, Origin: hookOrigin, Asked: true, Volatile: true}, []Op{op}, nil)
	if err != nil {
		return 0, fmt.Errorf("note a run: %w", err)
	}
	return made[0].Record, nil
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
