package bpium

import (
	"math"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/report"
)

// Steps are the codes of the steps, as they are told to people.
var Steps = []string{"hour", "day", "week", "month", "quarter", "year",
	"hourOfDay", "dayOfWeek", "dayOfMonth", "weekOfYear", "monthOfYear", "quarterOfYear"}

// Step is the step that has a code; false when none has.
func Step(code string) (query.Step, bool) {
	s, ok := steps[code]
	return s, ok
}

// steps are the codes of query.Step.
var steps = map[string]query.Step{
	"hour": query.Hour, "day": query.Day, "week": query.Week, "month": query.Month, "quarter": query.Quarter, "year": query.Year,
	"hourOfDay": query.HourOfDay, "dayOfWeek": query.DayOfWeek, "dayOfMonth": query.DayOfMonth, "weekOfYear": query.WeekOfYear,
	"monthOfYear": query.MonthOfYear, "quarterOfYear": query.QuarterOfYear,
}

// Function is the function that has a code; false when none has.
func Function(code string) (query.Function, bool) {
	fn, ok := functions[code]
	return fn, ok
}

var functions = map[string]query.Function{
	"count": query.Count, "sum": query.Sum, "max": query.Max, "min": query.Min, "avg": query.Average, "avgAll": query.AverageAll,
}

// DecodeReport reads the parameters of values and totals. It fails like
// DecodeQuery.
func DecodeReport(p Params, sc *catalog.Scope, at catalog.Moment) (report.Ask, error) {
	d := reportDecoder{p, sc, at}
	ask := report.Ask{AggregateAsk: catalog.AggregateAsk{Catalog: sc.Catalog.Num}}
	for _, read := range []func(*report.Ask) error{d.measure, d.groupings, d.order, d.page, d.records} {
		if err := read(&ask); err != nil {
			return ask, err
		}
	}
	var err error
	ask.Explain, err = p.Bool("explain")
	return ask, err
}

type reportDecoder struct {
	p  Params
	sc *catalog.Scope
	at catalog.Moment
}

// described reads a parameter with the members type, value and subType.
func (d *reportDecoder) described(name string) (kind, value, sub string, err error) {
	v, err := d.p.Value(name)
	if err != nil {
		return "", "", "", err
	}
	if v.IsNull() || v.Kind == tree.String && v.Str() == "" {
		return "", "", "", nil
	}
	if v.Kind != tree.Object {
		return "", "", "", badParam(name, "expected an object with type, value and subType")
	}
	members := Params{v}
	for _, m := range []struct {
		name string
		to   *string
	}{{"type", &kind}, {"value", &value}, {"subType", &sub}} {
		v, err := members.Value(m.name)
		id, ok := IDText(v)
		if err != nil || !ok && !v.IsNull() {
			return "", "", "", badParam(name+"["+m.name+"]", "expected a single value")
		}
		*m.to = id
	}
	return kind, value, sub, nil
}

// field finds a field that a parameter names; it may be hidden.
func (d *reportDecoder) field(name, id string) (*catalog.Field, error) {
	f := FieldByID(d.sc.Catalog, id)
	switch {
	case f == nil:
		return nil, badParam(name+"[value]", "there is no field %s", text.Cut(id, 100))
	case !d.sc.Access.Readable(f):
		return nil, hiddenField(f)
	}
	return f, nil
}

func (d *reportDecoder) measure(ask *report.Ask) error {
	kind, value, sub, err := d.described("value")
	if err != nil {
		return err
	}
	name, err := d.p.Text("valueFn")
	if err != nil {
		return err
	}
	fn, known := functions[name]
	if !known && name != "" && name != "null" {
		return badParam("valueFn", "expected count, sum, max, min, avg or avgAll")
	}
	switch kind {
	case "", "recordsCount":
		return nil
	case "field":
	default:
		return badParam("value[type]", "expected recordsCount or field")
	}
	f, err := d.field("value", value)
	if err != nil {
		return err
	}
	m := query.Measure{Field: f.Num, Fn: fn}
	storage := f.Storage()
	switch {
	case sub == "timeLeft" && storage.HasItems():
		m.Of = query.TimeIn
	case sub == "timeTo" && storage.HasItems():
		m.Of = query.TimeTo
	case sub == "uniqueCount" || sub == "" && (storage == catalog.TextStorage || storage == catalog.LinksStorage):
		m.Of = query.Distinct
		if known && fn != query.Count {
			return badParam("valueFn", "different values can only be counted")
		}
	case sub == "" && !storage.HasItems():
		m.Of = query.Numbers
	default:
		return badParam("value[subType]", "the field %s cannot be measured in this way", f.Key)
	}
	if !known && m.Of.Times() {
		m.Fn = query.Average
	}
	ask.Measure = m
	return nil
}

