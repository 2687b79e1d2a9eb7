package bpium

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/report"
)

// chartTypes are how a widget can look.
var chartTypes = []string{"columns", "lines", "bars", "pie", "radar", "number", "table"}

// WidgetID reads the id of a widget; 0 for what cannot be one.
func WidgetID(id string) query.Widget { return query.Widget(numberID(id)) }

// DecodeWidget reads the body of a new or changed widget. The change fails with
// fault.InvalidJSON, ValidationFailed, InvalidFilter, or as DecodeReport does.
func DecodeWidget(v tree.Value, at catalog.Moment) catalog.WidgetChange {
	return func(sc *catalog.Scope, w *catalog.Widget) (in catalog.WidgetInput, err error) {
		b, err := newBody(v)
		if err != nil {
			return in, err
		}
		d := widgetDecoder{b, sc.Catalog}
		d.looks(w)
		d.measures(&w.WidgetSettings)
		in, err = d.records(&w.WidgetSettings)
		if invalid := b.err(); invalid != nil || err != nil {
			return in, cmp.Or(invalid, err)
		}
		ask, err := DecodeReport(Params{tree.NewObject(widgetParams(sc.Catalog, &w.WidgetSettings))}, sc, at)
		in.Aggregation = ask.Aggregation
		return in, err
	}
}

type widgetDecoder struct {
	body
	catalog *catalog.Catalog
}

func (d widgetDecoder) given(name string) bool {
	_, ok := d.v.Get(name)
	return ok
}

// looks reads how a widget looks.
func (d widgetDecoder) looks(w *catalog.Widget) {
	if s := d.textOrNull("name"); s != nil {
		w.Name = *s
	}
	if n := d.whole("priority"); n != nil {
		w.Priority = *n
	}
	if d.given("chartType") || w.Num == 0 {
		w.Chart = ""
		if s := d.textOrNull("chartType"); s != nil {
			w.Chart = *s
		}
		if !slices.Contains(chartTypes, w.Chart) {
			d.refuse("chartType", fault.Type, "expected one of %s", strings.Join(chartTypes, ", "))
		}
	}
	if d.given("stacked") {
		w.Stacked = d.yes("stacked")
	}
	if d.given("multicolor") {
		w.Multicolor = d.is("multicolor")
	}
}

// measures reads what a widget measures, and in which order.
func (d widgetDecoder) measures(w *catalog.WidgetSettings) {
	if dim, ok := d.dimension("value"); ok || w.Value.Type == "" {
		w.Value = dim.or("recordsCount")
	}
	if dim, ok := d.dimension("axis"); ok || w.Axis.Type == "" {
		w.Axis = dim.or("all")
	}
	if dim, ok := d.dimension("split"); ok {
		w.Split = (*catalog.Dimension)(dim)
	}
	if w.Split != nil && w.Chart == "pie" {
		d.refuse("split", fault.Type, "a pie has no split")
	}
	for name, to := range map[string]*string{"valueFn": &w.ValueFn, "sort": &w.Sort, "sortType": &w.SortType} {
		if s := d.textOrNull(name); s != nil {
			*to = *s
		}
	}
	for name, to := range map[string]**int{"limit": &w.Limit, "offset": &w.Offset, "splitLimit": &w.SplitLimit} {
		if d.given(name) {
			*to = d.whole(name)
		}
	}
}

// dimension is what a body says of one; nil for none.
type dimension catalog.Dimension

// or is the dimension, or one of a kind that needs no field.
func (m *dimension) or(kind string) catalog.Dimension {
	if m == nil {
		return catalog.Dimension{Type: kind}
	}
	return catalog.Dimension(*m)
}

