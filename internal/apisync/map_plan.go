package apisync

import (
	"slices"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// plan is what mapping needs of a config, worked out once.
type plan struct {
	*Compiled
	lines      []*mapLine
	identifier *mapLine
	// active is the switch that stands for the system field active; nil for none.
	active *catalog.Field
	known  *knownKeys
	// flat tells that each line that is shown has one key of its own.
	flat bool
	// matches are by what else the records of items are found, see initial_match.
	matches []*plan
}

// mapLine is a line with its texts read.
type mapLine struct {
	*CompiledLine
	path     Path // of the external key; none when that is empty
	values   *valueMap
	patterns []string // of dates
	digits   int      // of numbers after the point, -1 for as they are
	initial  tree.Value
	formula  string // default that is a Python expression
	defaults bool   // has a default
	// child is the field of the mapping config's model that links the parent: the
	// line is about records that link this one.
	child *catalog.Field
	// group is where the link is that the line reads or shows; "" for none.
	group string
	// why it cannot be used; no message when it can. at is the attribute that says so, ""
	// for one that is checked by itself.
	why fault.Message
	at  string
}

// unfit notes why the line cannot be used.
func (l *mapLine) unfit(at, format string, args ...any) {
	l.at, l.why = at, fault.Msg(format, args...)
}

// bad refuses a request that needs a line which cannot be used; nil when it can.
func (l *mapLine) bad() error {
	if l.why.Format == "" {
		return nil
	}
	return Refuse(500, "CONFIG_ERROR", "The line %s cannot be used: %s", l.name(), l.why).With("line_id", l.ID)
}

// name is what errors call the line.
func (l *mapLine) name() string {
	if l.ExternalKey != "" {
		return l.ExternalKey
	}
	return l.Line.Field
}

func (l *mapLine) scripted() bool {
	return l.ValueType == PythonPlain || l.ValueType == PythonRelational
}

// related tells whether the line resolves values by its mapping config.
func (l *mapLine) related() bool {
	return l.Mapping != nil && l.Field().HoldsLinks() && (l.ValueType == RelationalMapping || l.ValueType == PythonRelational)
}

// mapping is the plan of a config's lines.
func (c *Compiled) mapping() *plan {
	c.planned.Do(func() { c.plan = newPlan(c) })
	return c.plan
}

func newPlan(c *Compiled) *plan {
	p := &plan{Compiled: c, active: c.State.activeField(c.Catalog)}
	for _, line := range c.Lines {
		l := &mapLine{CompiledLine: line, digits: -1}
		if line.System == ExternalID || line.IsRecordIdentifier && c.linked() {
			l.group = c.group()
		}
		l.prepare(c)
		p.lines = append(p.lines, l)
		if line == c.Identifier {
			p.identifier = l
		}
	}
	p.known = newKnownKeys(p.lines)
	p.flat = isFlat(p.lines)
	p.matches = p.matchPlans()
	return p
}

func isFlat(lines []*mapLine) bool {
	keys := map[string]bool{}
	for _, l := range lines {
		if !l.Out() || l.ExternalKey == "" {
			continue
		}
		if len(l.path.steps) != 1 || l.path.steps[0].kind != keyStep || keys[l.path.steps[0].key] {
			return false
		}
		keys[l.path.steps[0].key] = true
	}
	return true
}

// prepare reads the texts of a line.
func (l *mapLine) prepare(c *Compiled) {
	var ok bool
	if l.values, ok = parseValueMap(l.ValueMap); !ok {
		l.unfit("value_map", "value_map is neither a list of {external, internal} nor an object")
	}
	if l.ExternalKey != "" {
		if l.path, ok = ParsePath(l.ExternalKey); !ok {
			l.unfit("external_key", "external_key is not a path")
		}
	}
	if len(l.Default) > 0 {
		v, err := tree.ParseJSON(l.Default, tree.Limits{})
		if err != nil {
			l.unfit("default", "default is not JSON")
		}
		l.initial, l.defaults = v, true
		l.formula, _ = strings.CutPrefix(v.Str(), "=")
		if l.formula == v.Str() {
			l.formula = ""
		}
	}
	l.prepareFormat()
	if l.ValueType == RelationalMapping {
		l.prepareRelation(c)
	}
	switch {
	case l.Bad:
		l.unfit("", "its field or its mapping config is gone")
	case l.Field() == nil && l.System == "" && l.child == nil && !l.scripted() && l.why.Format == "":
		l.unfit("", "it has no field")
	case len(l.Path) > maxMappings:
		l.unfit("field", "its path is longer than %d fields", maxMappings)
	}
}

// prepareFormat reads the format: patterns of dates, or the digits of a number.
func (l *mapLine) prepareFormat() {
	f := l.Field()
	if l.Format == "" || f == nil && l.System == "" {
		return
	}
	if f == nil || f.Storage() == catalog.TimeStorage {
		l.patterns = strings.Split(l.Format, "|")
		if slices.ContainsFunc(l.patterns, func(p string) bool { return !validPattern(p) }) {
			l.unfit("format", "format has a directive that strftime does not have")
		}
		return
	}
	n, rest, ok := number(strings.TrimSuffix(strings.TrimPrefix(l.Format, "%."), "f"), 1, 2)
	if !ok || rest != "" || n > 15 || f.Storage() != catalog.FloatStorage && f.Storage() != catalog.WholeStorage {
		l.unfit("format", "format is a pattern of strftime for dates, or a number of digits for numbers")
		return
	}
	l.digits = n
}

// prepareRelation finds what a line with a mapping config is about.
func (l *mapLine) prepareRelation(c *Compiled) {
	switch f := l.Field(); {
	case l.Mapping == nil || l.Mapping.Catalog == nil:
		l.unfit("", "it has no mapping config")
	case f == nil && l.System == "":
		if l.child = l.childField(c); l.child == nil {
			l.unfit(childFieldOption, "child_field must name the field of %s that links this model", l.Mapping.Code)
		}
	case !f.HoldsLinks():
		l.unfit("", "its field links no records")
	case !slices.Contains(sourcesOf(f), l.Mapping.Catalog.Num):
		l.unfit("mapping_config", "the model of %s is not what the field links", l.Mapping.Code)
	}
}

// childFieldOption is the attribute that names the field by which children link.
const childFieldOption = "options.child_field"

// childField is the field of the mapping config's model that links this one: the one
// that is named, else the only one.
func (l *mapLine) childField(c *Compiled) *catalog.Field {
	links := func(f *catalog.Field) bool {
		return f.HoldsLinks() && slices.Contains(sourcesOf(f), c.Catalog.Num)
	}
	if name := l.Options.ChildField; name != "" {
		if f := fieldOf(l.Mapping.Catalog, name); f != nil && links(f) {
			return f
		}
		return nil
	}
	var only *catalog.Field
	for _, f := range l.Mapping.Catalog.Fields {
		switch {
		case !f.Scripted() || !links(f):
		case only != nil:
			return nil
		default:
			only = f
		}
	}
	return only
}

// sourcesOf are those whose records a field may link.
func sourcesOf(f *catalog.Field) (list []query.Catalog) {
	if f.HoldsEmployees() {
		return []query.Catalog{catalog.Employees}
	}
	for _, s := range f.Config.Sources {
		list = append(list, s.Catalog)
	}
	return list
}

// knownKeys are the keys of items that lines are about.
type knownKeys struct {
	whole bool // all that is below
	keys  map[string]*knownKeys
}

func newKnownKeys(lines []*mapLine) *knownKeys {
	root := &knownKeys{}
	for _, l := range lines {
		if l.ExternalKey == "" {
			continue
		}
		root.add(l.path.text).whole = true // a key may have dots
		at := root
		for _, s := range l.path.steps {
			if s.kind == keyStep {
				at = at.add(s.key)
			}
		}
		at.whole = true
	}
	return root
}

func (k *knownKeys) add(key string) *knownKeys {
	if k.keys == nil {
		k.keys = map[string]*knownKeys{}
	}
	if k.keys[key] == nil {
		k.keys[key] = &knownKeys{}
	}
	return k.keys[key]
}

// unknown calls each with the keys of a value that no line is about.
func (k *knownKeys) unknown(at string, v tree.Value, each func(key string)) {
	if k.whole {
		return
	}
	for _, item := range v.Items() {
		k.unknown(at, item, each)
	}
	for _, f := range v.Fields() {
		key := joined(at, f.Key)
		if below := k.keys[f.Key]; below != nil {
			below.unknown(key, f.Value, each)
		} else {
			each(key)
		}
	}
}

// joined is a key below another.
func joined(at, key string) string {
	if at == "" || key == "" {
		return at + key
	}
	return at + "." + key
}
