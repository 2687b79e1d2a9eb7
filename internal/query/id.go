package query

// The numbers by which the program names things. They are never reused and
// never leave it as such: foreign APIs show a public id (catalog.Field.Key and
// its like), which is the decimal number unless somebody chose another.
type (
	// Section is a section's number, one counter per company.
	Section int64
	// Catalog is a catalog's number, one counter per company.
	Catalog int64
	// Field is a field's number, one counter per company; it names its column.
	Field int64
	// View is a view's number, one counter per company.
	View int64
	// Board is a board's number, one counter per company.
	Board int64
	// Widget is a widget's number, one counter per company.
	Widget int64
	// Record is a record's creation number, one counter per catalog.
	Record int64
	// Item is the number of a list item (an option), one counter per field.
	Item int64
)

// Ref is one record of one catalog in a single integer: catalog << 40 | record.
// It is what the store keeps as a link's target. The zero Ref is no record.
type Ref int64

const recordBits = 40

// MaxRecord is the largest record number that a Ref can hold.
const MaxRecord Record = 1<<recordBits - 1

// MaxCatalog is the largest catalog number that a Ref can hold.
const MaxCatalog Catalog = 1<<(63-recordBits) - 1

// MakeRef packs the two numbers; both must be within their maxima.
func MakeRef(c Catalog, r Record) Ref { return Ref(int64(c)<<recordBits | int64(r)) }

// Catalog is the number of the record's catalog.
func (r Ref) Catalog() Catalog { return Catalog(r >> recordBits) }

// Record is the record's number in its catalog.
func (r Ref) Record() Record { return Record(int64(r) & int64(MaxRecord)) }