// dimension reads {type, value, subType}; false when it is not there.
func (d widgetDecoder) dimension(name string) (*dimension, bool) {
	v, ok := d.v.Get(name)
	if !ok || blank(v) {
		return nil, ok
	}
	at := d.in(v, name)
	if !at.object() {
		return nil, false
	}
	m := &dimension{Type: deref(at.textOrNull("type")), Sub: deref(at.textOrNull("subType"))}
	if m.Type == "" {
		return nil, true
	}
	if id := at.id("value"); id != nil && m.Type == "field" {
		if f := FieldByID(d.catalog, *id); f != nil {
			m.Field = f.Num
		} else {
			at.refuse("value", fault.NotFound, "there is no field %s", text.Cut(*id, 100))
		}
	}
	return m, true
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// records reads which records a widget counts.
func (d widgetDecoder) records(w *catalog.WidgetSettings) (in catalog.WidgetInput, err error) {
	if d.given("recordsType") {
		switch kind := deref(d.textOrNull("recordsType")); kind {
		case "", "available", "all":
			w.All = kind == "all"
		default:
			d.refuse("recordsType", fault.Type, "expected available or all")
		}
	}
	v, ok := d.v.Get("recordsFilter")
	if !ok {
		return in, nil
	}
	in.Filters, in.View = []catalog.ViewFilterInput{}, new(string)
	if blank(v) {
		return in, nil
	}
	at := d.in(v, "recordsFilter")
	if !at.object() {
		return in, nil
	}
	for _, m := range v.Fields() {
		if m.Key != "filters" && m.Key != "viewId" && !blank(m.Value) {
			at.refuse(text.Cut(m.Key, 100), fault.Type, "a widget keeps filters and viewId")
		}
	}
	if id := at.id("viewId"); id != nil && *id != "0" {
		in.View = id
	}
	filters, _ := v.Get("filters")
	if in.Filters, err = viewFilters(filters, d.catalog); err == nil {
		in.Filters = joinedFilters(in.Filters)
	}
	for i := range in.Filters {
		in.Filters[i].Path = "recordsFilter." + in.Filters[i].Path
	}
	return in, err
}

// joinedFilters makes one filter of several on a field, as the object form needs.
func joinedFilters(list []catalog.ViewFilterInput) []catalog.ViewFilterInput {
	joined := list[:0:0]
	for _, f := range list {
		i := slices.IndexFunc(joined, func(o catalog.ViewFilterInput) bool { return o.Field == f.Field })
		if i < 0 {
			joined = append(joined, f)
			continue
		}
		both := tree.NewObject([]tree.Field{{Key: "$and", Value: tree.NewList([]tree.Value{extraOf(joined[i].Value), extraOf(f.Value)})}})
		joined[i].Value = both.AppendJSON(nil)
	}
	return joined
}

// DecodeWidgetReport reads the parameters of values and totals of a widget: its
// settings are the defaults, and both filters hold. w is nil for a new one. That
// it counts every record for everybody is said of what its author made: somebody
// who asks for other groups, measures or fewer records counts those that he may
// view. It fails like DecodeReport.
func DecodeWidgetReport(p Params, b *catalog.BoardInfo, w *catalog.Widget, at catalog.Moment) (report.Ask, error) {
	var stored []tree.Field
	if w != nil {
		stored = widgetParams(b.Scope.Catalog, &w.WidgetSettings)
	}
	merged := slices.DeleteFunc(slices.Clone(stored), func(f tree.Field) bool { return p.Has(f.Key) })
	ask, err := DecodeReport(Params{tree.NewObject(append(merged, p.root.Fields()...))}, b.Scope, at)
	if err != nil {
		return ask, err
	}
	ask.Board = b
	if w == nil {
		return ask, nil
	}
	ask.Widget = &w.WidgetSettings
	if q := &ask.Query; !w.All || p.Has("recordsType") || q.Where != nil || q.View != "" || q.Search != (query.Search{}) {
		return ask, nil
	}
	made, err := DecodeReport(Params{tree.NewObject(stored)}, b.Scope, at)
	if err == nil && made.Aggregation == ask.Aggregation {
		ask.Reach = catalog.Granted
	}
	return ask, nil
}

// widgetParams are the settings of a widget as parameters, but for the records.
func widgetParams(c *catalog.Catalog, w *catalog.WidgetSettings) []tree.Field {
	fields := []tree.Field{{Key: "value", Value: dimensionTree(c, w.Value)}, {Key: "axis", Value: dimensionTree(c, w.Axis)}}
	if w.Split != nil {
		fields = append(fields, tree.Field{Key: "split", Value: dimensionTree(c, *w.Split)})
	}
	for _, m := range []struct{ name, text string }{
		{"valueFn", w.ValueFn}, {"sort", w.Sort}, {"sortType", w.SortType},
		{"limit", decimal(w.Limit)}, {"offset", decimal(w.Offset)}, {"splitLimit", decimal(w.SplitLimit)},
	} {
		if m.text != "" {
			fields = append(fields, tree.Field{Key: m.name, Value: tree.NewString(m.text)})
		}
	}
	return fields
}

func decimal(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

// dimensionTree is a dimension as it is shown; a field that is gone has no id.
func dimensionTree(c *catalog.Catalog, m catalog.Dimension) tree.Value {
	value, sub := tree.NewString(""), tree.Value{}
	if f := c.Field(m.Field); f != nil {
		value = tree.NewString(f.Key)
	}
	if m.Sub != "" {
		sub = tree.NewString(m.Sub)
	}
	return tree.NewObject([]tree.Field{{Key: "type", Value: tree.NewString(m.Type)}, {Key: "value", Value: value}, {Key: "subType", Value: sub}})
}

// EncodeWidgets adds the widgets of a board as JSON.
func EncodeWidgets(dst []byte, b *catalog.BoardInfo) []byte {
	w := writer{b: dst}
	w.open('[')
	for _, one := range b.Widgets {
		w.widget(b, one)
	}
	w.end(']')
	return w.b
}

// EncodeWidget adds one widget of a board as JSON.
func EncodeWidget(dst []byte, b *catalog.BoardInfo, one *catalog.Widget) []byte {
	w := writer{b: dst}
	w.widget(b, one)
	return w.b
}

func (w *writer) widget(b *catalog.BoardInfo, one *catalog.Widget) {
	c := b.Scope.Catalog
	w.open('{')
	w.str("id", EncodedID(one.Num))
	w.str("catalogId", c.Key)
	w.str("boardId", EncodedID(b.Num))
	w.strOrNull("name", one.Name)
	w.str("chartType", one.Chart)
	w.json("value", string(dimensionTree(c, one.Value).AppendJSON(nil)))
	w.strOrNull("valueFn", one.ValueFn)
	w.json("axis", string(dimensionTree(c, one.Axis).AppendJSON(nil)))
	if one.Split == nil {
		w.json("split", "null")
	} else {
		w.json("split", string(dimensionTree(c, *one.Split).AppendJSON(nil)))
	}
	w.strOrNull("sort", one.Sort)
	w.strOrNull("sortType", one.SortType)
	if one.All {
		w.str("recordsType", "all")
	} else {
		w.str("recordsType", "available")
	}
	w.recordsFilter(b, one)
	if one.Stacked == nil {
		w.json("stacked", "null")
	} else {
		w.yes("stacked", *one.Stacked)
	}
	w.yes("multicolor", one.Multicolor)
	w.json("limit", cmp.Or(decimal(one.Limit), "null"))
	w.json("offset", cmp.Or(decimal(one.Offset), "null"))
	w.json("splitLimit", cmp.Or(decimal(one.SplitLimit), "null"))
	w.number("priority", int64(one.Priority))
	w.end('}')
}

// recordsFilter writes the stored filters in the object form, without those whose
// field is gone. Who does not manage the board need not know how it looks at
// fields that are hidden from him.
func (w *writer) recordsFilter(b *catalog.BoardInfo, one *catalog.Widget) {
	if len(one.Filters) == 0 && one.View == 0 {
		w.json("recordsFilter", "null")
		return
	}
	w.key("recordsFilter")
	w.open('{')
	w.key("filters")
	w.open('{')
	for _, filter := range one.Filters {
		if f := b.Scope.Catalog.Field(filter.Field); f != nil && (b.Manages() || b.Access.Shown(f)) {
			w.json(f.Key, string(filter.Value))
		}
	}
	w.end('}')
	if v := b.Structure.View(one.View); v != nil {
		w.str("viewId", v.Key)
	}
	w.end('}')
}
