package apisync

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"kartoteka/internal/query/domain"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/script"
	"kartoteka/internal/scriptenv"
)

// This file answers calls about models that are no catalogs.

// plainFields are the fields of such a model, by type.
func plainFields(types map[string]string) any {
	fields := map[string]map[string]any{}
	for name, kind := range types {
		f := map[string]any{"type": kind, "string": name, "readonly": true}
		if kind == "many2one" {
			f["relation"] = configModel
		}
		fields[name] = f
	}
	return map[string]any{"fields": fields}
}

func notHere(model, method string) error {
	return script.Raise("RuntimeError", model+" has no "+method)
}

// logs takes entries for the log. They cannot be found again.
func (p *scripting) logs(_ context.Context, method string, a *scriptenv.Args) (any, error) {
	switch method {
	case "fields":
		return plainFields(map[string]string{"id": "integer", "name": "char", "status": "char", "details": "json"}), nil
	case "search", "read", "exists", "name_search":
		return []any{}, nil
	case "search_count":
		return 0, nil
	case "create":
		return p.note(a.Values)
	}
	return nil, notHere(logModel, method)
}

// note adds entries: name and status, and all else under details.
func (p *scripting) note(values json.RawMessage) (any, error) {
	list, err := tree.ParseJSON(values, tree.Limits{Depth: 32})
	if err != nil || list.Kind != tree.List {
		return nil, script.Raise("ValueError", "create takes a dict or a list of them")
	}
	ids := []int{}
	for _, v := range list.Items() {
		if v.Kind != tree.Object {
			return nil, script.Raise("ValueError", "create takes a dict or a list of them")
		}
		if len(p.Notes) == maxNotes {
			return nil, script.Raise("ValueError", fmt.Sprintf("a request adds at most %d entries to the log", maxNotes))
		}
		var n LogNote
		var details []tree.Field
		for _, f := range v.Fields() {
			switch {
			case f.Key == "name" && f.Value.Kind == tree.String:
				n.Name = f.Value.Str()
			case f.Key == "status":
				n.Status = f.Value.Text()
			default:
				details = append(details, f)
			}
		}
		n.Details = tree.NewObject(details).AppendJSON(nil)
		p.Notes = append(p.Notes, n)
		ids = append(ids, len(p.Notes))
	}
	return ids, nil
}

// configs finds and reads configs, of which only a little is to be seen.
func (p *scripting) configs(_ context.Context, method string, a *scriptenv.Args) (any, error) {
	switch method {
	case "fields":
		return plainFields(map[string]string{"id": "integer", "name": "char", "code": "char", "active": "boolean"}), nil
	case "search", "search_count", "name_search":
		found, err := p.searched(method, a)
		if err != nil {
			return nil, err
		}
		return found, nil
	case "read", "exists":
		rows, ids := []any{}, []json.RawMessage{}
		for _, id := range a.IDs {
			for _, c := range p.config.State.Configs {
				if string(idJSON(c.ID)) == string(id) {
					rows, ids = append(rows, configRow(c)), append(ids, id)
				}
			}
		}
		if method == "read" {
			return rows, nil
		}
		return ids, nil
	}
	return nil, notHere(configModel, method)
}

// searched answers the searches of configs.
func (p *scripting) searched(method string, a *scriptenv.Args) (any, error) {
	d, err := ReadDomain(a.Domain)
	if err != nil {
		return nil, script.Raise("ValueError", "the domain cannot be read: "+AsError(err).Message.In(""))
	}
	if method == "name_search" && a.Name != "" {
		d = domain.And{d, domain.Criterion{Field: "name", Operator: a.Operator, Value: tree.NewString(a.Name)}}
	}
	ids, pairs := []int64{}, [][2]any{}
	for _, c := range p.sortedConfigs() {
		is, err := matches(d, c)
		if err != nil {
			return nil, err
		}
		if is {
			ids, pairs = append(ids, c.ID), append(pairs, [2]any{c.ID, c.Name})
		}
	}
	if a.Order != nil && strings.HasSuffix(strings.ToLower(*a.Order), " desc") {
		slices.Reverse(ids)
	}
	from := min(max(a.Offset, 0), len(ids))
	to := len(ids)
	if a.Limit != nil {
		to = min(to, from+max(*a.Limit, 0))
	}
	switch method {
	case "search_count":
		return to, nil
	case "name_search":
		return pairs[:to], nil
	}
	return ids[from:to], nil
}

// matches tells whether a config is one that a domain means.
func matches(d domain.Domain, c *Config) (bool, error) {
	switch d := d.(type) {
	case domain.And:
		for _, e := range d {
			if is, err := matches(e, c); err != nil || !is {
				return false, err
			}
		}
		return true, nil
	case domain.Or:
		for _, e := range d {
			if is, err := matches(e, c); err != nil || is {
				return is, err
			}
		}
		return false, nil
	case domain.Not:
		is, err := matches(d.Domain, c)
		return !is, err
	case domain.Criterion:
		return compares(d, c)
	}
	return false, script.Raise("ValueError", "the domain cannot be read")
}

func compares(d domain.Criterion, c *Config) (bool, error) {
	var v tree.Value
	switch d.Field {
	case "id":
		v = tree.NewNumber(string(idJSON(c.ID)))
	case "name", "display_name":
		v = tree.NewString(c.Name)
	case "code":
		v = tree.NewString(c.Code)
	case "active":
		v = tree.NewBool(c.Active)
	default:
		return false, script.Raise("ValueError", "the domain cannot be read: there is no field "+d.Field)
	}
	operator, not := strings.CutPrefix(d.Operator, "not ")
	if operator == "!=" {
		operator, not = "=", true
	}
	is := false
	switch operator {
	case "=":
		is = same(v, d.Value)
	case "in":
		is = slices.ContainsFunc(d.Value.Items(), func(e tree.Value) bool { return same(v, e) })
	case "like":
		is = strings.Contains(v.Text(), d.Value.Text())
	case "ilike":
		is = strings.Contains(strings.ToLower(v.Text()), strings.ToLower(d.Value.Text()))
	default:
		return false, script.Raise("ValueError", "configs are not searched by "+d.Operator)
	}
	return is != not, nil
}

// configLines reads the line that runs.
func (p *scripting) configLines(_ context.Context, method string, a *scriptenv.Args) (any, error) {
	switch method {
	case "fields":
		return plainFields(map[string]string{
			"id": "integer", "external_key": "char", "field": "char", "sequence": "integer", "api_config_id": "many2one",
		}), nil
	case "read":
		rows := []json.RawMessage{}
		for _, id := range a.IDs {
			for _, l := range p.config.allLines() {
				if string(idJSON(l.ID)) == string(id) {
					rows = append(rows, p.lineRow(l))
				}
			}
		}
		return rows, nil
	}
	return nil, notHere(lineModel, method)
}
