package apisync

import (
	"fmt"
	"slices"
	"sync"

	"kartoteka/internal/catalog"
)

// maxMappings bounds how deep mapping configs nest.
const maxMappings = 5

// Compiled is a config whose names are resolved. It is not changed after it was made.
type Compiled struct {
	*Config
	State   *State
	Catalog *catalog.Catalog // nil when there is no such model
	// Lines are the active ones, those of LinesFrom among them, in their order.
	Lines []*CompiledLine
	// Identifier is the line of the record identifier, nil for none.
	Identifier *CompiledLine
	// Problems are what keeps it from working: a model or fields that are gone.
	Problems []Problem

	planned sync.Once
	plan    *plan // of the lines; use mapping()
}

// CompiledLine is a line with the field that it names.
type CompiledLine struct {
	*Line
	// Path are the fields from link to link; the last one is the one that is read or
	// written. Empty when System is set, or for scripts without a field.
	Path []*catalog.Field
	// System is a field of every record: id, display_name, create_date, write_date,
	// create_uid, write_uid, active, $external_id; "" for none.
	System string
	// Mapping is the config of a relation, nil for none.
	Mapping *Compiled
	// Bad tells that its field is gone: requests that need it fail.
	Bad bool
}

// Field is the field that a line reads or writes, nil for none.
func (l *CompiledLine) Field() *catalog.Field {
	if len(l.Path) == 0 {
		return nil
	}
	return l.Path[len(l.Path)-1]
}

// In tells whether a line reads what others send, Out whether it shows.
func (l *CompiledLine) In() bool  { return l.Direction != "out" }
func (l *CompiledLine) Out() bool { return l.Direction != "in" }

// Problem is why a config does not work.
type Problem struct {
	Line int64 // 0 for the whole config
	Text string
}

// Line finds an active line by external key, nil if there is none.
func (c *Compiled) Line(key string) *CompiledLine {
	i := slices.IndexFunc(c.Lines, func(l *CompiledLine) bool { return l.ExternalKey == key })
	if i < 0 {
		return nil
	}
	return c.Lines[i]
}

// compileAll resolves the names of all configs, then the mappings between them.
func (s *State) compileAll() {
	for code, c := range s.Configs {
		s.compiled[code] = &Compiled{Config: c, State: s, Catalog: modelOf(s.Structure, s.Settings, c.Model)}
	}
	for _, c := range s.compiled {
		c.resolve()
	}
	for _, c := range s.compiled {
		if c.RequestType == Inbound && c.Active {
			s.endpoints[c.Endpoint.Endpoint] = c
		}
	}
}

func (c *Compiled) problem(line int64, format string, args ...any) {
	c.Problems = append(c.Problems, Problem{line, fmt.Sprintf(format, args...)})
}

// resolve finds the fields of the lines.
func (c *Compiled) resolve() {
	if c.Catalog == nil {
		c.problem(0, "there is no model %q", c.Model)
		return
	}
	for _, l := range c.allLines() {
		if !l.Active {
			continue
		}
		line := &CompiledLine{Line: l}
		if l.Field == ExternalID {
			line.System = ExternalID
		} else if l.Field != "" {
			var ok bool
			if line.Path, line.System, ok = fieldPath(c.State.Structure, c.Catalog, l.Field); !ok {
				line.Bad = true
				c.problem(l.ID, "there is no field %q", l.Field)
			}
		}
		if l.MappingConfig != "" {
			if line.Mapping = c.State.compiled[l.MappingConfig]; line.Mapping == nil {
				line.Bad = true
				c.problem(l.ID, "there is no config %q", l.MappingConfig)
			}
		}
		if l.IsRecordIdentifier {
			c.Identifier = line
		}
		c.Lines = append(c.Lines, line)
	}
	slices.SortStableFunc(c.Lines, func(a, b *CompiledLine) int { return a.Sequence - b.Sequence })
}

// allLines are the config's own lines and those of LinesFrom that it has not replaced.
func (c *Compiled) allLines() (lines []*Line) {
	if from := c.State.Configs[c.LinesFrom]; c.LinesFrom != "" && from != nil {
		for i := range from.Lines {
			l := &from.Lines[i]
			own := func(o Line) bool { return o.ExternalKey == l.ExternalKey && o.Direction == l.Direction }
			if !slices.ContainsFunc(c.Config.Lines, own) {
				lines = append(lines, l)
			}
		}
	}
	for i := range c.Config.Lines {
		lines = append(lines, &c.Config.Lines[i])
	}
	return lines
}
