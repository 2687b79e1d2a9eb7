package query

// SortBy is what records are sorted by.
type SortBy int

// The zero SortBy is ByID: the creation number.
const (
	ByID SortBy = iota
	ByTitle
	ByCreated
	ByUpdated
	ByField
)

// Sort is one sort order. Ties are broken by creation number in the same
// direction; records without a value come last in both.
type Sort struct {
	By    SortBy
	Field Field // for ByField
	Desc  bool
}

// Search is a quick search: a record matches when any readable text, contact,
// linked title or its own title contains the text. The zero Search matches all.
type Search struct {
	Fold   string // text.Fold of what was asked
	Digits string // set when the text looks like a phone number
}

// Query selects records of one catalog.
type Query struct {
	Where  Node   // nil for all
	View   string // public id of a view whose records are meant; "" for all
	Search Search
	Sort   Sort
	// Then are the orders of records that are alike by Sort, the first one first. One by
	// number is the last that matters; without it ties are broken as by Sort.
	Then   []Sort
	Limit  int
	Offset int
	// WithTotal asks for the number of matches whatever Limit and Offset are.
	WithTotal bool
}
