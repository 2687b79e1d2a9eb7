package catalog

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// This file prepares live changes: subscriptions are asked while somebody edits a
// card, of which nothing is stored. What comes of their answers is in live_fill.go.

// Card is a record as it is being edited.
type Card struct {
	Catalog query.Catalog
	Record  query.Key // zero for one that is not there yet
	// Changed are the fields that were just changed, All those of the whole card
	// that were told. The others are as they are stored, those of a new record as
	// they begin. What a field cannot take is no value: somebody is still typing.
	Changed, All []FieldValue
	Pressed      []query.Field // buttons
}

// Live is a card with whom to ask about it.
type Live struct {
	Structure *Structure
	Catalog   *Catalog
	Record    query.Record // 0 for one that is not there yet
	Code      string
	At        int64 // Unix ms
	Actor     query.Record
	// Changed has the changed fields as ChangeRow.Values, All the whole card by
	// field number.
	Changed, All json.RawMessage
	Hooks        []LiveHook // by number
	// Unasked are the next ones beyond the bound, as many again at most.
	Unasked []query.Record
	// Scenarios are those of scenarios, UnaskedScenarios likewise.
	Scenarios        []*Hook
	UnaskedScenarios []query.Record
}

// LiveHook is a subscription with the number of its event.
type LiveHook struct {
	*Hook
	Number int64
}

// LiveMost bounds the subscriptions that are asked about one card.
const LiveMost = 32

// Key names the record of the card, zero for one that is not there yet.
func (l *Live) Key() query.Key { return query.Key{Record: l.Record} }

// editing is the planner's reading for a card, whose only step is never written.
type editing struct {
	planner
	step *step
}

// MayEdit tells whether the actor may edit a card: of a record that he may view and
// change a field of or, with the zero key, a new one.
func (s *Service) MayEdit(ctx context.Context, a Actor, catalog string, key query.Key) error {
	scope, err := s.Catalog(ctx, a, catalog)
	if err != nil {
		return err
	}
	return s.viewAs(ctx, a, func(st *Structure, r Reader) error {
		_, err := s.edits(ctx, st, r, a, Card{Catalog: scope.Catalog.Num, Record: key})
		return err
	})
}

// Edit works out whom to ask about a card, and counts the events. It fails with
// NotFound, Forbidden, MethodNotAllowed and FieldHidden.
func (s *Service) Edit(ctx context.Context, a Actor, card Card) (*Live, error) {
	var l *Live
	err := s.viewAs(ctx, a, func(st *Structure, r Reader) error {
		e, err := s.edits(ctx, st, r, a, card)
		if err != nil {
			return err
		}
		l = e.live(card)
		return nil
	})
	if err != nil || len(l.Hooks) == 0 {
		return l, err
	}
	by := map[query.Record]int{}
	for _, h := range l.Hooks {
		by[h.Record] = 1
	}
	last, err := s.countEvents(ctx, by)
	if err != nil {
		return nil, err
	}
	kept := l.Hooks[:0]
	for _, h := range l.Hooks {
		if was, on := last[h.Record]; on {
			kept = append(kept, LiveHook{h.Hook, was + 1})
		}
	}
	l.Hooks = kept
	return l, nil
}

// edits reads what a card is about, and makes sure that the actor may edit it.
func (s *Service) edits(ctx context.Context, st *Structure, r Reader, a Actor, card Card) (*editing, error) {
	e := &editing{planner: planner{s: s, actor: a, looks: true}}
	if err := e.begin(ctx, st, r, 1); err != nil {
		return nil, err
	}
	if err := e.find(ctx, card); err != nil {
		return nil, err
	}
	for _, list := range [][]FieldValue{card.All, card.Changed} {
		for _, v := range list {
			if err := e.give(ctx, v); err != nil {
				return nil, err
			}
		}
	}
	if err := e.read(ctx); err != nil {
		return nil, err
	}
	if err := e.may(); err != nil {
		return nil, err
	}
	return e, e.sees(card)
}

// find makes the step of the card's record.
func (e *editing) find(ctx context.Context, card Card) error {
	if card.Record == (query.Key{}) {
		c, err := makeIn(e.st, e.access, card.Catalog)
		if err == nil {
			err = e.ownHand(c)
		}
		if err == nil {
			err = notMade(c)
		}
		if err != nil {
			return err
		}
		e.step = &step{kind: createStep, subject: &subject{catalog: c, fresh: true, found: true}}
	} else {
		sub, err := e.target(ctx, card.Catalog, card.Record, account.Updates, true)
		if err == nil {
			err = e.ownHand(sub.catalog)
		}
		if err != nil {
			return err
		}
		e.needed(sub.catalog).wantAll()
		e.step = &step{kind: updateStep, subject: sub, want: ViewPrivilege, whole: true}
	}
	e.steps = append(e.steps, e.step)
	return nil
}

// give notes a value of the card in place of an earlier one of its field. Linked
// records that are still to be made, and changes of linked ones, are left out.
func (e *editing) give(ctx context.Context, v FieldValue) error {
	f := e.step.subject.catalog.Field(v.Field)
	if f == nil || !f.told() || f.kept() {
		return nil
	}
	var err error
	if v.Value, err = e.onlyThere(ctx, f, v.Value); err != nil {
		return err
	}
	given := &e.step.given
	if i := indexOf(*given, v.Field, 0); i >= 0 {
		(*given)[i] = v
		return nil
	}
	*given = append(*given, v)
	return nil
}

