package apisync

import (
	"context"
	"encoding/json"
	"slices"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/script"
)

// pre runs the pre_script: request_data of each item is what it leaves or gives.
func (p *scripting) pre(ctx context.Context, all []*scriptItem) error {
	defer func() {
		for _, it := range all {
			it.begun, it.refused = *it.kept, it.err != nil
		}
	}()
	if p.config.PreScript == nil {
		return nil
	}
	items := good(all)
	results, err := p.run(ctx, &scriptRun{
		name: "pre_script", code: p.config.PreScript, mode: script.Execute, model: p.config.Catalog, outputs: []string{"request_data"}, items: items,
	})
	if err != nil {
		return err
	}
	for i, it := range items {
		if it.err != nil {
			continue
		}
		raw := results[i].Outputs["request_data"]
		if r := &results[i]; r.HasValue && string(r.Value) != "null" {
			raw = r.Value
		}
		if raw == nil {
			continue // it uses none
		}
		v, err := scriptJSON(raw)
		if err != nil {
			return err
		}
		if v.Kind != tree.Object {
			it.err = Refuse(500, "SCRIPT_ERROR", "a script of this endpoint failed").With("script", "pre_script").With("line", 0).With("type", "TypeError")
			continue
		}
		it.data = v
	}
	return nil
}

// restart forgets what came after pre but the identifier, to try again.
func (it *scriptItem) restart(identifier *mapLine) {
	kept, values := it.begun, map[*Line]scriptValue{}
	if identifier != nil {
		if v, ok := it.values[identifier.Line]; ok {
			values[identifier.Line] = v
		}
	}
	it.kept, it.values, it.initial = &kept, values, map[string]tree.Value{}
}

func good(items []*scriptItem) []*scriptItem {
	return slices.DeleteFunc(slices.Clone(items), func(it *scriptItem) bool { return it.err != nil })
}

// afters are the lines that run once the record is as it will be stored.
func (p *scripting) afters(ctx context.Context) (lines []*mapLine, err error) {
	for _, l := range p.x.plan.lines {
		if !l.scripted() || !l.In() || l.bad() != nil {
			continue
		}
		after, err := p.isAfter(ctx, l)
		if err != nil {
			return nil, err
		}
		if after {
			lines = append(lines, l)
		}
	}
	return lines, nil
}

// after joins the writes of the items' scripts to their own operations, and runs the
// scripts that see the records as they will be stored. ops gives the operations of an
// item, whose record is known by now; Kept.Ops has all of them afterwards.
func (p *scripting) after(ctx context.Context, items []*scriptItem, ops func(i int) []catalog.Op) error {
	lines, err := p.afters(ctx)
	if err != nil {
		return err
	}
	sees := len(lines) > 0 || p.config.PostScript != nil
	for i, it := range items {
		it.lead = len(it.kept.Ops)
		switch own := ops(i); {
		case it.err != nil:
		case !sees && len(it.kept.Ops) == 0:
			it.kept.Ops = own
		default:
			if err := p.join(ctx, it, own); err != nil {
				return err
			}
		}
	}
	for _, l := range lines {
		if err := p.runAfter(ctx, l, items); err != nil {
			return err
		}
	}
	if p.config.PostScript == nil {
		return nil
	}
	_, err = p.run(ctx, &scriptRun{
		name: "post_script", code: p.config.PostScript, mode: script.Execute, model: p.config.Catalog, items: good(items),
	})
	return err
}

// join puts an item's own operations behind those of its scripts.
func (p *scripting) join(ctx context.Context, it *scriptItem, own []catalog.Op) error {
	if _, err := it.kept.Add(ctx, p.x.s.options.Catalog, p.x.actor, own); err != nil {
		e := AsError(FaultError(err, p.config))
		if e == nil {
			return err
		}
		it.err = e
	}
	return nil
}

