package bpium

import (
	"bytes"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// pastEncoder writes values as they were: catalog.AppendHistoryJSON made them.
type pastEncoder struct {
	writer
	structure *catalog.Structure
	hides     func(query.Ref) bool // titles that the reader may not see; nil for none
	gone      func(query.Ref) bool // linked records that were removed; nil for none
	// whole writes files as records have them, with links, else what a history
	// shows of them.
	whole bool
	links *catalog.FileLinks
}

// unnumbered begins a file that is in no record yet: it has no id. Within texts
// quotes are escaped.
var unnumbered, noNumber = []byte(`{"id":0,`), []byte(`{"id":null,`)

func (e *pastEncoder) value(v tree.Value) {
	e.next()
	e.b = v.AppendJSON(e.b)
}

// past writes one value.
func (e *pastEncoder) past(f *catalog.Field, v tree.Value) {
	if v.IsNull() {
		e.raw(emptyValue(f))
		return
	}
	switch f.Type.Name() {
	case "date":
		ms, _ := v.Int()
		e.next()
		e.b = appendTime(e.b, ms)
	case "radiobutton":
		if v.Len() == 0 {
			e.raw("null")
			return
		}
		e.value(v.Items()[0])
	case "user", "object":
		e.pastLinks(f, v)
	case "file":
		e.pastFiles(v)
	default:
		e.value(v)
	}
}

func (e *pastEncoder) pastLinks(f *catalog.Field, v tree.Value) {
	e.open('[')
	for _, link := range v.Items() {
		c, _ := link.Get("c")
		r, _ := link.Get("r")
		code, _ := link.Get("k")
		title, _ := link.Get("t")
		catalogNum, _ := c.Int()
		record, _ := r.Int()
		name, ref := title.Str(), query.MakeRef(query.Catalog(catalogNum), query.Record(record))
		gone := e.gone != nil && e.gone(ref)
		if e.hides != nil && e.hides(ref) {
			name = catalog.TitleText("", query.Record(record), code.Str())
		}
		if f.HoldsEmployees() {
			e.open('{')
			e.key("id")
			e.b = appendRecordID(e.b, code.Str(), query.Record(record))
			e.comma = true
			e.str("title", name)
			if e.whole {
				e.yes("isRemoved", gone)
			}
			e.end('}')
			continue
		}
		e.next()
		e.b = appendLinkHead(e.b, e.structure, query.Catalog(catalogNum))
		e.b = appendRecordID(e.b, code.Str(), query.Record(record))
		e.str("recordTitle", name)
		e.yes("isRemoved", gone)
		e.end('}')
	}
	e.end(']')
}

func (e *pastEncoder) pastFiles(v tree.Value) {
	if e.whole {
		e.next()
		e.b = appendFiles(e.b, bytes.ReplaceAll(v.AppendJSON(nil), unnumbered, noNumber), e.links)
		return
	}
	e.open('[')
	for _, file := range v.Items() {
		e.open('{')
		for _, name := range []string{"id", "title", "size", "mimeType"} {
			member, _ := file.Get(name)
			e.key(name)
			e.value(member)
		}
		e.end('}')
	}
	e.end(']')
}