// told tells whether a field has values that programs are told.
func (f *Field) told() bool { return f.Storage() != NoStorage && !f.Secret }

// may makes sure that the actor may edit the card that was read.
func (e *editing) may() error {
	sub := e.step.subject
	switch {
	case !sub.found:
		return noRecord()
	case sub.fresh:
		return nil
	}
	if err := need(e.privilege(e.step), ViewPrivilege); err != nil {
		return err
	}
	edits := func(f *Field) bool { return f.Storage() != NoStorage && e.right(e.step, f) >= EditField }
	if !slices.ContainsFunc(sub.catalog.Fields, edits) {
		return forbidden()
	}
	return nil
}

// sees makes sure that a card names no field that is hidden from the actor.
func (e *editing) sees(card Card) error {
	named := slices.Clone(card.Pressed)
	for _, v := range slices.Concat(card.Changed, card.All) {
		named = append(named, v.Field)
	}
	for _, n := range named {
		if f := e.step.subject.catalog.Field(n); f != nil && e.right(e.step, f) == HideField {
			return hidden(f)
		}
	}
	return nil
}

// live puts together what is told of the card, and whom.
func (e *editing) live(card Card) *Live {
	sub := e.step.subject
	l := &Live{Structure: e.st, Catalog: sub.catalog, Code: sub.code, At: e.moment.Now, Actor: e.actor.Employee}
	if !sub.fresh {
		l.Record = sub.record
	}
	touched := slices.Clone(card.Pressed)
	changed, all := []byte{'{'}, []byte{'{'}
	for _, f := range sub.catalog.Fields {
		is := func(v FieldValue) bool { return v.Field == f.Num }
		just := slices.ContainsFunc(card.Changed, is)
		if slices.Contains(card.Pressed, f.Num) {
			changed = append(appendMember(changed, f), "[null,true]"...)
		}
		if !f.told() {
			continue
		}
		v := e.present(f)
		if v != nil {
			all = AppendHistoryJSON(appendMember(all, f), f, v, e.titles)
		}
		if just {
			changed = AppendHistoryJSON(append(appendMember(changed, f), "[null,"...), f, v, e.titles)
			changed = append(changed, ']')
		}
		// A new card that opens has changed in what it begins with.
		if just || v != nil && sub.fresh && len(card.Changed)+len(card.Pressed) == 0 {
			touched = append(touched, f.Num)
		}
	}
	l.Changed, l.All = append(changed, '}'), append(all, '}')
	e.choose(l, touched)
	return l
}

// appendMember adds the beginning of a member of a field, and the comma before it.
func appendMember(dst []byte, f *Field) []byte {
	if len(dst) > 1 {
		dst = append(dst, ',')
	}
	dst = strconv.AppendInt(append(dst, '"'), int64(f.Num), 10)
	return append(dst, `":`...)
}

// choose notes which subscriptions are to be asked.
func (e *editing) choose(l *Live, touched []query.Field) {
	if e.quiet(l.Catalog) {
		return
	}
	for _, h := range e.st.hooksOf(l.Catalog.Num, WhileEditing) {
		if !h.touches(e.actor, touched) {
			continue
		}
		switch {
		case h.Script == 0 && len(l.Hooks) < LiveMost:
			l.Hooks = append(l.Hooks, LiveHook{Hook: h})
		case h.Script == 0 && len(l.Unasked) < LiveMost:
			l.Unasked = append(l.Unasked, h.Record)
		case h.Script != 0 && len(l.Scenarios) < LiveMost:
			l.Scenarios = append(l.Scenarios, h)
		case h.Script != 0 && len(l.UnaskedScenarios) < LiveMost:
			l.UnaskedScenarios = append(l.UnaskedScenarios, h.Record)
		}
	}
}

// touches tells whether the subscription asks for what the actor touched of a card.
func (h *Hook) touches(a Actor, touched []query.Field) bool {
	if len(h.initiators) > 0 && !slices.Contains(h.initiators, a.Employee) {
		return false
	}
	return !h.watches || slices.ContainsFunc(touched, func(n query.Field) bool { return slices.Contains(h.fields, n) })
}

// present is what the card has in a field.
func (e *editing) present(f *Field) Value {
	sub := e.step.subject
	old := sub.value(f)
	if i := indexOf(e.step.given, f.Num, 0); i >= 0 {
		return e.lenient(f, old, e.step.given[i].Value)
	}
	if sub.fresh {
		return f.Type.Initial(f, e.moment)
	}
	return old
}

// lenient is a value as it would be stored, nil for one that cannot be. The actor's
// rights on what it links do not matter: nobody is told but the receiver.
func (e *editing) lenient(f *Field, old, v Value) Value {
	var detail *fault.Detail
	if files, ok := v.(Files); ok && f.Storage() == FilesStorage {
		had, _ := old.(Files)
		if v, detail = e.resolveFiles(f, had, files); detail != nil {
			return nil
		}
	}
	if v, detail = AcceptValue(f, v, e.s.options.TextMax); detail != nil {
		return nil
	}
	links, _ := v.(Links)
	had, _ := old.(Links)
	for _, l := range links {
		has := func(o Link) bool { return o.Ref() == l.Ref() }
		if !slices.ContainsFunc(had, has) && !(slices.Contains(sources(f), l.Catalog) && e.st.Catalog(l.Catalog) != nil && e.lives(l.Ref())) {
			return nil
		}
	}
	if v == Bool(false) {
		return nil
	}
	return v
}
