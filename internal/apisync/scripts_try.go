package apisync

import (
	"context"
	"encoding/json"
	"time"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/script"
)

// ScriptTest is a script that is tried, or one of its cases (sync-api.md §6.9).
type ScriptTest struct {
	Config string `json:"config"`
	// Line is the id of a line, 0 for none. Its script is tried when Source is "".
	Line   int64  `json:"line_id"`
	Source string `json:"source"`
	Mode   string `json:"mode"`
	// Request is request_data, null for none.
	Request json.RawMessage `json:"request_data"`
	Record  string          `json:"record_id"`
	// Commit carries out what the script writes.
	Commit bool `json:"commit"`
}

// Tried is what became of it.
type Tried struct {
	OK        bool            `json:"ok"`
	Value     json.RawMessage `json:"value"`
	ValueType string          `json:"value_type"`
	Request   json.RawMessage `json:"request_data"`
	Output    string          `json:"output"`
	Writes    []TriedWrite    `json:"writes"`
	Duration  float64         `json:"duration_ms"`
	Error     *TriedError     `json:"error"`
}

// TriedWrite is what the script would write.
type TriedWrite struct {
	Model  string            `json:"model"`
	Op     string            `json:"op"`
	IDs    []json.RawMessage `json:"ids"`
	Fields []string          `json:"fields"`
}

// TriedError is how it failed.
type TriedError struct {
	Type      string `json:"type"`
	Message   string `json:"message"`
	Line      int    `json:"line"`
	Traceback string `json:"traceback"`
}

// TestScript runs a script as requests to its configuration would, as the config's
// employee.
func (s *Service) TestScript(ctx context.Context, t *ScriptTest) (tried *Tried, err error) {
	st, err := s.Current(ctx)
	if err != nil {
		return nil, err
	}
	c := st.Compiled(t.Config)
	if c == nil || c.Catalog == nil {
		return nil, fault.New(fault.NotFound, "there is no configuration %s", t.Config)
	}
	a := catalog.Actor{Employee: c.RunAs, Origin: "sync"}
	err = s.options.Catalog.Request(ctx, a, c.Catalog.Key, func(a catalog.Actor, sc *catalog.Scope) error {
		p := s.Exchange(c, a, sc).scripting()
		tried, err = p.try(ctx, t)
		return err
	})
	return tried, err
}

// try runs the script of a test.
func (p *scripting) try(ctx context.Context, t *ScriptTest) (*Tried, error) {
	r, it, err := p.tested(ctx, t)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	results, err := p.run(ctx, r)
	if err != nil {
		return nil, err
	}
	res := &results[0]
	tried := &Tried{OK: it.err == nil, Value: res.Value, ValueType: res.Type, Request: res.Outputs["request_data"], Output: string(p.Output),
		Duration: float64(time.Since(began).Microseconds()) / 1000, Writes: p.wrote(it.kept.Ops)}
	if e := res.Err; e != nil {
		tried.Error = &TriedError{e.Type, e.Message, e.Line, e.Traceback}
		return tried, nil
	}
	if t.Commit && len(it.kept.Ops) > 0 {
		if _, err := p.x.s.options.Catalog.Apply(ctx, p.x.actor, it.kept.Ops, nil); err != nil {
			return nil, err
		}
	}
	return tried, nil
}

// tested makes the run of a test and its item.
func (p *scripting) tested(ctx context.Context, t *ScriptTest) (*scriptRun, *scriptItem, error) {
	it := newScriptItem(tree.Value{})
	var err error
	if len(t.Request) > 0 {
		if it.data, err = tree.ParseJSON(t.Request, tree.Limits{Depth: 32}); err != nil {
			return nil, nil, fault.Invalid([]fault.Detail{fault.At("request_data", fault.Type, "expected an object")})
		}
	}
	if t.Record != "" {
		rows, err := p.x.s.options.Catalog.Records(ctx, p.x.actor, p.config.Catalog.Num,
			query.Query{Where: query.Among{bpium.RecordKey(t.Record)}, Limit: 1}, &catalog.Selection{Fields: []*catalog.Field{}})
		if err != nil {
			return nil, nil, err
		}
		if rows.Page.Len() == 0 {
			return nil, nil, fault.New(fault.NotFound, "there is no such record")
		}
		it.record, it.code = rows.Page.Record(0), string(rows.Page.Code(0))
	}
	r := &scriptRun{name: "test", code: &Script{Source: t.Source}, mode: script.Mode(t.Mode), model: p.config.Catalog}
	for _, l := range p.x.plan.lines {
		if t.Line == 0 || l.ID != t.Line {
			continue
		}
		r = l.scriptRun(p.x.plan, nil)
		if t.Source != "" {
			r.code = &Script{Source: t.Source}
		}
		if t.Mode != "" {
			r.mode = script.Mode(t.Mode)
		}
		if l.ExternalKey != "" {
			it.value, _ = l.path.read(it.data)
		}
	}
	if t.Line != 0 && r.line == nil {
		return nil, nil, fault.New(fault.NotFound, "there is no such line")
	}
	if r.mode == "" {
		r.mode = script.Evaluate
	}
	r.items, r.outputs = []*scriptItem{it}, []string{"request_data"}
	return r, it, nil
}

// wrote tells what operations do.
func (p *scripting) wrote(ops []catalog.Op) []TriedWrite {
	list := []TriedWrite{}
	for _, op := range ops {
		var w TriedWrite
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
		}
		c := p.config.State.Structure.AnyCatalog(n)
		w.Model, w.IDs, w.Fields = p.name(c), []json.RawMessage{recordJSON(key.Record, key.Code)}, []string{}
		for _, v := range values {
			if f := c.Field(v.Field); f != nil {
				w.Fields = append(w.Fields, f.Key)
			}
		}
		list = append(list, w)
	}
	return list
}
