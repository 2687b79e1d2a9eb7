package bpium

import (
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// Ids of the employees' catalog that a profile is made of.
const (
	emailID    = "$email"
	kindID     = "$type"
	externalID = "$extuser"
)

// Profile is what a profile shows beside the employee's card.
type Profile struct {
	CompanyID string
	Language  string
}

// EncodeProfile adds the acting employee as JSON. rows is the own card with all
// readable fields. The subjects are the records that the card's link fields
// name: the groups by which rights may be given.
func EncodeProfile(dst []byte, rows *catalog.Rows, p Profile) []byte {
	e := newEncoder(rows, EncodeOptions{}, nil)
	w := writer{b: dst}
	w.open('{')
	w.key("id")
	w.b = appendPageID(w.b, rows.Page, 0)
	w.comma = true
	w.str("email", textOf(rows, emailID))
	w.key("title")
	w.b = e.title(w.b, 0)
	w.comma = true
	w.key("subjects")
	w.open('[')
	for j, f := range rows.Fields {
		if f.Type.Name() == "object" {
			w.subjects(rows, f, rows.Page.Bytes(rows.Page.Cell(0, j)))
		}
	}
	w.end(']')
	w.str("companyId", p.CompanyID)
	w.yes("isExternal", isExternal(rows))
	w.str("language", p.Language)
	w.end('}')
	return w.b
}

func (w *writer) subjects(rows *catalog.Rows, f *catalog.Field, cell []byte) {
	for i := range catalog.ListLen(cell) {
		ref := query.Ref(catalog.ListAt(cell, i))
		c := rows.Structure.Catalog(ref.Catalog())
		title := titleOfRef(rows.Titles, ref)
		if c == nil || title.Removed {
			continue
		}
		w.open('{')
		w.str("userAttr", f.Key)
		w.str("valueCatalogId", c.Key)
		w.key("valueRecordId")
		w.b = appendRecordID(w.b, title.Code, ref.Record())
		w.comma = true
		w.end('}')
	}
}

// columnOf is the place of a field among those shown, -1 if it is not.
func columnOf(rows *catalog.Rows, key string) int {
	for j, f := range rows.Fields {
		if f.Key == key {
			return j
		}
	}
	return -1
}

func textOf(rows *catalog.Rows, key string) string {
	j := columnOf(rows, key)
	if j < 0 {
		return ""
	}
	return string(rows.Page.Bytes(rows.Page.Cell(0, j)))
}

func isExternal(rows *catalog.Rows) bool {
	j := columnOf(rows, kindID)
	if j < 0 || rows.Page.Cell(0, j).Empty() {
		return false
	}
	item := rows.Fields[j].Config.Item(query.Item(rows.Page.Cell(0, j).Int()))
	return item != nil && item.Key == externalID
}
