package bpium

import (
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// EncodeRelations adds who refers to a record as JSON.
func EncodeRelations(dst []byte, list []catalog.Relation) []byte {
	w := writer{b: dst}
	w.open('[')
	for i := range list {
		w.relation(&list[i])
	}
	w.end(']')
	return w.b
}

func (w *writer) relation(r *catalog.Relation) {
	c, e := r.Rows.Catalog, newEncoder(r.Rows, EncodeOptions{}, nil)
	w.open('{')
	w.str("id", c.Key)
	w.str("sectionId", sectionKey(r.Rows.Structure, c))
	w.str("icon", c.Icon)
	w.str("title", c.Name)
	w.str("privilegeCode", r.Privilege.Code())
	w.str("fieldId", r.Field.Key)
	w.str("fieldName", r.Field.Name)
	w.key("records")
	w.open('[')
	for i := range r.Rows.Page.Len() {
		w.open('{')
		w.key("id")
		w.b = appendPageID(w.b, r.Rows.Page, i)
		w.b = e.title(append(w.b, `,"title":`...), i)
		w.b = appendTime(append(w.b, `,"created":`...), r.Rows.Page.Created(i))
		w.end('}')
	}
	w.end(']')
	w.number("recordsTotal", r.Rows.Total)
	w.end('}')
}

// EncodeCandidates adds records that a link field may link as JSON; with values,
// what its card shows of them, files by the links.
func EncodeCandidates(dst []byte, page *catalog.Candidates, values bool, files *catalog.FileLinks) []byte {
	w := writer{b: dst}
	encoders := map[*catalog.Rows]*encoder{}
	for n, rows := range page.Rows {
		encoders[rows] = newEncoder(rows, EncodeOptions{Selection: page.Selection[n], Files: files}, nil)
	}
	w.open('[')
	for _, ref := range page.Refs {
		title := titleOfRef(page.Titles, ref)
		w.linkedHead(page.Structure, ref.Catalog(), title, ref.Record())
		if values {
			w.key("recordValues")
			rows := page.Rows[ref.Catalog()]
			if rows == nil || rows.At(ref.Record()) < 0 {
				w.raw("{}")
			} else {
				w.b = encoders[rows].values(w.b, rows.At(ref.Record()))
				w.comma = true
			}
		}
		w.end('}')
	}
	w.end(']')
	return w.b
}

// linkedHead opens a linked value up to its title.
func (w *writer) linkedHead(st *catalog.Structure, n query.Catalog, title catalog.Title, record query.Record) {
	w.next()
	w.b = appendRecordID(appendLinkHead(w.b, st, n), title.Code, record)
	w.str("recordTitle", title.Text)
}

// EncodeContacts adds records with contacts as JSON.
func EncodeContacts(dst []byte, page *catalog.ContactsPage) []byte {
	w := writer{b: dst}
	w.open('[')
	for _, r := range page.Records {
		w.linkedHead(page.Structure, r.Ref.Catalog(), titleOfRef(page.Titles, r.Ref), r.Ref.Record())
		w.key("recordValues")
		w.open('{')
		for _, found := range r.Found {
			w.str(found.Field.Key, found.Contact)
		}
		w.end('}')
		w.end('}')
	}
	w.end(']')
	return w.b
}
