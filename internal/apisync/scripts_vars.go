package apisync

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/script"
)

// This file makes the names that scripts have (sync-api.md §6.2).

// Models that are no catalogs.
const (
	logModel    = "bj.api.log"
	configModel = "bj.api.sync.config"
	lineModel   = "bj.api.sync.config.line"
)

// shared are the names that are the same for all items.
func (p *scripting) shared(ctx context.Context, r *scriptRun, uses func(string) bool) (script.Item, error) {
	s := script.Item{Inputs: map[string]json.RawMessage{}, Records: map[string]script.Ref{}}
	for name, v := range r.inputs {
		s.Inputs[name] = v
	}
	if uses("uid") || uses("user") {
		if err := p.findUser(ctx); err != nil {
			return s, err
		}
		s.Records["user"] = *p.people
		for _, id := range p.people.IDs {
			s.Inputs["uid"], s.Inputs["user_id"] = id, id
		}
	}
	if r.model != nil && uses("model") {
		s.Records["model"] = script.Ref{Model: p.name(r.model), IDs: []json.RawMessage{}}
	}
	if uses("config") {
		s.Records["config"] = p.configRef(p.config.Config)
		s.Inputs["config_index"] = idJSON(p.config.ID)
	}
	if r.line != nil && uses("sync_line") {
		s.Records["sync_line"] = script.Ref{Model: lineModel, IDs: []json.RawMessage{idJSON(r.line.ID)}, Values: []json.RawMessage{p.lineRow(r.line.Line)}}
	}
	return s, nil
}

func idJSON(n int64) json.RawMessage { return strconv.AppendInt(nil, n, 10) }

// findUser makes the record of the acting employee, with the texts of his own card:
// everybody may see who he is.
func (p *scripting) findUser(ctx context.Context) error {
	if p.people != nil {
		return nil
	}
	ref := &script.Ref{Model: p.name(p.config.State.Structure.Catalog(catalog.Employees)), IDs: []json.RawMessage{}}
	if p.x.actor.Employee != 0 {
		rows, err := p.x.s.options.Catalog.Employee(ctx, p.x.actor)
		if err != nil {
			return err
		}
		id := recordJSON(rows.Page.Record(0), string(rows.Page.Code(0)))
		row := map[string]any{"id": id, "display_name": titleOf(rows, 0)}
		for _, f := range rows.Fields {
			if f.Scripted() && f.Type.Name() == "text" {
				row[f.Key] = textOf(rows, 0, f)
			}
		}
		data, err := json.Marshal(row)
		if err != nil {
			return err
		}
		ref.IDs, ref.Values = append(ref.IDs, id), append(ref.Values, data)
	}
	p.people = ref
	return nil
}

func recordJSON(n query.Record, code string) json.RawMessage {
	if code != "" {
		return tree.AppendString(nil, code)
	}
	return idJSON(int64(n))
}

// variables are the names of one item.
func (it *scriptItem) variables(model string, uses func(string) bool) script.Item {
	v := script.Item{Inputs: map[string]json.RawMessage{}, Records: map[string]script.Ref{}}
	// The entry points get it without naming it.
	if !it.data.IsNull() && (uses("request_data") || uses("transform_")) {
		v.Inputs["request_data"] = it.data.AppendJSON(nil)
	}
	if uses("value") {
		v.Inputs["value"] = it.value.AppendJSON(nil)
	}
	if uses("record") {
		ref := script.Ref{Model: model, IDs: []json.RawMessage{}}
		if it.record != 0 {
			ref.IDs = append(ref.IDs, recordJSON(it.record, it.code))
		}
		v.Records["record"], v.Records["records"] = ref, ref
	}
	return v
}

// key finds the catalog of a model.
func (p *scripting) key(model string) (string, bool) {
	st := p.config.State
	name := strings.TrimPrefix(model, Local+":")
	c := modelOf(st.Structure, st.Settings, name)
	if c == nil {
		c = modelOf(st.Structure, st.Settings, bpium.CatalogKey(name))
	}
	if c == nil {
		return "", false
	}
	return c.Key, true
}

// name is the model that records of a catalog are records of: its alias, the first of
// several, else its public id.
func (p *scripting) name(c *catalog.Catalog) string {
	if p.names == nil {
		p.names = map[*catalog.Catalog]string{}
		st := p.config.State
		for alias := range st.Settings.ModelAliases {
			of := modelOf(st.Structure, st.Settings, alias)
			if was := p.names[of]; of != nil && (was == "" || alias < was) {
				p.names[of] = alias
			}
		}
	}
	switch {
	case c == nil:
		return ""
	case p.names[c] != "":
		return p.names[c]
	}
	return c.Key
}

// ref is env.ref: the config with a code, after what stands before the last dot.
func (p *scripting) ref(code string) *script.Ref {
	c := p.config.State.Configs[code[strings.LastIndexByte(code, '.')+1:]]
	if c == nil {
		return nil
	}
	ref := p.configRef(c)
	return &ref
}

func (p *scripting) configRef(c *Config) script.Ref {
	row, _ := json.Marshal(configRow(c)) // plain values
	return script.Ref{Model: configModel, IDs: []json.RawMessage{idJSON(c.ID)}, Values: []json.RawMessage{row}}
}

func configRow(c *Config) map[string]any {
	return map[string]any{"id": c.ID, "name": c.Name, "display_name": c.Name, "code": c.Code, "active": c.Active}
}

func (p *scripting) lineRow(l *Line) json.RawMessage {
	row, _ := json.Marshal(map[string]any{
		"id": l.ID, "display_name": l.ExternalKey, "external_key": l.ExternalKey, "field": l.Field, "sequence": l.Sequence,
		"api_config_id": []any{p.config.ID, p.config.Name},
	}) // plain values
	return row
}

// sortedConfigs are all configs by id.
func (p *scripting) sortedConfigs() []*Config {
	var list []*Config
	for _, c := range p.config.State.Configs {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *Config) int { return int(a.ID - b.ID) })
	return list
}