// runAfter runs a line; a value that it gives is written to its field.
func (p *scripting) runAfter(ctx context.Context, l *mapLine, items []*scriptItem) error {
	asked := l.asked(items)
	results, err := p.run(ctx, l.scriptRun(p.x.plan, asked))
	if err != nil {
		return err
	}
	for i, it := range asked {
		if it.err != nil || !results[i].HasValue || l.Field() == nil {
			continue
		}
		v, err := scriptJSON(results[i].Value)
		if err != nil {
			return err
		}
		if err := p.host.Set(ctx, it.kept, p.config.Catalog, it.record, l.Field(), v); err != nil {
			e := p.unwritten(ctx, err, l)
			if e == nil {
				return err
			}
			it.err = e
		}
	}
	return nil
}

// Envelope is an answer that a response_script may change.
type Envelope struct {
	Response json.RawMessage // an object
	Headers  map[string]string
}

// respond runs the response_script on an answer. It writes nothing.
func (p *scripting) respond(ctx context.Context, e *Envelope) error {
	if p.config.ResponseScript == nil {
		return nil
	}
	headers, err := json.Marshal(e.Headers)
	if err != nil {
		return err
	}
	it := &scriptItem{}
	results, err := p.run(ctx, &scriptRun{
		name: "response_script", code: p.config.ResponseScript, mode: script.Execute, model: p.config.Catalog,
		inputs:  map[string]json.RawMessage{"response": e.Response, "headers": headers},
		outputs: []string{"response", "headers"}, items: []*scriptItem{it},
	})
	switch {
	case err != nil:
		return err
	case it.err != nil:
		return it.err
	}
	r := &results[0]
	if v := r.Outputs["response"]; v != nil {
		e.Response = v
	}
	if r.HasValue && string(r.Value) != "null" {
		e.Response = r.Value
	}
	var given map[string]any
	if err := json.Unmarshal(r.Outputs["headers"], &given); err != nil {
		return Refuse(500, "SCRIPT_ERROR", "a script of this endpoint failed").With("script", "response_script").With("line", 0).With("type", "TypeError")
	}
	e.Headers = map[string]string{}
	for name, v := range given {
		if text, ok := v.(string); ok {
			e.Headers[name] = text
		} else if data, err := json.Marshal(v); err == nil {
			e.Headers[name] = string(data)
		}
	}
	return nil
}

// domain works out a filter_domain that is a Python expression: the domain as JSON, nil
// when there is nothing to be worked out.
func (p *scripting) domain(ctx context.Context, raw json.RawMessage) (json.RawMessage, error) {
	var text string
	if json.Unmarshal(raw, &text) != nil || text == "" {
		return nil, nil
	}
	if _, err := ParseDomain(text); err == nil {
		return nil, nil
	}
	it := &scriptItem{}
	results, err := p.run(ctx, &scriptRun{name: "filter_domain", code: &Script{Source: text}, mode: script.Evaluate, items: []*scriptItem{it}, only: true})
	switch {
	case err != nil:
		return nil, err
	case it.err != nil:
		return nil, it.err
	}
	domain := results[0].Value
	if v, err := tree.ParseJSON(domain, tree.Limits{}); err != nil || v.Kind != tree.List {
		return nil, badConfig(nil, "the domain of the configuration cannot be read")
	}
	return domain, nil
}

// filtered is the configuration with another filter.
func (c *Compiled) filtered(domain json.RawMessage) *Compiled {
	config := *c.Config
	config.FilterDomain = domain
	return &Compiled{Config: &config, State: c.State, Catalog: c.Catalog, Lines: c.Lines, Identifier: c.Identifier, Problems: c.Problems}
}

// Respond runs the response_script of a call's configuration on its answer. What it
// prints and adds to the log goes to the reply, and to the refusal when it fails.
func (s *Service) Respond(ctx context.Context, call *Call, e *Envelope, r *Reply) error {
	c := call.Config
	if c.ResponseScript == nil || c.Catalog == nil {
		return nil
	}
	return s.options.Catalog.Request(ctx, call.Actor, c.Catalog.Key, func(a catalog.Actor, sc *catalog.Scope) error {
		p := s.Exchange(c, a, sc).scripting()
		p.Notes, p.Output = r.Notes, r.Output
		err := p.respond(ctx, e)
		r.Notes, r.Output = p.Notes, p.Output
		if refused := AsError(err); refused != nil {
			refused.Notes, refused.Output = p.Notes, p.Output
		}
		return err
	})
}
