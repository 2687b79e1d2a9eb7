package catalog

import (
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// Storage is how the store keeps a field's values. It decides the columns, the
// tests a condition may make and how the field sorts.
type Storage int

const (
	// NoStorage: group and button have no values.
	NoStorage Storage = iota
	// TextStorage is a text column and its sort key.
	// Tests: Empty, NotEmpty, Substring. Sorts by the key.
	TextStorage
	// FloatStorage is a double column. Tests: Empty, NotEmpty, NumberRange.
	FloatStorage
	// WholeStorage is an integer column (stars). Tests: Empty, NotEmpty, AnyOf, NumberRange.
	WholeStorage
	// TimeStorage is an integer column of UTC milliseconds.
	// Tests: Empty, NotEmpty, TimeRange, Birthday.
	TimeStorage
	// BoolStorage is an integer column of 0 and 1; empty reads as 0. Tests: AnyOf.
	BoolStorage
	// ItemStorage is an integer column with one item's number.
	// Tests: Empty, NotEmpty, AnyOf, AllOf. Sorts by the items' order in the config.
	ItemStorage
	// ItemsStorage is a list column for reading, and a row in refs per item.
	// Tests: Empty, NotEmpty, AnyOf, AllOf. Sorts by the first item in the config's order.
	ItemsStorage
	// LinksStorage is a list column of Refs for reading, and a row in refs per
	// link. Tests: Empty, NotEmpty, LinksAny, LinksWhere, LinksLike. Sorts by
	// the title of the first link.
	LinksStorage
	// JSONStorage is a JSON column for reading and a sort key (contact, address).
	// Tests: Empty, NotEmpty, Substring. Sorts by the key.
	JSONStorage
	// FilesStorage is a JSON column and, as sort key, the number of files.
	// Tests: Empty, NotEmpty.
	FilesStorage
)

// HasKey tells whether the storage has a sort key column beside the value.
func (s Storage) HasKey() bool {
	return s == TextStorage || s == JSONStorage || s == FilesStorage
}

// HasRefs tells whether the storage keeps rows in refs.
func (s Storage) HasRefs() bool { return s == ItemsStorage || s == LinksStorage }

// HasItems tells whether the values are options of the field's config.
func (s Storage) HasItems() bool { return s == ItemStorage || s == ItemsStorage }

// SearchPart says which part of a value a search row holds; the row's slot is
// Field.ID*4 + part.
type SearchPart int

// The parts. Quick search looks at all; a filter of a contact field at
// SearchText or SearchDigits, of others at SearchText.
const (
	SearchText SearchPart = iota
	SearchComment
	SearchDigits
)

// MaxFieldID is the largest field number in a catalog that a search row holds.
const MaxFieldID = 1<<14 - 1

// Slot is the place of a part of a field's text in the search table.
func (f *Field) Slot(p SearchPart) int { return f.ID*4 + int(p) }

// SearchRow is one folded text that a search finds a record by.
type SearchRow struct {
	Part SearchPart
	Fold string // entries of a list are separated by \n
}

// Type is one field type. Implementations are stateless, one file each.
type Type interface {
	// Name is the type's public name.
	Name() string
	// Storage is how values of a field with that configuration are kept.
	Storage(c *Config) Storage
	// Configure checks a configuration and fills what it leaves out. path is
	// the config's place in the body. before is the field's stored config, nil
	// for a new field.
	Configure(path string, c *Config, before *Config) []fault.Detail
	// Accept turns a written value into the one to store: normalised, checked
	// against the config. The result is nil when the value is empty. It fails
	// with a detail whose message starts with the field's name.
	Accept(f *Field, v Value) (Value, *fault.Detail)
	// Initial is the value of a new record that names none, nil for none.
	Initial(f *Field, at Moment) Value
	// Search lists the folded texts of a stored value; nil for none.
	Search(f *Field, v Value) []SearchRow
	// Key is the sort key of a stored value, for storages that have one.
	Key(f *Field, v Value) []byte
}

// Moment is when and by whom a record is written: what dynamic defaults need.
type Moment struct {
	Now      int64 // UTC milliseconds
	Offset   int   // the caller's minutes east of UTC
	Employee query.Record
}
