package bpium

import (
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/report"
)

// EncodeValues adds the groups of a breakdown.
func EncodeValues(dst []byte, v *report.Values) []byte {
	e := newReportEncoder(v)
	dst = append(dst, '[')
	for i := range v.Groups {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = e.group(dst, &v.Groups[i])
	}
	return append(dst, ']')
}

// EncodeGroup adds the group of the axis that has an id, as in the path of one:
// an item's id, an employee's, {catalog}:{record}, a text, a number, an instant,
// true and false, or null. False when it is not there.
func EncodeGroup(dst []byte, v *report.Values, id string) ([]byte, bool) {
	e := newReportEncoder(v)
	for i := range v.Groups {
		if e.axisID(v.Groups[i].Axis) == id {
			return e.group(dst, &v.Groups[i]), true
		}
	}
	return dst, false
}

// EncodeTotal adds totals.
func EncodeTotal(dst []byte, t report.Total) []byte {
	dst = append(dst, `[{"key":"sum","value":`...)
	dst = appendValue(dst, t.Sum)
	dst = append(dst, `},{"key":"avg","value":`...)
	dst = appendValue(dst, t.Average)
	dst = append(dst, `},{"key":"count","value":`...)
	dst = strconv.AppendInt(dst, t.Count, 10)
	return append(dst, `}]`...)
}

// EncodeExplained adds an answer together with how it was worked out, if that was
// asked for: [O] an object with explain, an element for each part of the answer,
// and values.
func EncodeExplained(dst []byte, engines []catalog.Engine, answer func([]byte) []byte) []byte {
	if engines == nil {
		return answer(dst)
	}
	dst = append(dst, `{"explain":[`...)
	for i, e := range engines {
		if i > 0 {
			dst = append(dst, ',')
		}
		engine := "store"
		if e.Columns {
			engine = "columns"
		}
		dst = append(dst, `{"engine":"`+engine+`","why":`...)
		dst = tree.AppendString(dst, e.Why)
		for _, of := range []struct {
			name   string
			number int64
		}{{"records", int64(e.Records)}, {"columnsMicroseconds", e.FromColumns.Microseconds()},
			{"storeMicroseconds", e.FromStore.Microseconds()}, {"tookMicroseconds", e.Took.Microseconds()}} {
			dst = append(dst, `,"`+of.name+`":`...)
			dst = strconv.AppendInt(dst, of.number, 10)
		}
		dst = append(dst, '}')
	}
	dst = append(dst, `],"values":`...)
	return append(answer(dst), '}')
}

func appendValue(dst []byte, v report.Value) []byte {
	if v.None {
		return append(dst, "null"...)
	}
	return appendNumber(dst, v.Number)
}

type reportEncoder struct {
	*report.Values
	axis, split keyEncoder
}

// keyEncoder writes the keys of one dimension.
type keyEncoder struct {
	values   *report.Values
	field    *catalog.Field // nil for none, and for the time of creation
	grouping query.Grouping
	heads    map[query.Catalog][]byte
}

func newReportEncoder(v *report.Values) *reportEncoder {
	heads := map[query.Catalog][]byte{}
	return &reportEncoder{v, keyEncoder{v, v.Axis, v.Ask.Axis, heads}, keyEncoder{v, v.Split, v.Ask.Split, heads}}
}

func (e *reportEncoder) group(dst []byte, g *report.Group) []byte {
	dst = append(dst, `{"axis":`...)
	dst = e.axis.key(dst, g.Axis)
	dst = append(dst, `,"values":[`...)
	for i, v := range g.Values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		if e.Ask.Split.By != query.NoGroups {
			dst = append(dst, `"split":`...)
			dst = e.split.key(dst, v.Split)
			dst = append(dst, ',')
		}
		dst = append(dst, `"value":`...)
		dst = append(appendValue(dst, v), '}')
	}
	return append(dst, `]}`...)
}

// key adds a key as an axis or a split shows it.
func (e *keyEncoder) key(dst []byte, k catalog.GroupKey) []byte {
	if k.Kind == catalog.NoKey {
		return append(dst, "null"...)
	}
	if e.grouping.Timed() {
		if e.grouping.Step.Cyclic() {
			return strconv.AppendInt(dst, k.Whole, 10)
		}
		return appendTime(dst, k.Whole)
	}
	switch e.field.Storage() {
	case catalog.TextStorage:
		return tree.AppendString(dst, k.Text)
	case catalog.FloatStorage:
		return appendNumber(dst, k.Number+float64(k.Whole))
	case catalog.BoolStorage:
		return strconv.AppendBool(dst, k.Whole != 0)
	case catalog.ItemStorage, catalog.ItemsStorage:
		return tree.AppendString(dst, e.field.Config.Item(query.Item(k.Whole)).Key)
	case catalog.LinksStorage:
		return e.link(dst, query.Ref(k.Whole))
	}
	return strconv.AppendInt(dst, k.Whole, 10)
}

// link adds an employee or a linked record.
func (e *keyEncoder) link(dst []byte, ref query.Ref) []byte {
	t := titleOfRef(e.values.Titles, ref)
	if e.field.HoldsEmployees() {
		dst = append(dst, `{"id":`...)
		dst = appendRecordID(dst, t.Code, ref.Record())
		dst = append(dst, `,"title":`...)
		return append(tree.AppendString(dst, t.Text), '}')
	}
	head := e.heads[ref.Catalog()]
	if head == nil {
		head = appendLinkHead(nil, e.values.Structure, ref.Catalog())
		e.heads[ref.Catalog()] = head
	}
	dst = append(dst, head...)
	dst = appendRecordID(dst, t.Code, ref.Record())
	dst = append(dst, `,"recordTitle":`...)
	dst = tree.AppendString(dst, t.Text)
	dst = append(dst, `,"isRemoved":`...)
	return append(strconv.AppendBool(dst, t.Removed || e.values.Structure.Catalog(ref.Catalog()) == nil), '}')
}

// axisID is the id of a group of the axis.
func (e *reportEncoder) axisID(k catalog.GroupKey) string {
	if k.Kind != catalog.NoKey && e.Axis.HoldsLinks() {
		ref := query.Ref(k.Whole)
		id := titleOfRef(e.Titles, ref).Code
		if id == "" {
			id = strconv.FormatInt(int64(ref.Record()), 10)
		}
		if e.Axis.HoldsEmployees() {
			return id
		}
		if c := e.Structure.AnyCatalog(ref.Catalog()); c != nil {
			return c.Key + ":" + id
		}
		return strconv.FormatInt(int64(ref.Catalog()), 10) + ":" + id
	}
	if k.Kind == catalog.TextKey {
		return k.Text
	}
	id := string(e.axis.key(nil, k))
	if n := len(id); n > 1 && id[0] == '"' { // an item's id or an instant: nothing in it is escaped
		return id[1 : n-1]
	}
	return id
}
