package catalog

import (
	"encoding/json"
	"sync"
	"time"

	"kartoteka/internal/query"
)

// Section groups catalogs in the menu.
type Section struct {
	Num      query.Section
	Key      string // public id: "$settings", a chosen one, or the number
	Name     string
	Icon     string
	Priority int
	System   bool
	Removed  time.Time // zero while it lives
}

// Catalog is one catalog with its live fields in card order. It is immutable.
type Catalog struct {
	Num         query.Catalog
	Key         string // public id: "$users", a chosen one, or the number
	Section     query.Section
	Name        string
	Icon        string
	Priority    int
	History     bool
	Instruction string // HTML; "" for none
	System      bool
	// Mirror catalogs show other objects as records; they are hidden by default
	// and cannot be written.
	Mirror bool
	// Chat tells that there are messages or subscriptions: only then is anything
	// read of them.
	Chat    bool
	Removed time.Time
	// NextField is the number that the next field of this catalog gets as its ID.
	NextField int
	Fields    []*Field // card order; groups and buttons included

	byKey map[string]*Field
	byNum map[query.Field]*Field
	title *Field
}

// Field is one field of a catalog. It is immutable.
type Field struct {
	Num      query.Field   // names the column; one counter per company
	ID       int           // number in the catalog, from 1; numeric alias of system fields
	Key      string        // public id: "$name", a chosen one, or ID
	Catalog  query.Catalog // the catalog it belongs to
	Type     Type
	Name     string
	Hint     string
	Comment  string
	Required bool
	APIOnly  bool
	Hidden   bool
	// Secret values are read by administrators only, passwords by nobody; see
	// Access.Readable.
	Secret     bool
	History    bool
	Filterable bool
	System     bool
	Visible    json.RawMessage // as the caller gave it; nil for always
	Config     Config
	Removed    time.Time
}

// Config is what a field's type is set up with. Each type reads its own part;
// the rest is zero. It is stored as this JSON.
type Config struct {
	// text: "text" (also the zero value), "mask", "multiline", "mail", "editor".
	// contact: "phone", "email", "site". object, radiobutton: kept as given.
	Kind string `json:"kind,omitempty"`
	Mask string `json:"mask,omitempty"` // text of kind mask

	Unit   string   `json:"unit,omitempty"`   // number
	Min    *float64 `json:"min,omitempty"`    // number
	Max    *float64 `json:"max,omitempty"`    // number
	Digits *int     `json:"digits,omitempty"` // number, display only

	Mode string `json:"mode,omitempty"` // date: date, datetime, week, month, quarter, year

	Items    []Item `json:"items,omitempty"` // dropdown, radiobutton, checkboxes
	NextItem int64  `json:"nextItem,omitempty"`
	Multi    bool   `json:"multi,omitempty"`   // dropdown, user, object, file
	Default  bool   `json:"default,omitempty"` // the type's default value is on

	Tab       bool `json:"tab,omitempty"`       // group
	Subscribe bool `json:"subscribe,omitempty"` // user

	Sources []Source     `json:"sources,omitempty"` // object: what it may link
	Shown   []ShownField `json:"shown,omitempty"`   // object: fields of the linked record in this card
	// Conditions narrow what is offered for a link down by the card's own values.
	Conditions    []LinkCondition `json:"conditions,omitempty"`
	AccessOnly    bool            `json:"accessOnly,omitempty"`
	DisableSelect bool            `json:"disableSelect,omitempty"`
	DisableCreate bool            `json:"disableCreate,omitempty"`
	EnableUnsaved bool            `json:"enableUnsaved,omitempty"`
	LinkMode      string          `json:"linkMode,omitempty"` // list, cards, table

	// Extra keeps the keys the program does not know, to return them unchanged:
	// a JSON object or nil.
	Extra json.RawMessage `json:"extra,omitempty"`
}

// Item is one option of a choice field.
type Item struct {
	Num   query.Item `json:"num"`
	Key   string     `json:"key"` // public id: a chosen one, or the number
	Name  string     `json:"name"`
	Color string     `json:"color,omitempty"` // six hex digits
}

