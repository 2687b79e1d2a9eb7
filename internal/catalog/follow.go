package catalog

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"kartoteka/internal/fault"
	"kartoteka/internal/job"
	"kartoteka/internal/query"
)

// Fired gives a value when changes that this process has written have set
// something off since the last one. One consumer waits for it.
func (s *Service) Fired() <-chan struct{} { return s.fired }

func (s *Service) wakeFollower() {
	select {
	case s.fired <- struct{}{}:
	default: // it is awake
	}
}

// Unfollowed tells whether there are changes after a number that set something off.
func (s *Service) Unfollowed(ctx context.Context, after int64) (some bool, err error) {
	if err := s.store.Sequence(ctx); err != nil {
		return false, err
	}
	err = s.view(ctx, func(_ *Structure, r Reader) error {
		list, err := r.Fired(ctx, after+1, math.MaxInt64, 1)
		some = len(list) > 0
		return err
	})
	return some, err
}

// Follow is one step of a durable consumer of changes: in one transaction fn gets
// those after its cursor that set something off, and the cursor moves past them; it
// may run twice. Follow gives where the cursor is then and whether there are more,
// and false when another node holds the cursor.
func (s *Service) Follow(ctx context.Context, consumer string, h job.Hold, limit int,
	fn func(st *Structure, w Writer, list []FiredChange) error,
) (seq int64, more, held bool, err error) {
	err = s.update(ctx, Job, []query.Catalog{Webhooks}, func(st *Structure, w Writer) error {
		more = false
		var from int64
		if from, held, err = w.Cursor(ctx, consumer, h); err != nil || !held {
			return err
		}
		if seq, err = w.LastChange(ctx); err != nil {
			return err
		}
		list, err := w.Fired(ctx, from+1, seq, limit)
		if err != nil {
			return err
		}
		if more = len(list) == limit; more {
			seq = list[limit-1].Seq
		}
		if len(list) > 0 {
			if err := fn(st, w, list); err != nil {
				return err
			}
		}
		if seq = max(seq, from); seq == from {
			return nil
		}
		return w.MoveCursor(ctx, consumer, seq)
	})
	if err != nil {
		return 0, false, false, fmt.Errorf("follow the changes for %s: %w", consumer, err)
	}
	return seq, more, held, nil
}

// RaiseHooks raises the event counters of subscriptions within a transaction, each
// by so many, and gives their values before. A subscription that is gone or off is
// left out. The change fires nothing and leaves no history, nor the time of the
// record's last change.
func (s *Service) RaiseHooks(ctx context.Context, st *Structure, w Writer, by map[query.Record]int) (map[query.Record]int64, error) {
	if len(by) == 0 {
		return nil, nil
	}
	c := st.Catalog(Webhooks)
	f := c.FieldByKey(hookSequenceKey)
	page, err := w.Rows(ctx, c, []*Field{f}, slices.Sorted(maps.Keys(by)))
	if err != nil {
		return nil, fmt.Errorf("read the event counters: %w", err)
	}
	last := make(map[query.Record]int64, page.Len())
	var list []Mutation
	for i := range page.Len() {
		n := page.Record(i)
		if st.Hook(n) == nil {
			continue
		}
		before := CellValue(f, page, page.Cell(i, 0))
		was, _ := before.(Number)
		last[n] = int64(was)
		after := was + Number(by[n])
		change := mirrorChange([]*Field{f}, []Value{before}, []Value{after})
		change.Origin = hookOrigin
		list = append(list, Mutation{
			Kind: UpdateRecord, Catalog: c, Record: n, Version: page.Version(i), At: page.Updated(i),
			Cells: []StoredValue{StoredOf(f, after)}, Change: change,
		})
	}
	if len(list) == 0 {
		return last, nil
	}
	if err := w.Write(ctx, list); err != nil {
		return nil, fmt.Errorf("raise the event counters: %w", err)
	}
	return last, nil
}

// Firing is one event of a subscription with what its message is made of.
type Firing struct {
	Structure *Structure
	Hook      *Hook // nil when it is gone or off
	Change    *FiredChange
	Fires     Fires
	Actor     Title // of the employee who made the change
}

// Firing reads what a change told a subscription; its Change is nil when the log no
// longer has it.
func (s *Service) Firing(ctx context.Context, hook query.Record, seq int64) (*Firing, error) {
	return s.firing(ctx, func(st *Structure) *Hook { return st.Hook(hook) }, seq)
}

