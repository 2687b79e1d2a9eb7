package bpium

import (
	"strconv"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// maxComment is the length of a comment or a message, in characters.
const maxComment = 10_000

// HistoryCatalog reads which catalog's history is asked for.
func HistoryCatalog(p Params) (string, error) {
	id, err := p.Text("catalogId")
	if err == nil && id == "" {
		err = badParam("catalogId", "a catalog is required")
	}
	return CatalogKey(id), err
}

// DecodeHistory reads the parameters of a history. It fails like DecodeQuery.
func DecodeHistory(p Params, sc *catalog.Scope, at catalog.Moment) (catalog.HistoryAsk, error) {
	ask := catalog.HistoryAsk{Catalog: sc.Catalog.Num}
	if err := historyRecords(p, sc, at, &ask); err != nil {
		return ask, err
	}
	if err := historyPaging(p, &ask); err != nil {
		return ask, err
	}
	user, err := p.Text("userId")
	if err != nil {
		return ask, err
	}
	if user != "" {
		ask.Actor = RecordKey(user)
	}
	if ask.Kinds, err = historyKinds(p); err != nil {
		return ask, err
	}
	ask.Fields, err = historyFields(p, sc)
	return ask, err
}

// historyRecords: one record, or those that the parameters of a list select.
func historyRecords(p Params, sc *catalog.Scope, at catalog.Moment, ask *catalog.HistoryAsk) error {
	id, err := p.Text("recordId")
	if err != nil {
		return err
	}
	if id != "" {
		key := RecordKey(id)
		ask.Record = &key
		return nil
	}
	q, err := decodeMatches(p, sc, at)
	if err != nil {
		return err
	}
	if q.Where != nil || q.View != "" || q.Search != (query.Search{}) {
		ask.Query = &q
	}
	return nil
}

func historyPaging(p Params, ask *catalog.HistoryAsk) (err error) {
	const most = 1 << 30
	if ask.Limit, err = p.Limit(defaultLimit); err != nil {
		return err
	}
	ask.Limit = min(ask.Limit, 1000)
	from := "from"
	if !p.Has(from) {
		from = "offset"
	}
	if ask.Offset, err = p.Int(from, 0, 0, most); err != nil {
		return err
	}
	direction, err := p.Text("sortType")
	switch {
	case err != nil:
		return err
	case direction == "asc" || direction == "1":
		ask.Asc = true
	case direction != "" && direction != "desc" && direction != "-1":
		return badParam("sortType", "expected asc or desc")
	}
	return nil
}

func historyKinds(p Params) ([]catalog.HistoryKind, error) {
	list, err := p.IDs("actionType")
	if err != nil {
		return nil, err
	}
	var kinds []catalog.HistoryKind
	for _, name := range list {
		switch kind := catalog.HistoryKind(name); kind {
		case catalog.Created, catalog.Updated, catalog.Removed, catalog.Commented:
			kinds = append(kinds, kind)
		default:
			return nil, badParam("actionType", "unknown kind of entry: %s", text.Cut(name, 100))
		}
	}
	return kinds, nil
}

func historyFields(p Params, sc *catalog.Scope) ([]query.Field, error) {
	list, err := p.IDs("fields")
	if err != nil {
		return nil, err
	}
	var fields []query.Field
	for _, id := range list {
		f := FieldByID(sc.Catalog, id)
		if f == nil {
			return nil, unknownField(sc.Catalog, id)
		}
		if !sc.Access.Readable(f) {
			return nil, hiddenField(f)
		}
		fields = append(fields, f.Num)
	}
	return fields, nil
}

// Comment is a comment to add to a record's history.
type Comment struct {
	Catalog string // public id
	Record  query.Key
	Text    string
}

// DecodeComment reads the body of POST /histories. It fails with
// fault.InvalidJSON or fault.ValidationFailed.
func DecodeComment(v tree.Value) (Comment, error) {
	b, err := newBody(v)
	if err != nil {
		return Comment{}, err
	}
	var c Comment
	if id := b.id("catalogId"); id != nil {
		c.Catalog = CatalogKey(*id)
	} else {
		b.refuse("catalogId", fault.Required, "a catalog is required")
	}
	if id := b.id("recordId"); id != nil {
		c.Record = RecordKey(*id)
	} else {
		b.refuse("recordId", fault.Required, "a record is required")
	}
	if b.word("type") != string(catalog.Commented) {
		b.refuse("type", fault.Type, "only entries of type COMMENT can be added")
	}
	c.Text = commentText(b)
	return c, b.err()
}

func commentText(b body) string {
	payload, _ := b.v.Get("payload")
	message, _ := payload.Get("message")
	switch s := message.Str(); {
	case message.Kind != tree.String || strings.TrimSpace(s) == "":
		b.refuse("payload.message", fault.Required, "a message is required")
	case text.Len(s) > maxComment:
		b.refuse("payload.message", fault.TooLong, "a message has at most %d characters", maxComment)
	default:
		return s
	}
	return ""
}

// EncodeHistory adds a page of a history as JSON. Fields, if not nil, cuts the
// entries to them.
func EncodeHistory(dst []byte, page *catalog.HistoryPage, fields []query.Field) []byte {
	e := historyEncoder{pastEncoder: pastEncoder{writer: writer{b: dst}, structure: page.Structure, hides: page.HidesTitle},
		page: page, wanted: map[query.Field]bool{}}
	for _, f := range fields {
		e.wanted[f] = true
	}
	e.open('[')
	for i := range page.Entries {
		e.entry(&page.Entries[i])
	}
	e.end(']')
	return e.b
}

type historyEncoder struct {
	pastEncoder
	page   *catalog.HistoryPage
	wanted map[query.Field]bool // empty for all
}

func (e *historyEncoder) entry(h *catalog.HistoryEntry) {
	title := titleOfRef(e.page.Titles, query.MakeRef(h.Catalog, h.Record))
	e.open('{')
	e.str("id", strconv.FormatInt(h.ID, 10))
	e.str("catalogId", e.page.Catalog.Key)
	e.key("recordId")
	e.b = appendRecordID(e.b, title.Code, h.Record)
	e.comma = true
	e.str("recordTitle", title.Text)
	e.str("actionType", string(h.Kind))
	e.key("payload")
	e.payload(h)
	e.key("date")
	e.b = appendTime(e.b, h.At)
	e.comma = true
	e.key("user")
	e.actor(h.Actor)
	e.end('}')
}

func (e *historyEncoder) actor(n query.Record) {
	e.open('{')
	if n == 0 {
		e.json("id", "null")
		e.str("title", "System")
	} else {
		title := titleOfRef(e.page.Titles, query.MakeRef(catalog.Employees, n))
		e.key("id")
		e.b = appendRecordID(e.b, title.Code, n)
		e.comma = true
		e.str("title", title.Text)
	}
	e.end('}')
}

// payload writes the changed fields, {} for a removal, the text of a comment.
func (e *historyEncoder) payload(h *catalog.HistoryEntry) {
	stored, err := tree.ParseJSON(h.Payload, tree.Limits{})
	if err != nil {
		stored = tree.Value{} // an entry without payload
	}
	e.open('{')
	switch h.Kind {
	case catalog.Commented:
		for _, m := range stored.Fields() {
			e.key(m.Key)
			e.value(m.Value)
		}
	case catalog.Created, catalog.Updated:
		for _, m := range stored.Fields() {
			e.change(h, m)
		}
	}
	e.end('}')
}

// change writes the old and the new value of one field, if it still exists and
// may be seen.
func (e *historyEncoder) change(h *catalog.HistoryEntry, m tree.Field) {
	n, err := strconv.ParseInt(m.Key, 10, 64)
	f := e.page.Catalog.Field(query.Field(n))
	if err != nil || f == nil || !e.page.Shows(h, f) {
		return
	}
	if len(e.wanted) > 0 && !e.wanted[f.Num] {
		return
	}
	before, _ := m.Value.Get("o")
	after, _ := m.Value.Get("n")
	e.key(f.Key)
	e.open('{')
	e.key("oldValue")
	e.past(f, before)
	e.key("newValue")
	e.past(f, after)
	e.end('}')
}
