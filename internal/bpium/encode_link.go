package bpium

import (
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// linkList adds links or employees.
func (e *encoder) linkList(dst []byte, c *column, cell []byte) []byte {
	dst = append(dst, '[')
	for i := range catalog.ListLen(cell) {
		if i > 0 {
			dst = append(dst, ',')
		}
		ref := query.Ref(catalog.ListAt(cell, i))
		if c.user {
			dst = e.employee(dst, ref)
			continue
		}
		dst = e.link(dst, c, ref)
	}
	return append(dst, ']')
}

func (e *encoder) employee(dst []byte, ref query.Ref) []byte {
	t := titleOfRef(e.rows.Titles, ref)
	dst = append(dst, `{"id":`...)
	dst = appendRecordID(dst, t.Code, ref.Record())
	dst = append(dst, `,"title":`...)
	dst = tree.AppendString(dst, t.Text)
	dst = append(dst, `,"isRemoved":`...)
	dst = strconv.AppendBool(dst, t.Removed)
	return append(dst, '}')
}

func (e *encoder) link(dst []byte, c *column, ref query.Ref) []byte {
	t := titleOfRef(e.rows.Titles, ref)
	dst = append(dst, e.linkHead(ref.Catalog())...)
	dst = appendRecordID(dst, t.Code, ref.Record())
	dst = append(dst, `,"recordTitle":`...)
	dst = tree.AppendString(dst, t.Text)
	dst = append(dst, `,"isRemoved":`...)
	dst = strconv.AppendBool(dst, t.Removed || e.rows.Structure.Catalog(ref.Catalog()) == nil)
	if c.linked != nil {
		dst = append(dst, `,"recordValues":`...)
		dst = c.recordValues(dst, ref)
	}
	return append(dst, '}')
}

// recordValues adds the asked fields of a linked record, none if it is gone.
func (c *column) recordValues(dst []byte, ref query.Ref) []byte {
	linked := c.linked[ref.Catalog()]
	if linked == nil {
		return append(dst, "{}"...)
	}
	i := linked.rows.At(ref.Record())
	if i < 0 {
		return append(dst, "{}"...)
	}
	return linked.values(dst, i)
}

// linkHead is the beginning of a linked value, up to the record's id.
func (e *encoder) linkHead(n query.Catalog) []byte {
	if head := e.links[n]; head != nil {
		return head
	}
	head := appendLinkHead(nil, e.rows.Structure, n)
	e.links[n] = head
	return head
}

func appendLinkHead(dst []byte, st *catalog.Structure, n query.Catalog) []byte {
	c := st.AnyCatalog(n)
	if c == nil {
		c = &catalog.Catalog{Num: n, Key: strconv.FormatInt(int64(n), 10)}
	}
	dst = append(dst, `{"sectionId":`...)
	dst = tree.AppendString(dst, sectionKey(st, c))
	dst = append(dst, `,"catalogId":`...)
	dst = tree.AppendString(dst, c.Key)
	dst = append(dst, `,"catalogTitle":`...)
	dst = tree.AppendString(dst, c.Name)
	dst = append(dst, `,"catalogIcon":`...)
	dst = tree.AppendString(dst, c.Icon)
	return append(dst, `,"recordId":`...)
}

// sectionKey is the public id of a catalog's section, its number if the
// section was removed.
func sectionKey(st *catalog.Structure, c *catalog.Catalog) string {
	if s := st.AnySection(c.Section); s != nil {
		return s.Key
	}
	return strconv.FormatInt(int64(c.Section), 10)
}

// titleOfRef is the title of a linked record. One that is not known any more
// reads as removed.
func titleOfRef(titles catalog.Titles, ref query.Ref) catalog.Title {
	if t, ok := titles[ref]; ok {
		return t
	}
	return catalog.Title{Text: "#" + strconv.FormatInt(int64(ref.Record()), 10), Removed: true}
}
