package catalog

import (
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// Storage is how the store keeps a field's values. It decides the columns, the
// tests a condition may make and how the field sorts.
type Storage int

const (
	// NoStorage: group and button have no values.
	NoStorage Storage = iota
	// TextStorage is a text column and its sort key.
	// Tests: Empty, NotEmpty, Substring, TextIs, TextLike, TextRange. Sorts by the key.
	TextStorage
	// FloatStorage is a double column. Tests: Empty, NotEmpty, NumberRange, NumberIs.
	FloatStorage
	// WholeStorage is an integer column (stars). Tests: Empty, NotEmpty, AnyOf, NumberRange,
	// NumberIs.
	WholeStorage
	// TimeStorage is an integer column of UTC milliseconds.
	// Tests: Empty, NotEmpty, TimeRange, Birthday, TimePart.
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
	// Tests: Empty, NotEmpty, Substring, TextIs, TextLike, TextRange. Sorts by the key.
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

// types are all field types. The order is the one in which documents list them.
var types = []Type{
	groupType{}, textType{}, numberType{}, dateType{}, dropdownType{}, radiobuttonType{},
	checkboxesType{}, switchType{}, progressType{}, starsType{}, contactType{}, addressType{},
	userType{}, objectType{}, fileType{}, buttonType{},
}

var typesByName = func() map[string]Type {
	m := make(map[string]Type, len(types))
	for _, t := range types {
		m[t.Name()] = t
	}
	return m
}()

// TypeByName finds a field type by its public name, nil if there is none.
func TypeByName(name string) Type { return typesByName[name] }

// Storage is how the field's values are kept.
func (f *Field) Storage() Storage { return f.Type.Storage(&f.Config) }

// AcceptValue is Type.Accept with the limits that are settings: textMax is the
// longest one-line text in characters, 0 for none.
func AcceptValue(f *Field, v Value, textMax int) (Value, *fault.Detail) {
	if bad, ok := v.(Bad); ok {
		return nil, &bad.Detail
	}
	accepted, detail := f.Type.Accept(f, v)
	if t, ok := accepted.(Text); ok && textMax > 0 && f.Config.oneLine() && text.Len(string(t)) > textMax {
		return nil, failed(f, fault.TooLong, "%s: at most %d characters", f.Name, textMax)
	}
	return accepted, detail
}

// HoldsEmployees tells whether the field takes employees.
func (f *Field) HoldsEmployees() bool { return f.Type.Name() == "user" }

// HoldsLinks tells whether the field, nil for none, takes records or employees.
func (f *Field) HoldsLinks() bool { return f != nil && f.Storage() == LinksStorage }

// failed is the detail of a value that a field does not take.
func failed(f *Field, code fault.Code, format string, args ...any) *fault.Detail {
	d := fault.Field(f.Key, code, format, args...)
	return &d
}

// mistyped is the detail of a value of the wrong kind.
func mistyped(f *Field) *fault.Detail {
	return failed(f, fault.Type, "%s: the value has the wrong type", f.Name)
}

// plain is the part of Type that most types share: no configuration, no
// default, nothing to search, no sort key.
type plain struct{}

func (plain) Configure(string, *Config, *Config) []fault.Detail { return nil }
func (plain) Initial(*Field, Moment) Value                      { return nil }
func (plain) Search(*Field, Value) []SearchRow                  { return nil }
func (plain) Key(*Field, Value) []byte                          { return nil }
