package apisync

import (
	"context"
	"encoding/json"
	"hash/maphash"
	"slices"
	"sync"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/script"
)

// lines runs the scripts of the lines that read what others send, and works out defaults,
// for all items: those before the record is written. Items that fail have their err.
func (p *scripting) lines(ctx context.Context, items []*scriptItem) error {
	for _, l := range p.x.plan.lines {
		if !l.In() || l.bad() != nil {
			continue
		}
		var err error
		if l.scripted() {
			err = p.before(ctx, l, items)
		} else if l.formula != "" {
			err = p.defaults(ctx, l, items)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// identifiers works out the identifiers of all items where a script gives them.
func (p *scripting) identifiers(ctx context.Context, items []*scriptItem) error {
	l := p.x.plan.identifier
	if l == nil || !l.scripted() || l.bad() != nil {
		return nil
	}
	var asked []*scriptItem
	for _, it := range items {
		if it.err == nil && it.data.Kind == tree.Object {
			it.value, it.there = l.path.read(it.data)
			asked = append(asked, it)
		}
	}
	return p.evaluate(ctx, l, p.x.plan, asked)
}

// before runs a line for the items that need it, unless it is one for after the write.
func (p *scripting) before(ctx context.Context, l *mapLine, items []*scriptItem) error {
	after, err := p.isAfter(ctx, l)
	if err != nil || after {
		return err
	}
	return p.evaluate(ctx, l, p.x.plan, l.asked(items))
}

// asked are the items that a line runs for: all that are made, and those that are
// changed and have its key, or all if it has none.
func (l *mapLine) asked(items []*scriptItem) (asked []*scriptItem) {
	for _, it := range items {
		if it.err != nil {
			continue
		}
		if _, done := it.values[l.Line]; done {
			continue
		}
		it.value, it.there = tree.Value{}, false
		if l.ExternalKey != "" {
			it.value, it.there = l.path.read(it.data)
		}
		if it.create || it.there || l.ExternalKey == "" {
			asked = append(asked, it)
		}
	}
	return asked
}

// evaluate runs a line for items and notes what it gives.
func (p *scripting) evaluate(ctx context.Context, l *mapLine, of *plan, items []*scriptItem) error {
	results, err := p.run(ctx, l.scriptRun(of, items))
	if err != nil {
		return err
	}
	for i, it := range items {
		if it.err != nil {
			continue
		}
		v, err := p.given(ctx, l, of, it, &results[i])
		if err != nil {
			e := p.unwritten(ctx, err, l)
			if e == nil {
				return err
			}
			it.err = e
			continue
		}
		it.values[l.Line] = v
	}
	return nil
}

func (l *mapLine) scriptRun(of *plan, items []*scriptItem) *scriptRun {
	r := &scriptRun{name: "line " + l.name(), code: l.Script, mode: script.Evaluate, line: l.CompiledLine, model: of.Catalog, items: items}
	if l.ScriptMode == string(script.Execute) {
		r.mode = script.Execute
	}
	if r.code == nil {
		r.code = &Script{}
	}
	return r
}

// given reads what a script gave a line.
func (p *scripting) given(ctx context.Context, l *mapLine, of *plan, it *scriptItem, r *script.Result) (v scriptValue, err error) {
	if !r.HasValue {
		return scriptValue{set: l.ScriptMode != string(script.Execute)}, nil
	}
	if v.value, err = scriptJSON(r.Value); err != nil {
		return v, err
	}
	v.set = true
	f := l.Field()
	if v.value.Kind == tree.Bool && !v.value.True() && (f != nil && f.Storage() != catalog.BoolStorage || l.System == ExternalID) {
		v.value = tree.Value{} // as in Odoo
	}
	if l.ValueType != PythonRelational || f == nil || it.kept == nil {
		return v, nil
	}
	scope, err := p.x.s.options.Catalog.Catalog(ctx, p.x.actor, of.Catalog.Key)
	if err != nil {
		return v, err
	}
	var key *query.Key
	if it.record != 0 && !it.create {
		key = &query.Key{Record: it.record}
	}
	v.value, err = p.host.Links(ctx, it.kept, scope, f, v.value, key)
	return v, err
}

// scriptJSON reads a value of a script.
func scriptJSON(raw json.RawMessage) (tree.Value, error) {
	v, err := tree.ParseJSON(raw, tree.Limits{})
	if err != nil {
		return v, Refuse(500, "SCRIPT_ERROR", "a script of this endpoint gave a value that cannot be read")
	}
	return v, nil
}

// defaults works out the default of a line for the items that are made without its key.
func (p *scripting) defaults(ctx context.Context, l *mapLine, items []*scriptItem) error {
	var asked []*scriptItem
	for _, it := range items {
		if it.err != nil || !it.create {
			continue
		}
		if _, there := l.path.read(it.data); !there || l.ExternalKey == "" {
			asked = append(asked, it)
		}
	}
	return p.formulas(ctx, l.formula, asked)
}

func (p *scripting) formulas(ctx context.Context, expression string, items []*scriptItem) error {
	results, err := p.run(ctx, &scriptRun{
		name: "default", code: &Script{Source: expression}, mode: script.Evaluate, model: p.config.Catalog, items: items,
	})
	if err != nil {
		return err
	}
	for i, it := range items {
		if it.err == nil {
			if it.initial[expression], err = scriptJSON(results[i].Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// at makes an item the one whose lines are mapped; nil for none.
func (p *scripting) at(it *scriptItem) { p.current = it }

// lineValue is Exchange.script: the value that the line has already, or one that it gives
// now, as those of mapping configs are.
func (p *scripting) lineValue(ctx context.Context, run *lineRun) (tree.Value, bool, error) {
	if run.Out {
		return p.show(ctx, run)
	}
	after, err := p.isAfter(ctx, run.of)
	if err != nil || after {
		return tree.Value{}, false, err
	}
	it := newScriptItem(run.Item)
	it.value, it.create = run.Value, run.Rows == nil
	if run.Rows != nil {
		it.record, it.code = run.Rows.Page.Record(run.Row), string(run.Rows.Page.Code(run.Row))
	}
	it.kept = nil
	if p.current != nil {
		if v, ok := p.current.values[run.Line.Line]; ok && run.depth == 0 && run.plan == p.x.plan {
			return v.value, v.set, nil
		}
		it.kept = p.current.kept
	}
	if err := p.evaluate(ctx, run.of, run.plan, []*scriptItem{it}); err != nil {
		return tree.Value{}, false, err
	}
	if it.err != nil {
		return tree.Value{}, false, it.err
	}
	v := it.values[run.Line.Line]
	return v.value, v.set, nil
}

// formula is Exchange.eval.
func (p *scripting) formula(ctx context.Context, expression string, item tree.Value) (tree.Value, error) {
	if p.current != nil && item == p.current.data {
		if v, ok := p.current.initial[expression]; ok {
			return v, nil
		}
	}
	it := newScriptItem(item)
	it.create, it.kept = true, nil
	if err := p.formulas(ctx, expression, []*scriptItem{it}); err != nil {
		return tree.Value{}, err
	}
	if it.err != nil {
		return tree.Value{}, it.err
	}
	return it.initial[expression], nil
}

// shownKey is a line and the rows that it shows.
type shownKey struct {
	line *Line
	rows *catalog.Rows
}

// show is what a line shows of a row. The first time it runs for all of them.
func (p *scripting) show(ctx context.Context, run *lineRun) (tree.Value, bool, error) {
	key := shownKey{run.Line.Line, run.Rows}
	if _, done := p.shown[key]; !done {
		if err := p.showAll(ctx, run, key); err != nil {
			return tree.Value{}, false, err
		}
	}
	v := p.shown[key][run.Row]
	return v.value, v.set, v.err
}

func (p *scripting) showAll(ctx context.Context, run *lineRun, key shownKey) error {
	w := &shower{x: p.x, ctx: ctx}
	items := make([]*scriptItem, run.Rows.Page.Len())
	for i := range items {
		v, err := w.reach(run.of, run.of.Path, run.Rows, i, run.depth)
		if err != nil {
			return err
		}
		items[i] = &scriptItem{value: v, record: run.Rows.Page.Record(i), code: string(run.Rows.Page.Code(i)), values: map[*Line]scriptValue{}}
	}
	if err := p.evaluate(ctx, run.of, run.plan, items); err != nil {
		return err
	}
	shown := make([]scriptValue, len(items))
	for i, it := range items {
		shown[i] = it.values[run.Line.Line]
		if it.err != nil {
			shown[i].err = it.err
		}
	}
	p.shown[key] = shown
	return nil
}

// isAfter tells whether a line runs once the record is as it will be stored (§6.4).
func (p *scripting) isAfter(ctx context.Context, l *mapLine) (bool, error) {
	switch {
	case l.ScriptPhase == "before" || l.ScriptPhase == "after":
		return l.ScriptPhase == "after", nil
	case l.ScriptMode != string(script.Execute) || l.Script == nil:
		return false, nil
	}
	source, _, err := p.source(l.Script)
	if err != nil {
		return false, err
	}
	uses := used(source)
	if !uses("record") && !uses("model") {
		return false, nil
	}
	names, err := p.x.s.names(ctx, source)
	if err != nil {
		return false, unscripted(err)
	}
	return slices.ContainsFunc(names, func(n string) bool { return n == "record" || n == "records" || n == "model" }), nil
}

// usedNames keeps which names sources use.
type usedNames struct {
	mutex sync.Mutex
	names map[uint64][]string
}

// maxUsed bounds the sources of which is kept what they use.
const maxUsed = 1000

// names are those that a source uses and does not define.
func (s *Service) names(ctx context.Context, source string) ([]string, error) {
	key := maphash.String(usedSeed, source)
	s.used.mutex.Lock()
	found, ok := s.used.names[key]
	s.used.mutex.Unlock()
	if ok {
		return found, nil
	}
	checked, err := s.CheckScript(ctx, source, string(script.Execute))
	if err != nil {
		return nil, err
	}
	s.used.mutex.Lock()
	defer s.used.mutex.Unlock()
	if s.used.names == nil || len(s.used.names) >= maxUsed {
		s.used.names = map[uint64][]string{}
	}
	s.used.names[key] = checked.Names
	return checked.Names, nil
}

var usedSeed = maphash.MakeSeed()
