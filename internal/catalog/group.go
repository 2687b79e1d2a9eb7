package catalog

import (
	"cmp"
	"strings"

	"kartoteka/internal/query"
)

// KeyKind is of which kind a GroupKey is.
type KeyKind int8

// The kinds, in the order in which keys sort.
const (
	NumberKey KeyKind = iota
	TextKey
	NoKey // records without a value, or all records where there are no groups
)

// GroupKey names a group: what its records have in common.
type GroupKey struct {
	Kind KeyKind
	// Number is a number, the lower end of a tenth of a progress, 0 and 1 of a
	// switch.
	Number float64
	// Whole is an item, a Ref, or a time: the start of an interval in UTC
	// milliseconds, or a number of a cyclic step.
	Whole int64
	Text  string
	sort  string // the sort key of Text
}

// TextGroup is the key of a text with its sort key.
func TextGroup(text, sort string) GroupKey { return GroupKey{Kind: TextKey, Text: text, sort: sort} }

// NoGroup is the key of records without a value.
var NoGroup = GroupKey{Kind: NoKey}

// Compare is the order of keys of one dimension: by number, items and refs by
// their numbers, texts as records sort by them, and NoGroup last.
func (k GroupKey) Compare(o GroupKey) int {
	return cmp.Or(cmp.Compare(k.Kind, o.Kind), cmp.Compare(k.Number, o.Number), cmp.Compare(k.Whole, o.Whole),
		strings.Compare(k.sort, o.sort), strings.Compare(k.Text, o.Text))
}

// Group is what was measured of the records in one group of each dimension.
type Group struct {
	Axis, Split GroupKey
	// Records is how many there are. Of a measure of times it is how many pairs of
	// record and option.
	Records int64
	// Seen is how many of them have a measured field that the actor may see.
	Seen int64
	// Values is how many values were measured: of Distinct different ones. Where
	// the function is none that needs the number, it tells only whether there are.
	Values        int64
	Sum, Min, Max float64 // of values that are numbers, as far as the function asks
}

// Add joins what was measured of other records, but for different values.
func (c *Group) Add(o *Group) {
	if o.Values > 0 {
		if c.Values == 0 {
			c.Min, c.Max = o.Min, o.Max
		}
		c.Min, c.Max = min(c.Min, o.Min), max(c.Max, o.Max)
	}
	c.Records += o.Records
	c.Seen += o.Seen
	c.Values += o.Values
	c.Sum += o.Sum
}

// Value is the number that a function makes of the group; false for none.
func (c *Group) Value(m query.Measure) (float64, bool) {
	switch {
	case m.Of == query.Records:
		return float64(c.Records), true
	case m.Of == query.Distinct || m.Fn == query.Count:
		return float64(c.Values), true
	case m.Fn == query.AverageAll:
		if c.Seen == 0 {
			return 0, false
		}
		return RoundNumber(c.Sum / float64(c.Seen)), true
	case c.Values == 0:
		return 0, false
	}
	switch m.Fn {
	case query.Max:
		return c.Max, true
	case query.Min:
		return c.Min, true
	case query.Average:
		return RoundNumber(c.Sum / float64(c.Values)), true
	}
	return RoundNumber(c.Sum), true
}