// ScenarioFiring reads likewise what a change told a scenario's subscription.
func (s *Service) ScenarioFiring(ctx context.Context, event query.Record, seq int64) (*Firing, error) {
	return s.firing(ctx, func(st *Structure) *Hook { return st.Scenario(event) }, seq)
}

func (s *Service) firing(ctx context.Context, hook func(*Structure) *Hook, seq int64) (*Firing, error) {
	var f *Firing
	err := s.view(ctx, func(st *Structure, r Reader) error {
		f = &Firing{Structure: st, Hook: hook(st)}
		list, err := r.Fired(ctx, seq, seq, 1)
		if err != nil || len(list) == 0 {
			return err
		}
		f.Change = &list[0]
		if f.Fires, err = f.Change.Read(); err != nil || f.Change.Actor == 0 {
			return err
		}
		ref := query.MakeRef(Employees, f.Change.Actor)
		titles, err := r.Titles(ctx, []query.Ref{ref})
		f.Actor = titles[ref]
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read an event: %w", err)
	}
	return f, nil
}

// DropHook removes a subscription that its receiver ended.
func (s *Service) DropHook(ctx context.Context, n query.Record) error {
	op := Delete{Catalog: Webhooks, Record: query.Key{Record: n}}
	_, err := s.Apply(ctx, Actor{System: true, Origin: hookOrigin}, []Op{op}, nil)
	return err
}

// PauseHook notes that a subscription is no longer called.
func (s *Service) PauseHook(ctx context.Context, n query.Record) error {
	st, err := s.Structure(ctx)
	if err != nil {
		return err
	}
	f := st.Catalog(Webhooks).FieldByKey(hookStateKey)
	value := FieldValue{f.Num, Items{f.Config.ItemByKey(hookPaused).Num}}
	op := Update{Catalog: Webhooks, Record: query.Key{Record: n}, Values: []FieldValue{value}}
	if _, err = s.Apply(ctx, Actor{System: true, Origin: hookOrigin}, []Op{op}, nil); err != nil {
		return err
	}
	return s.tellAdministrators(ctx, ChatOf{st.Catalog(Webhooks).Key, op.Record}, fault.Msg("The webhook was paused: its deliveries have failed for too long"))
}

// tellAdministrators writes a message into a record's chat that mentions who
// administers the company, so that it is new to them.
func (s *Service) tellAdministrators(ctx context.Context, of ChatOf, message fault.Message) error {
	var mentions []query.Key
	err := s.view(ctx, func(st *Structure, r Reader) error {
		page, err := r.Select(ctx, &Selected{Structure: st, Catalog: st.Catalog(Employees), Limit: maxMentions, Where: administrators(st)})
		if err != nil {
			return err
		}
		mentions = nil
		for i := range page.Len() {
			mentions = append(mentions, query.Key{Record: page.Record(i)})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for administrators: %w", err)
	}
	text := message.In(s.options.Language)
	_, err = s.PostMessage(ctx, Actor{System: true, Origin: hookOrigin}, of, MessageInput{Text: &text, Mentions: &mentions})
	return err
}

const (
	// keepChanges is how long changes stay that no consumer needs any more.
	keepChanges = 24 * time.Hour
	// purgedAtOnce bounds the changes that are purged in one transaction.
	purgedAtOnce = 1_000
)

// purgeChanges drops changes that nobody needs any more.
func (s *Service) purgeChanges(ctx context.Context) error {
	before := s.options.Now().Add(-keepChanges).UnixMilli()
	for {
		n, err := s.store.PurgeChanges(ctx, before, purgedAtOnce)
		if err != nil || n < purgedAtOnce {
			return err
		}
	}
}

// EmployeeCode is the custom id of an employee's record, "" for none.
func (s *Service) EmployeeCode(ctx context.Context, n query.Record) (string, error) {
	if n == 0 {
		return "", nil
	}
	ref := query.MakeRef(Employees, n)
	var titles Titles
	err := s.view(ctx, func(_ *Structure, r Reader) (err error) {
		titles, err = r.Titles(ctx, []query.Ref{ref})
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read an employee's id: %w", err)
	}
	return titles[ref].Code, nil
}
