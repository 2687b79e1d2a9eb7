package query

// Node is a condition on one record. It is two-valued: a record satisfies it
// or does not; conditions on empty values are false, except Empty.
type Node interface{ node() }

// And holds when every element holds; the empty And always holds.
type And []Node

// Or holds when at least one element holds; the empty Or never holds.
type Or []Node

// Not holds when its element does not.
type Not struct{ Node Node }

// Cond is a test of one field's value.
type Cond struct {
	Field Field
	Test  Test
}

// Among holds for the listed records of the catalog that is asked.
type Among []Key

// LinkedBy holds for records that field Field of Catalog links from a record
// for which Where holds.
type LinkedBy struct {
	Catalog Catalog
	Field   Field
	Where   Node
}

// Titled holds for records whose title satisfies Test, a TextIs or TextLike. The title
// of a record without one is "#" and its id, and so is one that is not Seen: nil says
// that all are. catalog.Service fills Seen in, whatever it was.
type Titled struct {
	Test Test
	Seen Node
}

// Stamped holds for records that were made (ByCreated) or last changed (ByUpdated)
// within Min and Max, UTC milliseconds; a nil bound is open. With In it is within one
// of these as well.
type Stamped struct {
	By       SortBy
	Min, Max *int64
	In       []Span // nil for any time
}

// Span is a part of time with both its ends, UTC milliseconds.
type Span struct{ First, Last int64 }

// Authored holds for records that were made (ByCreated) or last changed (ByUpdated) by an
// employee, as the history tells; with Who by one of Employees for which it holds. Of a
// change counts what an actor may know of: those of Fields, each where Seen holds if it
// is in it. catalog.Service fills both in, whatever they were.
type Authored struct {
	By        SortBy
	Employees Catalog
	Who       Node    // nil for anybody
	Fields    []Field // nil for all
	Seen      map[Field]Node
}

// Numbered holds for records whose number is within Min and Max; a nil bound is open.
type Numbered struct{ Min, Max *Record }

// Synced holds for records that have a link of the group Group to another system's
// record, one of External there; nil says that it may be any.
type Synced struct {
	Group    string
	External []string
}

// Unread holds for records with messages that are new to an employee: 0 until
// catalog.Service says who asks.
type Unread struct{ Employee Record }

func (And) node()      {}
func (Or) node()       {}
func (Not) node()      {}
func (Cond) node()     {}
func (Among) node()    {}
func (LinkedBy) node() {}
func (Unread) node()   {}
func (Titled) node()   {}
func (Authored) node() {}
func (Stamped) node()  {}
func (Numbered) node() {}
func (Synced) node()   {}

// Key names one record of a catalog as a caller may: by number, or by the
// custom id that somebody gave it. Number 0 means by Code.
type Key struct {
	Record Record
	Code   string
}

// Link names a record of another catalog.
type Link struct {
	Catalog Catalog
	Key
}

// Test is what a Cond asks of a value. Which tests a field allows is its
// storage's matter (catalog.Storage); a decoder never builds another.
type Test interface{ test() }

type (
	// Empty holds when the field has no value.
	Empty struct{}
	// NotEmpty holds when the field has a value.
	NotEmpty struct{}
	// Substring holds when the folded text contains Fold (text.Fold of what was
	// asked, not empty). For contacts it looks at the contact, and at its
	// digits when Digits is not empty (then Fold is ignored); never at comments.
	Substring struct{ Fold, Digits string }
	// TextIs holds when the text, an entry of contacts or the address is exactly one
	// of these, letter by letter. The empty list holds never. A rich text is its HTML.
	TextIs []string
	// TextLike holds when the whole text, an entry of contacts or the address matches
	// Pattern (text.ParsePattern): % stands for any text, _ for any character, and \
	// takes what follows as it is. With Fold both are folded first (text.Fold); then
	// each line of an entry counts as one, and a rich text is what is read of it, as
	// for Substring.
	TextLike struct {
		Pattern string
		Fold    bool
	}
	// TextRange holds when the text, the first entry of contacts or the address is
	// sorted between Min and Max, both included; a nil bound is open. A text without
	// any letter that is sorted by is within no bounds.
	TextRange struct{ Min, Max *string }
	// TimePart holds when a part of the time, at Offset minutes east of UTC, is one of
	// the numbers.
	TimePart struct {
		Part   Part
		In     []int64
		Offset int
	}
	// NumberRange holds for Min <= value <= Max; a nil bound is open.
	NumberRange struct{ Min, Max *float64 }
	// NumberIs holds when the number is exactly one of these. The empty list holds
	// never.
	NumberIs []float64
	// TimeSpans holds when the date is within one of these. The empty list holds never.
	TimeSpans []Span
	// TimeRange is NumberRange for dates, in UTC milliseconds.
	TimeRange struct{ Min, Max *int64 }
	// Birthday holds for dates of that month and day, read at Offset minutes
	// east of UTC.
	Birthday struct {
		Month, Day int
		Offset     int
	}
	// AnyOf holds when the value is, or contains, one of the integers: items,
	// stars, 0 and 1 of a switch. The empty list holds never.
	AnyOf []int64
	// AllOf holds when the value contains every one of the items.
	AllOf []int64
	// LinksAny holds when the field links at least one of the records.
	LinksAny []Link
	// LinksWhere holds when the field links a record of Catalog for which
	// Where holds.
	LinksWhere struct {
		Catalog Catalog
		Where   Node
	}
	// LinksLike holds when the field shares a linked record with field Field of
	// record Record (of that field's catalog).
	LinksLike struct {
		Field  Field
		Record Record
	}
)

func (Empty) test()       {}
func (NotEmpty) test()    {}
func (Substring) test()   {}
func (TextIs) test()      {}
func (TextLike) test()    {}
func (TextRange) test()   {}
func (TimePart) test()    {}
func (NumberRange) test() {}
func (NumberIs) test()    {}
func (TimeSpans) test()   {}
func (TimeRange) test()   {}
func (Birthday) test()    {}
func (AnyOf) test()       {}
func (AllOf) test()       {}
func (LinksAny) test()    {}
func (LinksWhere) test()  {}
func (LinksLike) test()   {}

// Walk calls visit for the node and everything under it, conditions of linked
// records included, parents first; catalog is the one each node is asked of.
func Walk(catalog Catalog, n Node, visit func(Catalog, Node)) {
	if n == nil {
		return
	}
	visit(catalog, n)
	switch n := n.(type) {
	case And:
		for _, e := range n {
			Walk(catalog, e, visit)
		}
	case Or:
		for _, e := range n {
			Walk(catalog, e, visit)
		}
	case Not:
		Walk(catalog, n.Node, visit)
	case LinkedBy:
		Walk(n.Catalog, n.Where, visit)
	case Titled:
		Walk(catalog, n.Seen, visit)
	case Authored:
		Walk(n.Employees, n.Who, visit)
	case Cond:
		if l, ok := n.Test.(LinksWhere); ok {
			Walk(l.Catalog, l.Where, visit)
		}
	}
}

// Part is a part of a time.
type Part int

// The parts; weeks and their days begin with Monday, 1 (ISO 8601).
const (
	YearPart Part = iota
	QuarterPart
	MonthPart
	WeekPart
	WeekdayPart
	DayOfMonthPart
	DayOfYearPart
	HourPart
	MinutePart
	SecondPart
)
