package catalog

import (
	"encoding/json"

	"kartoteka/internal/blob"
	"kartoteka/internal/query"
)

// Value is what a field holds, as written. A nil Value is no value; which
// concrete type a field takes is its Type's matter. Values are immutable.
type Value interface{ value() }

type (
	// Text is a text field's value; never empty when stored.
	Text string
	// Number is a number's or progress's value, finite.
	Number float64
	// Whole is a stars field's value.
	Whole int64
	// Time is a date in UTC milliseconds; midnight for fields without a time.
	Time int64
	// Bool is a switch's value.
	Bool bool
	// Items are options of a choice field, in the order of its config.
	Items []query.Item
	// Links are linked records or employees, in order.
	Links []Link
	// Contacts are a contact field's entries.
	Contacts []Contact
	// Address is an address field's value.
	Address struct {
		Value    string          `json:"value"`
		Provider *string         `json:"provider"`
		Data     json.RawMessage `json:"data"`
	}
	// Files are a file field's entries.
	Files []File
)

func (Text) value()     {}
func (Number) value()   {}
func (Whole) value()    {}
func (Time) value()     {}
func (Bool) value()     {}
func (Items) value()    {}
func (Links) value()    {}
func (Contacts) value() {}
func (Address) value()  {}
func (Files) value()    {}

// Link is one linked record as a caller writes it. In a stored value only
// Catalog and Record are set.
type Link struct {
	query.Link // Catalog 0: the field's only source
	// Self means the acting employee instead of Link.
	Self bool
	// Values are written to the linked record with the same operation: as an
	// update, or as a create when Create is set. Nil for none.
	Values []FieldValue
	Create bool
}

// Ref is the stored link's target.
func (l Link) Ref() query.Ref { return query.MakeRef(l.Catalog, l.Record) }

// Contact is one entry of a contact field. The JSON is its stored form.
type Contact struct {
	ID      string `json:"id"`
	Contact string `json:"contact"`
	Comment string `json:"comment"`
}

// File is one entry of a file field. ID 0 is a new one; the JSON is its stored
// form. URL is the address of a file that is Elsewhere, the content's key of one
// that is InStore.
type File struct {
	ID       int64   `json:"id"`
	Title    string  `json:"title"`
	URL      string  `json:"url"`
	Size     int64   `json:"size"`
	MimeType *string `json:"mimeType"`
	Storage  string  `json:"typeStorage"`
	// Image is the size of an image that has previews; nil for other files.
	Image *blob.Size `json:"image,omitempty"`
}

// FieldValue is one field's new value.
type FieldValue struct {
	Field query.Field
	Value Value
}

// Op is one operation on a record; the concrete types are Create, Update,
// Delete and Comment.
type Op interface{ op() }

type (
	// Create makes a record. Fields not named get their defaults.
	Create struct {
		Catalog query.Catalog
		Code    string // custom id; "" for none
		Values  []FieldValue
		// Reserved is a number from Service.Reserve; 0 lets Apply take one.
		Reserved query.Record
	}
	// Update changes the named fields, and the custom id if Code is not nil.
	Update struct {
		Catalog query.Catalog
		Record  query.Key
		Code    *string
		Values  []FieldValue
	}
	// Delete removes a record.
	Delete struct {
		Catalog query.Catalog
		Record  query.Key
	}
	// Comment adds a history entry with a text.
	Comment struct {
		Catalog query.Catalog
		Record  query.Key
		Text    string
	}
)

func (Create) op()  {}
func (Update) op()  {}
func (Delete) op()  {}
func (Comment) op() {}

// Outcome is what an operation did.
type Outcome struct {
	Record query.Record
	Code   string
	Title  string
	// Row has the fields that were set or changed, as they are stored now; nil
	// for Delete and Comment.
	Row *Rows
	// History is the number of the entry that a Comment made.
	History int64
}
