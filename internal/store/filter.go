package store

import (
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// A compiled condition may be NULL where the column is; that is as good as
// false under AND, OR, WHERE and IN (SELECT ...), and no index is lost to
// wrapping. The one place where it is not is under NOT, and that is compiled as
// (...) IS NOT TRUE. So every condition is two-valued.

// node adds the condition n on a record of src.
func (b *builder) node(src source, n query.Node) error {
	if err := b.enter(); err != nil {
		return err
	}
	defer b.leave()
	switch n := n.(type) {
	case nil:
		b.add("TRUE")
	case query.And:
		return b.chain(src, n, " AND ", "TRUE")
	case query.Or:
		return b.chain(src, n, " OR ", "FALSE")
	case query.Not:
		b.add("(")
		if err := b.node(src, n.Node); err != nil {
			return err
		}
		b.add(") IS NOT TRUE")
	case query.Among:
		b.records(src, n)
	case query.Cond:
		return b.cond(src, n)
	case query.LinkedBy:
		return b.linkedBy(src, n)
	case query.Unread:
		b.unread(src, n)
	case query.Titled:
		return b.titledBy(src, n)
	case query.Stamped:
		return b.stamped(src, n)
	case query.Authored:
		return b.authored(src, n)
	case query.Numbered:
		b.numberedIn(src, n)
	case query.Synced:
		b.synced(src, n)
	default:
		return unknownKind()
	}
	return nil
}

func unknownKind() error {
	return fault.New(fault.InvalidFilter, "The filter has a condition of an unknown kind")
}

// chainLength is how many conditions stand in one row of operators: SQLite
// nests such a row to its left.
const chainLength = 8

// chain adds conditions joined by an operator; none says what no conditions are.
func (b *builder) chain(src source, list []query.Node, operator, none string) error {
	switch len(list) {
	case 0:
		b.add(none)
		return nil
	case 1:
		return b.node(src, list[0])
	}
	b.add("(")
	if half := len(list) / 2; len(list) > chainLength {
		if err := b.chain(src, list[:half], operator, none); err != nil {
			return err
		}
		b.add(operator)
		if err := b.chain(src, list[half:], operator, none); err != nil {
			return err
		}
	} else {
		for i, n := range list {
			if i > 0 {
				b.add(operator)
			}
			if err := b.node(src, n); err != nil {
				return err
			}
		}
	}
	b.add(")")
	return nil
}

// records adds the condition that the record is one of those named.
func (b *builder) records(src source, keys []query.Key) {
	numbers, codes := splitKeys(keys)
	if len(codes) == 0 {
		b.among(src.id(), numbers)
		return
	}
	b.add("(")
	if len(numbers) > 0 {
		b.among(src.id(), numbers)
		b.add(" OR ")
	}
	b.amongTexts(src.alias+".code", codes)
	b.add(")")
}

// splitKeys parts record numbers from custom ids. What no record can be called
// is left out: PostgreSQL would refuse such a text.
func splitKeys(keys []query.Key) (numbers []int64, codes []string) {
	for _, k := range keys {
		switch {
		case k.Record > 0 && k.Record <= query.MaxRecord:
			numbers = append(numbers, int64(k.Record))
		case k.Record == 0 && k.Code != "" && storable(k.Code):
			codes = append(codes, k.Code)
		}
	}
	return numbers, codes
}

// cond adds the test of one field.
func (b *builder) cond(src source, c query.Cond) error {
	f := src.catalog.Field(c.Field)
	if f == nil {
		return fault.New(fault.InvalidFilter, "The filter names a field that is not there")
	}
	if !allows(storageOf(f), c.Test) {
		return fault.New(fault.InvalidFilter, "The field %s cannot be filtered in this way", f.Name)
	}
	switch t := c.Test.(type) {
	case query.Empty:
		b.add(src.value(f), " IS NULL")
	case query.NotEmpty:
		b.add(src.value(f), " IS NOT NULL")
	case query.Substring:
		b.substring(src, f, t)
	case query.NumberRange:
		b.numberRange(src, f, t)
	case query.NumberIs:
		b.numberIs(src, f, t)
	case query.TimeRange:
		b.timeRange(src, f, t)
	case query.TimeSpans:
		b.spans(src.value(f), t)
	case query.Birthday:
		b.birthday(src, f, t)
	case query.TimePart:
		b.timePart(src, f, t)
	case query.AnyOf:
		b.anyOf(src, f, t)
	case query.AllOf:
		b.allOf(src, f, t)
	case query.LinksAny:
		b.linksAny(src, f, t)
	case query.LinksWhere:
		return b.linksWhere(src, f, t)
	case query.LinksLike:
		b.linksLike(src, f, t)
	default:
		return b.textCond(src, f, t)
	}
	return nil
}

// allows is the list of tests in the documentation of catalog.Storage.
func allows(s catalog.Storage, t query.Test) bool {
	switch t.(type) {
	case query.Empty, query.NotEmpty:
		return s != catalog.NoStorage && s != catalog.BoolStorage
	case query.Substring, query.TextIs, query.TextLike, query.TextRange:
		return s == catalog.TextStorage || s == catalog.JSONStorage
	case query.NumberRange, query.NumberIs:
		return s == catalog.FloatStorage || s == catalog.WholeStorage
	case query.TimeRange, query.TimeSpans, query.Birthday, query.TimePart:
		return s == catalog.TimeStorage
	case query.AnyOf:
		return s == catalog.WholeStorage || s == catalog.BoolStorage || s.HasItems()
	case query.AllOf:
		return s.HasItems()
	case query.LinksAny, query.LinksWhere, query.LinksLike:
		return s == catalog.LinksStorage
	}
	return false
}
