package apisync

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/script"
)

// ScriptTest is a script that is tried (sync-api.md §6.9).
type ScriptTest struct {
	Config string `json:"config"`
	// Line is the id of a line, 0 for none. Its script is tried when Source is "".
	Line   int64  `json:"line_id"`
	Source string `json:"source"`
	Mode   string `json:"mode"`
	// Direction is in or out: whether what others send is read, or a record shown. Left
	// out it is that of the line, in where that has both.
	Direction string `json:"direction"`
	ScriptCase
	// Cases are tried instead, one after the other; nil for none.
	Cases []ScriptCase `json:"cases"`
	// Commit carries out what the script writes.
	Commit bool `json:"commit"`
}

// ScriptCase is what a script is tried with.
type ScriptCase struct {
	// Request is request_data and Params params, objects or null for none.
	Request json.RawMessage `json:"request_data"`
	Params  json.RawMessage `json:"params"`
	// Record is the id of record, a number or a text; null for none.
	Record json.RawMessage `json:"record_id"`
}

// casesMost bounds the cases of one test.
const casesMost = 20

// Tried is what became of a test, or of one case of it.
type Tried struct {
	OK        bool            `json:"ok"`
	Value     json.RawMessage `json:"value"`
	ValueType string          `json:"value_type"`
	// Request and Result are what the names request_data and result have at the end.
	Request json.RawMessage `json:"request_data"`
	Result  json.RawMessage `json:"result"`
	Output  []string        `json:"output"` // lines
	Writes  []TriedWrite    `json:"writes"`
	// Steps counts the calls of env, which are limited.
	Steps    int         `json:"steps"`
	Duration float64     `json:"duration_ms"`
	Error    *TriedError `json:"error"`
}

// TriedWrite is what the script would write.
type TriedWrite struct {
	Model  string                     `json:"model"`
	Op     string                     `json:"op"`
	IDs    []json.RawMessage          `json:"ids"`
	Values map[string]json.RawMessage `json:"vals"` // by field; secret ones are hidden
}

// TriedError is how it failed.
type TriedError struct {
	Type      string `json:"type"`
	Message   string `json:"message"`
	Line      int    `json:"line"`
	Traceback string `json:"traceback"`
}

// TestScript runs a script as requests to its configuration would, as the config's
// employee, and gives what became of the test, or of each of its cases. Nothing is written
// but by Commit. Operators may try the scripts that are stored; administrators all.
func (s *Service) TestScript(ctx context.Context, a catalog.Actor, t *ScriptTest) (tried []*Tried, err error) {
	if err := s.Need(ctx, a, t.needs()); err != nil {
		return nil, err
	}
	st, err := s.Current(ctx)
	if err != nil {
		return nil, err
	}
	c := st.Compiled(t.Config)
	if c == nil || c.Catalog == nil {
		return nil, fault.New(fault.NotFound, "there is no configuration %s", t.Config)
	}
	cases, err := t.cases()
	if err != nil {
		return nil, err
	}
	actor := catalog.Actor{Employee: c.RunAs, Origin: "sync"}
	err = s.options.Catalog.Request(ctx, actor, c.Catalog.Key, func(a catalog.Actor, sc *catalog.Scope) error {
		tried = nil
		for _, one := range cases {
			x := s.Exchange(c, a, sc)
			x.Dry = !t.Commit
			result, err := x.scripting().try(ctx, t, one)
			if err != nil {
				return err
			}
			tried = append(tried, result)
		}
		return nil
	})
	return tried, err
}

// needs is the role that may make a test: own source and what is written are an
// administrator's, and so is looking at a record as the config's employee.
func (t *ScriptTest) needs() Role {
	named := func(c ScriptCase) bool { return given(c.Record) }
	if t.Source != "" || t.Commit || t.Line == 0 || named(t.ScriptCase) || slices.ContainsFunc(t.Cases, named) {
		return Administrator
	}
	return Operator
}