// Source is a catalog, or a legal view of one, whose records a link field may
// link.
type Source struct {
	Catalog query.Catalog `json:"catalog"`
	View    query.View    `json:"view,omitempty"`
}

// LinkCondition says that a link field offers, of a catalog (and a view, if that
// is the source), only records that have in Field what the card has in its own
// field Value. It holds for a card without that value.
type LinkCondition struct {
	Source
	Field query.Field `json:"field"`
	Value string      `json:"value"` // public id
}

// ShownField is a field of a linked record that the parent's card shows.
type ShownField struct {
	Field query.Field `json:"field"`
	Edit  bool        `json:"edit,omitempty"` // may be changed from the parent card
}

// Structure is everything that defines a company's data, at one version.
type Structure struct {
	Version  Version
	Sections []*Section // live ones by priority, then number
	Catalogs []*Catalog // live ones by priority, then number; of live sections only

	sections     map[query.Section]*Section
	sectionKeys  map[string]*Section
	catalogs     map[query.Catalog]*Catalog
	catalogKeys  map[string]*Catalog
	fields       map[query.Field]*Field
	referringTo  map[query.Catalog][]*Field
	removedNames map[query.Catalog]*Catalog
	removedKeys  map[query.Section]*Section
	// removedFields are the names of the employees' removed fields.
	removedFields map[query.Field]string
	boards        map[query.Board]*Board
	rights        *rights
	// hooks are the subscriptions of webhooks that are on, scenarios those of
	// scenarios, each by record; hookedCatalogs has both, webhooks first.
	hooks, scenarios []*Hook
	hookedCatalogs   map[query.Catalog][]*Hook
	webRequests      map[string]*WebRequest // that are on, by folded code
	// employees keeps what employees may do (*employeeAccess) as long as the
	// structure lives.
	employees sync.Map
}

// Section finds a live section by number, nil if there is none.
func (s *Structure) Section(n query.Section) *Section { return s.sections[n] }

// AnySection finds a section by number even if it was removed, for what still
// names it. Nil if it never existed.
func (s *Structure) AnySection(n query.Section) *Section {
	if section := s.sections[n]; section != nil {
		return section
	}
	return s.removedKeys[n]
}

// SectionByKey finds a live section by public id, nil if there is none.
func (s *Structure) SectionByKey(key string) *Section { return s.sectionKeys[key] }

// Catalog finds a live catalog by number, nil if there is none.
func (s *Structure) Catalog(n query.Catalog) *Catalog { return s.catalogs[n] }

// CatalogByKey finds a live catalog by public id, nil if there is none.
func (s *Structure) CatalogByKey(key string) *Catalog { return s.catalogKeys[key] }

// AnyCatalog finds a catalog by number even if it was removed: links to its
// records are still shown under its name. Nil if it never existed.
func (s *Structure) AnyCatalog(n query.Catalog) *Catalog {
	if c := s.catalogs[n]; c != nil {
		return c
	}
	return s.removedNames[n]
}

// Field finds a live field of a live catalog by number, nil if there is none.
func (s *Structure) Field(n query.Field) *Field { return s.fields[n] }

// ReferringTo lists the live link fields that have catalog c among their
// sources; employee fields when c is the employees' catalog.
func (s *Structure) ReferringTo(c query.Catalog) []*Field { return s.referringTo[c] }

// Field finds a live field by number, nil if there is none.
func (c *Catalog) Field(n query.Field) *Field { return c.byNum[n] }

// FieldByKey finds a live field by public id, nil if there is none.
func (c *Catalog) FieldByKey(key string) *Field { return c.byKey[key] }

// Title is the field whose value is the record's title: the first text field
// that is not rich text. Nil when there is none: titles are then "#" + id.
func (c *Catalog) Title() *Field { return c.title }

// Item finds an option by number, nil if it was removed.
func (c *Config) Item(n query.Item) *Item {
	for i := range c.Items {
		if c.Items[i].Num == n {
			return &c.Items[i]
		}
	}
	return nil
}

// ItemByKey finds an option by public id, nil if there is none.
func (c *Config) ItemByKey(key string) *Item {
	for i := range c.Items {
		if c.Items[i].Key == key {
			return &c.Items[i]
		}
	}
	return nil
}