func (d *reportDecoder) groupings(ask *report.Ask) (err error) {
	if ask.Axis, err = d.grouping("axis"); err != nil {
		return err
	}
	ask.Split, err = d.grouping("split")
	return err
}

func (d *reportDecoder) grouping(name string) (g query.Grouping, err error) {
	kind, value, sub, err := d.described(name)
	if err != nil {
		return g, err
	}
	step, known := steps[sub]
	if sub != "" && !known {
		return g, badParam(name+"[subType]", "unknown interval: %s", text.Cut(sub, 100))
	}
	if !known {
		step = query.Day
	}
	switch kind {
	case "", "all":
		return g, nil
	case "createdTime":
		return query.Grouping{By: query.GroupsOfCreated, Step: step}, nil
	case "field":
		f, err := d.field(name, value)
		if err != nil {
			return g, err
		}
		g = query.Grouping{By: query.GroupsOfField, Field: f.Num}
		if f.Storage() == catalog.TimeStorage {
			g.Step = step
		}
		return g, nil
	}
	return g, badParam(name+"[type]", "expected all, field or createdTime")
}

func (d *reportDecoder) order(ask *report.Ask) error {
	by, err := d.p.Text("sort")
	if err != nil {
		return err
	}
	switch by {
	case "", "null":
	case "axis":
		ask.Order = report.ByAxis
	case "value":
		ask.Order = report.ByValue
	default:
		return badParam("sort", "expected axis or value")
	}
	direction, err := d.p.Text("sortType")
	if err != nil {
		return err
	}
	switch direction {
	case "", "null":
	case "asc", "1":
		ask.Direction = report.Ascending
	case "desc", "-1":
		ask.Direction = report.Descending
	default:
		return badParam("sortType", "expected asc or desc")
	}
	return nil
}

func (d *reportDecoder) page(ask *report.Ask) (err error) {
	if ask.Limit, err = d.p.Limit(report.DefaultLimit); err != nil {
		return err
	}
	ask.Limit = min(ask.Limit, report.MaxLimit)
	if ask.Offset, err = d.p.Int("offset", 0, 0, math.MaxInt32); err != nil {
		return err
	}
	ask.Splits, err = d.p.Int("splitLimit", report.DefaultSplits, 0, math.MaxInt32)
	ask.Splits = min(ask.Splits, report.MaxSplits)
	return err
}

// records reads which records are counted.
func (d *reportDecoder) records(ask *report.Ask) error {
	kind, err := d.p.Text("recordsType")
	if err != nil {
		return err
	}
	switch kind {
	case "", "null", "available":
	case "all":
		ask.Reach = catalog.Entire
	default:
		return badParam("recordsType", "expected available or all")
	}
	ask.Query, err = decodeRecordsFilter(d.p, d.sc, d.at)
	return err
}

// decodeRecordsFilter reads the parameter recordsFilter, which has the members
// that select records in a list.
func decodeRecordsFilter(p Params, sc *catalog.Scope, at catalog.Moment) (query.Query, error) {
	v, err := p.Value("recordsFilter")
	if err != nil || v.IsNull() || v.Kind == tree.String && strings.TrimSpace(v.Str()) == "" {
		return query.Query{}, err
	}
	if v.Kind != tree.Object {
		return query.Query{}, badParam("recordsFilter", "expected an object with filters, viewId, searchText or id")
	}
	return decodeMatches(Params{v}, sc, at)
}
