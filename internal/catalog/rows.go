package catalog

import (
	"slices"

	"kartoteka/internal/query"
)

// Selection says which fields of a catalog's records are wanted.
type Selection struct {
	// Fields in the order asked; nil for all readable ones.
	Fields []*Field
	// All is set when Fields is nil on purpose; an empty Fields then means none.
	All bool
	// Linked says for a link field and a source catalog which fields of the
	// linked records are wanted.
	Linked map[query.Field]map[query.Catalog]*Selection
	// LinkedShown adds, for link fields not in Linked, the fields that their
	// config shows in the card.
	LinkedShown bool
}

// MaxLinkedValues bounds the linked values of one answer; MaxNesting the depth
// of a Selection.
const (
	MaxLinkedValues = 100_000
	MaxNesting      = 10
)

// Rows are records with all that is needed to show them.
type Rows struct {
	Structure *Structure
	Catalog   *Catalog
	// Fields are the fields to show: the first len(Fields) of Page.Columns. The
	// title field may follow as one more column.
	Fields []*Field
	Page   *Page
	// Title is the column of the title field in Page, -1 if titles are "#" + id.
	Title int
	// Titles are those of all linked records.
	Titles Titles
	// Linked are the linked records asked for, by link field and catalog; the
	// record's row is found with At.
	Linked map[query.Field]map[query.Catalog]*Rows
	// Rights are the actor's on the one record that was asked for; nil in lists.
	Rights *RecordRights
	// Chats are those of the records to the actor, in lists and of one record that
	// was asked for; nil for none.
	Chats map[query.Record]Chat
	// Total is the number of matches, -1 when it was not asked for.
	Total int64

	at map[query.Record]int
}

// RecordRights are what an actor may do with one record.
type RecordRights struct {
	Privilege Privilege
	// Fields are the rights on fields that differ from what the privilege says.
	Fields map[*Field]FieldRight
	// Views are the legal views that the record is in and the actor may see.
	Views []*View
}

// follows tells whether links of the rows are to be read as well.
func (r *Rows) follows() bool {
	return slices.ContainsFunc(r.Fields, func(f *Field) bool { return f.Storage() == LinksStorage })
}

// At is the index of a record's row, -1 if it is not among them.
func (r *Rows) At(n query.Record) int {
	if i, ok := r.at[n]; ok {
		return i
	}
	return -1
}