// given tells whether JSON is there and not null.
func given(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// tryCase is a ScriptCase that was read.
type tryCase struct {
	data   tree.Value
	params json.RawMessage // nil for none
	record string
}

// cases reads what the script is to be tried with.
func (t *ScriptTest) cases() (list []tryCase, err error) {
	var wrong []fault.Detail
	if !slices.Contains([]string{"", "in", "out"}, t.Direction) {
		wrong = append(wrong, fault.At("direction", fault.InvalidParameter, "expected one of %s", "in, out"))
	}
	if !slices.Contains([]string{"", string(script.Evaluate), string(script.Execute)}, t.Mode) {
		wrong = append(wrong, fault.At("mode", fault.InvalidParameter, "expected one of %s", "evaluate, execute"))
	}
	if len(t.Cases) > casesMost {
		return nil, fault.Invalid(append(wrong, fault.At("cases", fault.TooMany, "at most %d entries are possible", casesMost)))
	}
	if t.Cases == nil {
		one, more := t.read("")
		list, wrong = append(list, one), append(wrong, more...)
	}
	for i, c := range t.Cases {
		one, more := c.read(fmt.Sprintf("cases[%d].", i))
		list, wrong = append(list, one), append(wrong, more...)
	}
	return list, fault.Invalid(wrong)
}

func (c *ScriptCase) read(path string) (one tryCase, wrong []fault.Detail) {
	object := func(name string, raw json.RawMessage) (v tree.Value) {
		if !given(raw) {
			return v
		}
		v, err := tree.ParseJSON(raw, tree.Limits{Depth: 32})
		if err != nil || v.Kind != tree.Object {
			wrong = append(wrong, fault.At(path+name, fault.Type, "expected an object"))
		}
		return v
	}
	one.data = object("request_data", c.Request)
	if v := object("params", c.Params); v.Kind == tree.Object {
		one.params = v.AppendJSON(nil)
	}
	if given(c.Record) {
		v, err := tree.ParseJSON(c.Record, tree.Limits{})
		if one.record = v.Text(); err != nil || v.Kind != tree.Number && v.Kind != tree.String || one.record == "" {
			wrong = append(wrong, fault.At(path+"record_id", fault.Type, "expected the id of a record"))
		}
	}
	return one, wrong
}

// try runs the script of a test once.
func (p *scripting) try(ctx context.Context, t *ScriptTest, c tryCase) (*Tried, error) {
	r, it, err := p.tested(ctx, t, c)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	results, err := p.run(ctx, r)
	if err != nil {
		return nil, err
	}
	res := &results[0]
	tried := &Tried{
		OK: it.err == nil, Value: res.Value, ValueType: res.Type, Request: res.Outputs["request_data"], Result: res.Outputs["result"],
		Output: []string{}, Writes: []TriedWrite{}, Steps: p.calls, Duration: float64(time.Since(began).Microseconds()) / 1000,
	}
	if text := strings.TrimSuffix(string(p.Output), "\n"); text != "" {
		tried.Output = strings.Split(text, "\n")
	}
	if it.kept != nil {
		tried.Writes = p.wrote(it.kept.Ops)
	}
	if e := res.Err; e != nil {
		tried.Error = &TriedError{e.Type, e.Message, e.Line, e.Traceback}
		return tried, nil
	}
	if t.Commit && it.kept != nil && len(it.kept.Ops) > 0 {
		if _, err := p.x.s.options.Catalog.Apply(ctx, p.x.actor, it.kept.Ops, nil); err != nil {
			return nil, err
		}
	}
	return tried, nil
}

// tested makes the run of a test and its item.
func (p *scripting) tested(ctx context.Context, t *ScriptTest, c tryCase) (*scriptRun, *scriptItem, error) {
	it := newScriptItem(c.data)
	r := &scriptRun{name: "test", mode: script.Evaluate, model: p.config.Catalog}
	var line *mapLine
	if t.Line != 0 {
		i := slices.IndexFunc(p.x.plan.lines, func(l *mapLine) bool { return l.ID == t.Line })
		if i < 0 {
			return nil, nil, fault.New(fault.NotFound, "there is no such line")
		}
		line = p.x.plan.lines[i]
		r = line.scriptRun(p.x.plan, nil)
	}
	if t.Source != "" || line == nil {
		r.code = &Script{Source: t.Source}
	}
	if t.Mode != "" {
		r.mode = script.Mode(t.Mode)
	}
	if c.params != nil {
		r.inputs = map[string]json.RawMessage{"params": c.params}
	}
	r.items, r.outputs = []*scriptItem{it}, []string{"request_data", "result"}
	out := t.Direction == "out" || t.Direction == "" && line != nil && line.Direction == "out"
	if out {
		it.kept = nil
	} else if line != nil && line.ExternalKey != "" {
		it.value, it.there = line.path.read(it.data)
	}
	if c.record == "" {
		it.create = !out
		return r, it, nil
	}
	return r, it, p.testedRecord(ctx, it, line, c.record, out)
}

// testedRecord finds the record of a test, and what a line that shows it would show.
func (p *scripting) testedRecord(ctx context.Context, it *scriptItem, line *mapLine, id string, out bool) error {
	rows, err := p.x.s.options.Catalog.Records(ctx, p.x.actor, p.config.Catalog.Num,
		query.Query{Where: query.Among{bpium.RecordKey(id)}, Limit: 1}, p.x.Selection())
	if err != nil {
		return err
	}
	if rows.Page.Len() == 0 {
		return fault.New(fault.NotFound, "there is no such record")
	}
	it.record, it.code = rows.Page.Record(0), string(rows.Page.Code(0))
	if out && line != nil && line.bad() == nil {
		it.value, err = (&shower{x: p.x, ctx: ctx}).reach(line, line.Path, rows, 0, 0)
	}
	return err
}

// wrote tells what operations do.
func (p *scripting) wrote(ops []catalog.Op) []TriedWrite {
	list := []TriedWrite{}
	for _, op := range ops {
		w := TriedWrite{Values: map[string]json.RawMessage{}}
		var n query.Catalog
		var key query.Key
		var values []catalog.FieldValue
		switch op := op.(type) {
		case catalog.Create:
			w.Op, n, key, values = "create", op.Catalog, query.Key{Record: op.Reserved}, op.Values
		case catalog.Update:
			w.Op, n, key, values = "write", op.Catalog, op.Record, op.Values
		case catalog.Delete:
			w.Op, n, key = "unlink", op.Catalog, op.Record
		case catalog.Comment:
			w.Op, n, key = "message_post", op.Catalog, op.Record
			w.Values["body"] = tree.AppendString(nil, op.Text)
		}
		c := p.config.State.Structure.AnyCatalog(n)
		w.Model, w.IDs = p.name(c), []json.RawMessage{recordJSON(key.Record, key.Code)}
		for _, v := range values {
			if f := c.Field(v.Field); f != nil {
				w.Values[f.Key] = writtenJSON(f, v.Value)
			}
		}
		list = append(list, w)
	}
	return list
}

// writtenJSON is a value that is written, in the form of the history; a secret is hidden.
func writtenJSON(f *catalog.Field, v catalog.Value) json.RawMessage {
	if f.Secret && v != nil {
		return tree.AppendString(nil, hidden)
	}
	return catalog.AppendHistoryJSON(nil, f, v, nil)
}
