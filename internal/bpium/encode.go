package bpium

import (
	"bytes"
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// EncodeOptions say how records are written.
type EncodeOptions struct {
	// SkipPrevID leaves out the copies of system fields under their numbers.
	SkipPrevID bool
	// Selection is what the rows were asked with: where it names linked fields,
	// every linked value has recordValues, be they empty. Nil for none.
	Selection *catalog.Selection
	// Files makes the addresses of files in our store; nil leaves their keys.
	Files *catalog.FileLinks
}

// nested is what was asked of the records that a field links.
func (o EncodeOptions) nested(f *catalog.Field) (of map[query.Catalog]*catalog.Selection, asked bool) {
	if o.Selection == nil || f.Type.Name() != "object" {
		return nil, false
	}
	of = o.Selection.Linked[f.Num]
	return of, of != nil || o.Selection.LinkedShown
}

// EncodeRecords adds a list of records as JSON.
func EncodeRecords(dst []byte, rows *catalog.Rows, o EncodeOptions) []byte {
	e := newEncoder(rows, o, nil)
	dst = append(dst, '[')
	for i := range rows.Page.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = e.record(dst, i)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// EncodeRecord adds the only record of rows as JSON, in the form of a single
// record.
func EncodeRecord(dst []byte, rows *catalog.Rows, o EncodeOptions) []byte {
	e := newEncoder(rows, o, nil)
	w := writer{b: e.record(dst, 0), comma: true}
	w.str("privilegeCode", rows.Rights.Privilege.Code())
	w.fieldRights(rows.Catalog, rows.Rights.Fields)
	w.key("viewsIds")
	w.open('[')
	for _, v := range rows.Rights.Views {
		w.text(v.Key)
	}
	w.end(']')
	w.end('}')
	return w.b
}

// fieldRights writes the rights on fields that differ from what the privilege
// says.
func (w *writer) fieldRights(c *catalog.Catalog, rights map[*catalog.Field]catalog.FieldRight) {
	w.key("fieldPrivilegeCodes")
	w.open('{')
	for _, f := range c.Fields {
		if right, ok := rights[f]; ok {
			w.str(f.Key, right.Code())
		}
	}
	w.end('}')
}

// EncodeOutcome adds the answer to a written record: its id, title and the
// fields that were set.
func EncodeOutcome(dst []byte, c *catalog.Catalog, out catalog.Outcome, o EncodeOptions) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendRecordID(dst, out.Code, out.Record)
	dst = append(dst, `,"catalogId":`...)
	dst = tree.AppendString(dst, c.Key)
	dst = append(dst, `,"title":`...)
	dst = tree.AppendString(dst, out.Title)
	dst = append(dst, `,"values":`...)
	if out.Row == nil || out.Row.Page.Len() == 0 {
		return append(dst, "{}}"...)
	}
	dst = newEncoder(out.Row, o, nil).values(dst, 0)
	return append(dst, '}')
}

// EncodeEmployees adds a list of employees as JSON.
func EncodeEmployees(dst []byte, rows *catalog.Rows) []byte {
	e := newEncoder(rows, EncodeOptions{}, nil)
	dst = append(dst, '[')
	for i := range rows.Page.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"id":`...)
		dst = appendPageID(dst, rows.Page, i)
		dst = append(dst, `,"title":`...)
		dst = e.title(dst, i)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// encoder is a set of rows with everything that is the same for all of them
// already written.
type encoder struct {
	rows    *catalog.Rows
	columns []column
	catalog []byte // `,"catalogId":"27","title":`
	// links are the beginnings of linked values by catalog, shared with the
	// encoders of linked records.
	links map[query.Catalog][]byte
	files *catalog.FileLinks
}

// column is one field to write.
type column struct {
	field   *catalog.Field
	storage catalog.Storage
	key     []byte // `"7":`
	alias   []byte // `"1":` of a system field, nil to leave out
	empty   string
	user    bool
	radio   bool
	items   []itemText
	linked  map[query.Catalog]*encoder
}

type itemText struct {
	num  query.Item
	text []byte // `"new"`
}

func newEncoder(rows *catalog.Rows, o EncodeOptions, links map[query.Catalog][]byte) *encoder {
	if links == nil {
		links = map[query.Catalog][]byte{}
	}
	e := &encoder{rows: rows, links: links, files: o.Files, columns: make([]column, 0, len(rows.Fields))}
	e.catalog = tree.AppendString([]byte(`,"catalogId":`), rows.Catalog.Key)
	e.catalog = append(e.catalog, `,"title":`...)
	for _, f := range rows.Fields {
		e.columns = append(e.columns, e.column(f, o))
	}
	return e
}

func (e *encoder) column(f *catalog.Field, o EncodeOptions) column {
	c := column{field: f, storage: f.Storage(), user: f.HoldsEmployees(), radio: f.Type.Name() == "radiobutton"}
	c.key = append(tree.AppendString(nil, f.Key), ':')
	if f.System && !o.SkipPrevID {
		c.alias = append(tree.AppendString(nil, strconv.Itoa(f.ID)), ':')
	}
	c.empty = emptyValue(f)
	for _, item := range f.Config.Items {
		c.items = append(c.items, itemText{item.Num, tree.AppendString(nil, item.Key)})
	}
	nested, asked := o.nested(f)
	if linked := e.rows.Linked[f.Num]; asked || linked != nil {
		c.linked = make(map[query.Catalog]*encoder, len(linked))
		for n, rows := range linked {
			o.Selection = nested[n]
			c.linked[n] = newEncoder(rows, o, e.links)
		}
	}
	return c
}

// emptyValue is how a field without a value is written.
func emptyValue(f *catalog.Field) string {
	switch f.Type.Name() {
	case "text":
		return `""`
	case "switch":
		return `false`
	case "dropdown", "checkboxes", "contact", "user", "object", "file":
		return `[]`
	}
	return `null`
}

const noChat = `,"chat":{"messagesCount":0,"newMessages":false,"subscribe":false},"created":`

// record adds record i without its closing brace.
func (e *encoder) record(dst []byte, i int) []byte {
	p := e.rows.Page
	dst = append(dst, `{"id":`...)
	dst = appendPageID(dst, p, i)
	dst = append(dst, e.catalog...)
	dst = e.title(dst, i)
	dst = append(dst, `,"values":`...)
	dst = e.values(dst, i)
	dst = e.chat(dst, i)
	dst = appendTime(dst, p.Created(i))
	dst = append(dst, `,"updated":`...)
	return appendTime(dst, p.Updated(i))
}

// chat adds what the chat of record i is to the caller.
func (e *encoder) chat(dst []byte, i int) []byte {
	if e.rows.Chats == nil {
		return append(dst, noChat...)
	}
	c := e.rows.Chats[e.rows.Page.Record(i)]
	dst = strconv.AppendInt(append(dst, `,"chat":{"messagesCount":`...), c.Messages, 10)
	dst = strconv.AppendBool(append(dst, `,"newMessages":`...), c.Unread)
	dst = strconv.AppendBool(append(dst, `,"subscribe":`...), c.Subscribed)
	return append(dst, `},"created":`...)
}

// appendPageID adds the public id of a page's record.
func appendPageID(dst []byte, p *catalog.Page, i int) []byte {
	if code := p.Code(i); len(code) > 0 {
		return appendBytes(dst, code)
	}
	return appendRecordID(dst, "", p.Record(i))
}

// title adds the record's title: the title field's text, else "#" and the id.
func (e *encoder) title(dst []byte, i int) []byte {
	p := e.rows.Page
	if e.rows.Title >= 0 {
		if b := p.Bytes(p.Cell(i, e.rows.Title)); len(bytes.TrimSpace(b)) > 0 {
			return appendTitle(dst, b)
		}
	}
	dst = append(dst, `"#`...)
	if code := p.Code(i); len(code) > 0 {
		return append(append(dst, code...), '"') // letters, digits, "_", "-", "$"
	}
	return append(strconv.AppendInt(dst, int64(p.Record(i)), 10), '"')
}

// values adds the values of record i, but for those that the caller may not know.
func (e *encoder) values(dst []byte, i int) []byte {
	dst = append(dst, '{')
	some := false
	for j := range e.columns {
		c, v := &e.columns[j], e.rows.Page.Cell(i, j)
		if v.Hidden() {
			continue
		}
		if some {
			dst = append(dst, ',')
		}
		some = true
		if c.alias == nil {
			dst = append(dst, c.key...)
			dst = e.cell(dst, c, v)
			continue
		}
		dst = append(dst, c.alias...)
		start := len(dst)
		dst = e.cell(dst, c, v)
		end := len(dst)
		dst = append(dst, ',')
		dst = append(dst, c.key...)
		dst = append(dst, dst[start:end]...)
	}
	return append(dst, '}')
}

// cell adds one value straight from its cell.
func (e *encoder) cell(dst []byte, c *column, v catalog.Cell) []byte {
	if v.Empty() {
		return append(dst, c.empty...)
	}
	switch c.storage {
	case catalog.TextStorage:
		return appendBytes(dst, e.rows.Page.Bytes(v))
	case catalog.FloatStorage:
		return appendNumber(dst, v.Float())
	case catalog.WholeStorage:
		return strconv.AppendInt(dst, v.Int(), 10)
	case catalog.TimeStorage:
		return appendTime(dst, v.Int())
	case catalog.BoolStorage:
		return strconv.AppendBool(dst, v.Int() != 0)
	case catalog.ItemStorage:
		return c.item(dst, query.Item(v.Int()))
	case catalog.ItemsStorage:
		return c.itemList(dst, e.rows.Page.Bytes(v))
	case catalog.LinksStorage:
		return e.linkList(dst, c, e.rows.Page.Bytes(v))
	case catalog.JSONStorage:
		return append(dst, e.rows.Page.Bytes(v)...)
	case catalog.FilesStorage:
		return appendFiles(dst, e.rows.Page.Bytes(v), e.files)
	}
	return append(dst, "null"...)
}

// option is an option's id as JSON, nil for one that was removed.
func (c *column) option(n query.Item) []byte {
	for i := range c.items {
		if c.items[i].num == n {
			return c.items[i].text
		}
	}
	return nil
}

// item adds a single choice: a text for a radiobutton, else a list of one.
func (c *column) item(dst []byte, n query.Item) []byte {
	id := c.option(n)
	switch {
	case id == nil:
		return append(dst, c.empty...)
	case c.radio:
		return append(dst, id...)
	}
	return append(append(append(dst, '['), id...), ']')
}

func (c *column) itemList(dst, cell []byte) []byte {
	dst = append(dst, '[')
	some := false
	for i := range c.items {
		if !catalog.ListHas(cell, int64(c.items[i].num)) {
			continue
		}
		if some {
			dst = append(dst, ',')
		}
		some = true
		dst = append(dst, c.items[i].text...)
	}
	return append(dst, ']')
}

// maxTitle is the length of a title, in characters.
const maxTitle = 256

// appendTitle adds a text as a title: one line, cut.
func appendTitle(dst, b []byte) []byte {
	if len(b) <= maxTitle && !breaks(b) {
		return appendBytes(dst, b)
	}
	return tree.AppendString(dst, text.Cut(text.OneLine(string(b)), maxTitle))
}

// breaks tells whether a text may have a line break: one of ASCII, or the
// first byte of U+0085, U+2028 or U+2029.
func breaks(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c == 0xC2 || c == 0xE2 {
			return true
		}
	}
	return false
}
