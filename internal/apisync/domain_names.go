package apisync

import (
	"slices"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// level is where names are looked for: the records of a config, or those that one of
// its fields links.
type level struct {
	config  *Compiled // whose lines name fields; nil for none
	catalog *catalog.Catalog
	// open allows every field of the catalog, not only those of lines.
	open bool
}

// target is what a name means.
type target struct {
	path   []*catalog.Field // the links that lead there
	field  *catalog.Field   // nil for a system field
	system string
	part   *datePart
	group  string // of the links, of the system field ExternalID
	// line is that of the external key by which the target was named: its values are
	// external ones. nil when a field of the model was named.
	line *mapLine
	at   *catalog.Catalog // that has the field
	// next is the config by which paths go on from a link, nil for none.
	next *Compiled
}

// datePart is a part of a time as paths name it.
type datePart struct {
	part     query.Part
	min, max int64
	timed    bool // only times have it, not dates
}

var dateParts = map[string]*datePart{
	"year_number":     {query.YearPart, 1, 9999, false},
	"quarter_number":  {query.QuarterPart, 1, 4, false},
	"month_number":    {query.MonthPart, 1, 12, false},
	"iso_week_number": {query.WeekPart, 1, 53, false},
	// As PostgreSQL and so Odoo count: Sunday is 0.
	"day_of_week":   {query.WeekdayPart, 0, 6, false},
	"day_of_month":  {query.DayOfMonthPart, 1, 31, false},
	"day_of_year":   {query.DayOfYearPart, 1, 366, false},
	"hour_number":   {query.HourPart, 0, 23, true},
	"minute_number": {query.MinutePart, 0, 59, true},
	"second_number": {query.SecondPart, 0, 59, true},
}

// wherever are the system fields that may be asked for at every level.
var wherever = []string{"id", "display_name", "create_date", "write_date", "active"}

// find tells what a name means; nil when it is no name here.
func (l level) find(st *State, name string) (*target, error) {
	if strings.Count(name, ".") > domainBounds.Depth || l.catalog == nil {
		return nil, nil
	}
	whole := name
	for {
		t, err := l.one(st, name)
		if err != nil {
			return nil, err
		}
		if t != nil {
			if t, err = t.goOn(st, l, strings.TrimPrefix(whole[len(name):], ".")); t != nil || err != nil {
				return t, err
			}
		}
		i := strings.LastIndexByte(name, '.') // keys and names may have dots
		if i < 0 {
			return nil, nil
		}
		name = name[:i]
	}
}

// one finds a name that is an external key, a field or a system field.
func (l level) one(st *State, name string) (*target, error) {
	if t, err := l.key(name); t != nil || err != nil {
		return t, err
	}
	if name == ExternalID {
		if l.config == nil || !l.open && l.lineOf(nil, name) == nil {
			return nil, nil
		}
		return &target{system: name, at: l.catalog, group: l.config.group()}, nil
	}
	fields, system, ok := fieldPath(st.Structure, l.catalog, name)
	if !ok || len(fields) > domainBounds.Depth {
		return nil, nil
	}
	t := &target{system: system}
	if len(fields) == 0 {
		t.at = l.catalog
		if l.open || slices.Contains(wherever, system) || l.lineOf(fields, system) != nil {
			return t, nil
		}
		return nil, nil
	}
	line := l.lineOf(fields, system)
	if line == nil && !l.open {
		return nil, nil
	}
	t.set(st, fields, system)
	if line != nil {
		t.next = line.Mapping
	}
	return t, nil
}

// set makes the target what fields lead to.
func (t *target) set(st *State, fields []*catalog.Field, system string) {
	t.path, t.system = fields, system
	if system == "" {
		last := len(fields) - 1
		t.path, t.field = fields[:last], fields[last]
		t.at = st.Structure.Catalog(t.field.Catalog)
		return
	}
	t.at = onlyLinked(st.Structure, fields[len(fields)-1])
}

// key finds a line by its external key.
func (l level) key(key string) (*target, error) {
	if l.config == nil {
		return nil, nil
	}
	var refused error
	for _, line := range l.config.mapping().lines {
		switch {
		case line.ExternalKey != key || key == "":
			continue
		case line.Bad:
			return nil, Refuse(500, "CONFIG_ERROR", "the configuration does not fit the model any more: %s", text.Cut(key, 100))
		case !line.CompiledLine.asked():
			refused = Refuse(400, "INVALID_FILTER", "%s cannot be filtered or sorted by", text.Cut(key, 100)).With("name", key)
			continue
		case line.why.Format != "":
			return nil, line.bad()
		}
		t := &target{line: line, next: line.Mapping, at: l.catalog, system: line.System, group: l.config.group()}
		if len(line.Path) > 0 {
			t.set(l.config.State, line.Path, line.System)
		}
		return t, nil
	}
	return nil, refused
}

// asked tells whether a line's values may be asked for.
func (l *CompiledLine) asked() bool {
	plain := l.ValueType == Plain || l.ValueType == RelationalMapping
	return plain && l.Filterable && !l.Bad && (len(l.Path) > 0 || l.System != "")
}

// lineOf finds a line for a field of the model.
func (l level) lineOf(fields []*catalog.Field, system string) *CompiledLine {
	if l.config == nil {
		return nil
	}
	i := slices.IndexFunc(l.config.Lines, func(line *CompiledLine) bool {
		return line.asked() && line.System == system && slices.Equal(line.Path, fields)
	})
	if i < 0 {
		return nil
	}
	return l.config.Lines[i]
}

// goOn follows the rest of a path; nil when it leads nowhere.
func (t *target) goOn(st *State, from level, rest string) (*target, error) {
	if rest == "" {
		return t, nil
	}
	if part := dateParts[rest]; part != nil && (t.system == "create_date" || t.system == "write_date" || t.field != nil && t.field.Storage() == catalog.TimeStorage) {
		t.part = part
		return t, nil
	}
	if t.field == nil {
		return nil, nil
	}
	inner, err := t.level(st, from).find(st, rest)
	if inner == nil || err != nil {
		return nil, err
	}
	inner.path = slices.Concat(t.path, []*catalog.Field{t.field}, inner.path)
	return inner, nil
}

// level is that of the records which a target links; without a catalog for what links
// none or those of several.
func (t *target) level(st *State, from level) level {
	if t.field == nil {
		return level{}
	}
	return level{config: t.next, catalog: onlyLinked(st.Structure, t.field), open: from.open}
}
