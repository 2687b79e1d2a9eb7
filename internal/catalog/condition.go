package catalog

import (
	"context"
	"fmt"
	"slices"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// This file is the conditions of link fields by the card's own values.

// checkConditions drops those about what is no source of the field, and refuses
// new ones that compare what whoever sets them up may not see: the titles that
// are offered would tell.
func (r *restructure) checkConditions(path string, c, before *Config) {
	c.Conditions = slices.DeleteFunc(c.Conditions, func(n LinkCondition) bool {
		f := r.st.Field(n.Field)
		return f == nil || f.Catalog != n.Catalog || !slices.ContainsFunc(c.Sources, n.about)
	})
	for _, n := range c.Conditions {
		known := before != nil && slices.Contains(before.Conditions, n)
		if f := r.st.Field(n.Field); !known && !r.access.compares(f, n.Catalog == r.after.Num) {
			r.refuse(path+".filters", fault.Forbidden, "you have no right to this source")
		}
	}
}

// about tells whether the condition is about a source.
func (n LinkCondition) about(s Source) bool {
	return s.Catalog == n.Catalog && (n.View == 0 || n.View == s.View)
}

// compares tells whether the actor sees a field of every record, or, of his own
// catalog, which he manages, that it is no secret.
func (a *Access) compares(f *Field, own bool) bool {
	c := a.structure.Catalog(f.Catalog)
	if own {
		return !f.Secret || a.Readable(f)
	}
	return c != nil && a.Catalog(c) >= AvailablePrivilege && a.Where(c) == nil && a.Readable(f) && a.visible(f) == nil
}

// cardValues are the values of the card that a link field's conditions name, by
// public id; those that are empty or hidden from the actor are missing.
func (d *reading) cardValues(ctx context.Context, f *Field, key query.Key) (map[string]FieldValue, error) {
	c := d.st.Catalog(f.Catalog)
	n, privilege, err := recordOf(ctx, d.r, d.access, c, key)
	if err == nil {
		err = need(privilege, ViewPrivilege)
	}
	if err != nil {
		return nil, err
	}
	var fields []*Field
	for _, condition := range f.Config.Conditions {
		own := c.FieldByKey(condition.Value)
		if own != nil && own.Storage() != NoStorage && d.access.Readable(own) && !slices.Contains(fields, own) {
			fields = append(fields, own)
		}
	}
	if len(fields) == 0 {
		return nil, nil
	}
	page, err := d.r.Rows(ctx, c, fields, []query.Record{n})
	if err != nil || page.Len() == 0 {
		return nil, err
	}
	on, err := rightsOn(ctx, d.r, d.access, c, []query.Record{n})
	if err != nil {
		return nil, fmt.Errorf("read the rights on the card: %w", err)
	}
	values := map[string]FieldValue{}
	for j, own := range fields {
		if v := CellValue(own, page, page.Cell(0, j)); v != nil && (on.ca == nil || on.field(own, n) >= ViewField) {
			values[own.Key] = FieldValue{own.Num, v}
		}
	}
	return values, nil
}

// conditionsOf is what the conditions of a link field ask of a source's records.
// They look at everything, as legal views do, whoever asks.
func (d *reading) conditionsOf(f *Field, s Source, card map[string]FieldValue) query.Node {
	n := all
	for _, condition := range f.Config.Conditions {
		target := d.st.Field(condition.Field)
		v, some := card[condition.Value]
		if target == nil || !some || !condition.about(s) {
			continue
		}
		n = both(n, d.equals(target, d.st.Field(v.Field), v.Value))
	}
	return n
}

// equals is the condition that a field has the value that another has: what a
// filter by that value asks for.
func (d *reading) equals(f, other *Field, v Value) query.Node {
	var test query.Test
	switch storage := f.Storage(); v := v.(type) {
	case Text:
		if fold := text.Fold(string(v)); storage == TextStorage && fold != "" {
			test = query.Substring{Fold: fold}
		}
	case Number:
		test = equalsNumber(storage, float64(v))
	case Whole:
		test = equalsNumber(storage, float64(v))
	case Time:
		if at := int64(v); storage == TimeStorage {
			test = query.TimeRange{Min: &at, Max: &at}
		}
	case Bool:
		if storage == BoolStorage {
			test = query.AnyOf{1}
		}
	case Items:
		if storage.HasItems() {
			test = f.sameItems(other, v)
		}
	case Links:
		if storage == LinksStorage {
			links := make(query.LinksAny, len(v))
			for i, l := range v {
				links[i] = l.Link
			}
			test = links
		}
	}
	if test == nil {
		return none // values of different kinds are never equal
	}
	return query.Cond{Field: f.Num, Test: test}
}

func equalsNumber(s Storage, n float64) query.Test {
	if s != FloatStorage && s != WholeStorage {
		return nil
	}
	return query.NumberRange{Min: &n, Max: &n}
}

// sameItems asks for the options that have the public ids of another field's.
func (f *Field) sameItems(other *Field, items Items) query.Test {
	test := query.AnyOf{}
	for _, n := range items {
		item := other.Config.Item(n)
		for i := range f.Config.Items {
			if own := &f.Config.Items[i]; item != nil && own.Key == item.Key {
				test = append(test, int64(own.Num))
			}
		}
	}
	return test
}
