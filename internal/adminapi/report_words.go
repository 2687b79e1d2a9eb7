package adminapi

import (
	"context"
	"fmt"
	"strings"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/report"
	"kartoteka/internal/table"
)

// maxNamed bounds how many names a message lists.
const maxNamed = 40

// createdWord names the time of creation.
const createdWord = "created"

// named is a thing that people name by its public id or by its name.
type named struct{ key, name, where string }

// pick finds the thing that a word names: by id, else by its exact name, else by
// one that differs in capitals only. none and several begin the messages.
func pick(list []named, word, none, several string) (int, error) {
	for _, same := range []func(n named) bool{
		func(n named) bool { return n.key == word },
		func(n named) bool { return n.name == word },
		func(n named) bool { return text.Fold(n.name) == text.Fold(word) },
	} {
		var found []named
		at := 0
		for i, n := range list {
			if same(n) {
				found, at = append(found, n), i
			}
		}
		switch len(found) {
		case 0:
		case 1:
			return at, nil
		default:
			return 0, fmt.Errorf("%s: %s; give the id", several, listNames(found))
		}
	}
	if len(list) == 0 {
		return 0, fmt.Errorf("%s", none)
	}
	return 0, fmt.Errorf("%s; there is %s", none, listNames(list))
}

// listNames lists things as "1 Name, 2 Status".
func listNames(list []named) string {
	var names []string
	for _, n := range list[:min(len(list), maxNamed)] {
		name := n.key
		if n.name != n.key {
			name += " " + table.Clean(n.name)
		}
		if n.where != "" {
			name += " (" + table.Clean(n.where) + ")"
		}
		names = append(names, name)
	}
	if more := len(list) - maxNamed; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// catalogNamed gives the public id of the catalog that a word names.
func catalogNamed(ctx context.Context, t Tools, who catalog.Actor, word string) (key string, err error) {
	scopes, err := t.Catalog.Catalogs(ctx, who, catalog.CatalogFilter{Hidden: true})
	if err != nil {
		return "", err
	}
	key = bpium.CatalogKey(word)
	var list []named // those of the system have ids that are names
	for _, sc := range scopes {
		if sc.Catalog.Key == key {
			return key, nil
		}
		if !strings.HasPrefix(sc.Catalog.Key, "$") {
			list = append(list, named{sc.Catalog.Key, sc.Catalog.Name, sc.Structure.Section(sc.Catalog.Section).Name})
		}
	}
	at, err := pick(list, word, fmt.Sprintf("there is no catalog %q", word), fmt.Sprintf("several catalogs are called %q", word))
	if err != nil {
		return "", err
	}
	return list[at].key, nil
}

// fieldNamed finds the field that a word names; flag is for messages.
func fieldNamed(sc *catalog.Scope, flag, word string) (*catalog.Field, error) {
	if f := bpium.FieldByID(sc.Catalog, word); f != nil && sc.Access.Readable(f) {
		return f, nil
	}
	var list []named
	var fields []*catalog.Field
	for _, f := range sc.Catalog.Fields {
		if f.Storage() != catalog.NoStorage && sc.Access.Readable(f) {
			list, fields = append(list, named{key: f.Key, name: f.Name}), append(fields, f)
		}
	}
	of := fmt.Sprintf("%s: the catalog %q has", flag, sc.Catalog.Name)
	at, err := pick(list, word, fmt.Sprintf("%s no field %q", of, word), fmt.Sprintf("%s several fields %q", of, word))
	if err != nil {
		return nil, err
	}
	return fields[at], nil
}

// grouping reads FIELD, FIELD:STEP, created, created:STEP or STEP.
func grouping(sc *catalog.Scope, flag, word string) (query.Grouping, error) {
	if word == "" {
		return query.Grouping{}, nil
	}
	if step, ok := bpium.Step(word); ok {
		return query.Grouping{By: query.GroupsOfCreated, Step: step}, nil
	}
	name, code, stepped := word, "", false
	if i := strings.LastIndexByte(word, ':'); i >= 0 {
		if _, known := bpium.Step(word[i+1:]); known || word[:i] == createdWord {
			name, code, stepped = word[:i], word[i+1:], true
		}
	}
	step, known := bpium.Step(code)
	if !stepped {
		step = query.Day
	}
	if name == createdWord {
		if stepped && !known {
			return query.Grouping{}, unknownStep(flag, code)
		}
		return query.Grouping{By: query.GroupsOfCreated, Step: step}, nil
	}
	f, err := fieldNamed(sc, flag, name)
	if err != nil {
		if i := strings.LastIndexByte(word, ':'); i >= 0 && !stepped {
			if _, isField := fieldNamed(sc, flag, word[:i]); isField == nil {
				return query.Grouping{}, unknownStep(flag, word[i+1:])
			}
		}
		return query.Grouping{}, err
	}
	g := query.Grouping{By: query.GroupsOfField, Field: f.Num}
	switch timed := f.Storage() == catalog.TimeStorage; {
	case timed:
		g.Step = step
	case stepped:
		return g, fmt.Errorf("%s: the field %q is no date, and has no %s", flag, f.Name, code)
	}
	return g, nil
}

func unknownStep(flag, code string) error {
	return fmt.Errorf("%s: %q is no step of time; there is %s", flag, code, strings.Join(bpium.Steps, ", "))
}

// measureWord is what is measured, its field as a word.
type measureWord struct {
	query.Measure
	field string
}

const measureHelp = "count (of records), sum, avg, avgAll (no value is 0), min, max or count of a number; distinct:FIELD, how many different texts, links or " +
	"employees; timeIn:FIELD or timeTo:FIELD, how long records are in the options of a choice or take to get there, on average, or FUNCTION:timeIn:FIELD"

// parseMeasure reads count, FUNCTION:FIELD and what else measureHelp tells.
func parseMeasure(s string) (m measureWord, err error) {
	if s == "" || s == "count" {
		return m, nil
	}
	head, rest, _ := strings.Cut(s, ":")
	if rest == "" {
		return m, usage("--value %q is neither count nor FUNCTION:FIELD", s)
	}
	m.field = rest
	if head == "distinct" {
		m.Of = query.Distinct
		return m, nil
	}
	times := map[string]query.MeasureOf{"timeIn": query.TimeIn, "timeTo": query.TimeTo}
	if of, ok := times[head]; ok {
		m.Of, m.Fn = of, query.Average
		return m, nil
	}
	fn, ok := bpium.Function(head)
	if !ok {
		return m, usage("--value: there is no function %q; there is %s", head, "count, sum, avg, avgAll, min, max, distinct, timeIn, timeTo")
	}
	m.Of, m.Fn = query.Numbers, fn
	if head, rest, _ := strings.Cut(rest, ":"); rest != "" && times[head] != query.Records {
		m.Of, m.field = times[head], rest
	}
	return m, nil
}

// in finds the field of the measure.
func (m measureWord) in(sc *catalog.Scope) (query.Measure, error) {
	if m.Of == query.Records {
		return m.Measure, nil
	}
	f, err := fieldNamed(sc, "--value", m.field)
	if err != nil {
		return m.Measure, err
	}
	m.Field = f.Num
	return m.Measure, nil
}

// parseOrder reads axis or value, and :asc or :desc.
func parseOrder(s string) (by report.Order, direction report.Direction, err error) {
	if s == "" {
		return by, direction, nil
	}
	what, way, _ := strings.Cut(s, ":")
	orders := map[string]report.Order{"axis": report.ByAxis, "value": report.ByValue}
	ways := map[string]report.Direction{"": report.Usual, "asc": report.Ascending, "desc": report.Descending}
	by, ok := orders[what]
	direction, directed := ways[way]
	if !ok || !directed {
		return by, direction, usage("--sort must be axis or value, with :asc or :desc")
	}
	return by, direction, nil
}
