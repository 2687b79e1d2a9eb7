package apisync

import (
	"slices"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// SuggestAsk is what lines are wanted for.
type SuggestAsk struct {
	// Code is that of a config whose lines are there already, "" for none; else Model is
	// the model.
	Code, Model string
	// Sample is an object as others send it, or a list of them; null to propose by the
	// fields alone.
	Sample tree.Value
}

// Suggestion is what lines a config could have.
type Suggestion struct {
	Model string `json:"model"`
	// Lines are as the lines of a config are given, without what is by default.
	Lines []Doc `json:"lines"`
	// Reasons are why each line is there.
	Reasons []Reason `json:"reasons"`
	// Unmatched are keys of the sample for which there is no field.
	Unmatched []Reason `json:"unmatched"`
	// Unused are fields that no line is about, those of the config among them.
	Unused []string `json:"unused_fields"`
}

// Reason says how a key and a field were found to belong together, or why not.
type Reason struct {
	Key   string `json:"external_key"`
	Field string `json:"field,omitempty"`
	// Match is field (no sample), name, transliteration, synonym or children; empty for
	// a key without a field.
	Match   string        `json:"match,omitempty"`
	Message fault.Message `json:"-"`
}

// sampleMost bounds the objects of a sample that are looked at.
const sampleMost = 100

// Suggest proposes lines; nothing is saved.
func (s *State) Suggest(ask SuggestAsk) (*Suggestion, error) {
	g := &suggesting{state: s, keys: map[string]bool{}, fields: map[query.Field]bool{}}
	if ask.Code != "" {
		c := s.compiled[ask.Code]
		if c == nil {
			return nil, noResource()
		}
		g.catalog = c.Catalog
		g.identified = c.Identifier != nil
		for _, l := range c.Lines {
			g.keys[l.ExternalKey] = true
			if len(l.Path) == 1 && l.System == "" {
				g.fields[l.Field().Num] = true
			}
		}
		ask.Model = c.Model
	} else {
		g.catalog = modelOf(s.Structure, s.Settings, ask.Model)
	}
	if g.catalog == nil {
		return nil, fault.Invalid([]fault.Detail{fault.At("model", fault.NotFound, "there is no model %q", ask.Model)})
	}
	if ask.Sample.IsNull() {
		g.byFields()
	} else if err := g.bySample(ask.Sample); err != nil {
		return nil, err
	}
	return g.result(), nil
}

// suggestion is a line that is proposed.
type suggestion struct {
	key    string
	field  *catalog.Field
	line   Doc
	match  string
	values []tree.Value // of the sample
}

// suggesting collects lines for one model.
type suggesting struct {
	state      *State
	catalog    *catalog.Catalog
	keys       map[string]bool      // that have a line
	fields     map[query.Field]bool // that have one
	identified bool
	lines      []*suggestion
	unmatched  []Reason
}

func (g *suggesting) add(s *suggestion) {
	g.keys[s.key] = true
	if s.match != "children" {
		g.fields[s.field.Num] = true
	}
	g.lines = append(g.lines, s)
}

// free are the fields that no line is about yet.
func (g *suggesting) free() (list []*catalog.Field) {
	for _, f := range g.catalog.Fields {
		if f.Scripted() && !g.fields[f.Num] && len(g.lines)+len(g.keys) < linesMost {
			list = append(list, f)
		}
	}
	return list
}

// byFields proposes a line for each field, keyed as scripts name it.
func (g *suggesting) byFields() {
	names := g.catalog.ScriptNames()
	for _, f := range g.free() {
		key := catalog.Attribute(f.Name)
		if names[key] != f || g.keys[key] {
			key = "f" + f.Key
		}
		if g.keys[key] {
			continue
		}
		line, _ := g.fit(f, key, nil)
		g.add(&suggestion{key: key, field: f, line: line, match: "field"})
	}
}

// bySample proposes lines for the keys of a sample.
func (g *suggesting) bySample(sample tree.Value) error {
	objects := []tree.Value{sample}
	if sample.Kind == tree.List {
		objects = sample.Items()[:min(sample.Len(), sampleMost)]
	}
	keys := &sampleKeys{suggesting: g, values: map[string]*sampleKey{}}
	for _, o := range objects {
		if o.Kind != tree.Object {
			return fault.Invalid([]fault.Detail{fault.At("sample", fault.Type, "expected an object, or a list of objects")})
		}
		keys.read(o, nil)
	}
	if len(objects) == 0 {
		return fault.Invalid([]fault.Detail{fault.At("sample", fault.Type, "expected an object, or a list of objects")})
	}
	misfits := map[string]*wrong{}
	for _, match := range []string{"name", "transliteration", "synonym"} {
		for _, k := range keys.order {
			if !g.keys[k.path] {
				g.match(k, match, misfits)
			}
		}
	}
	for _, k := range keys.order {
		if g.keys[k.path] || g.children(k) {
			continue
		}
		reason := Reason{Key: k.path, Message: fault.Msg("no field has this name")}
		switch bad := misfits[k.path]; {
		case bad != nil:
			reason.Message = bad.message
		case k.path == "id":
			reason.Message = fault.Msg("the id of a record is shown anyway; a field is needed to keep the id that others have")
		}
		g.unmatched = append(g.unmatched, reason)
	}
	slices.SortStableFunc(g.lines, func(a, b *suggestion) int { return keys.place(a.key) - keys.place(b.key) })
	return nil
}

// match gives a key its field if there is one that it matches in that way.
func (g *suggesting) match(k *sampleKey, way string, misfits map[string]*wrong) {
	for _, f := range g.free() {
		if !k.names(way, f) {
			continue
		}
		line, bad := g.fit(f, k.path, k.values)
		if bad != nil {
			misfits[k.path] = bad
			continue
		}
		g.add(&suggestion{key: k.path, field: f, line: line, match: way, values: k.values})
		return
	}
}

// children proposes a line for a list of objects of a model that links this one.
func (g *suggesting) children(k *sampleKey) bool {
	if !k.objects() {
		return false
	}
	for _, code := range sortedKeys(g.state.compiled) {
		m := g.state.compiled[code]
		if m.RequestType != Mapping || m.Catalog == nil || !k.called(m.Code, m.Name, m.Catalog.Name) {
			continue
		}
		l := &mapLine{CompiledLine: &CompiledLine{Line: &Line{}, Mapping: m}}
		f := l.childField(&Compiled{Catalog: g.catalog})
		if f == nil {
			continue
		}
		g.add(&suggestion{key: k.path, field: f, match: "children", line: Doc{
			"external_key": k.path, "value_type": RelationalMapping, "mapping_config": m.Code, "options": Doc{"child_field": f.Key},
		}})
		return true
	}
	return false
}

// result chooses the record identifier and gives the lines in the order of the model's
// fields where there is no sample, of the sample's keys where there is one.
func (g *suggesting) result() *Suggestion {
	if !g.identified {
		if best := g.identifier(); best != nil {
			best.line["is_record_identifier"] = true
		}
	}
	out := &Suggestion{Model: g.catalog.Key, Lines: []Doc{}, Reasons: []Reason{}, Unmatched: g.unmatched, Unused: []string{}}
	if out.Unmatched == nil {
		out.Unmatched = []Reason{}
	}
	for _, s := range g.lines {
		out.Lines = append(out.Lines, s.line)
		out.Reasons = append(out.Reasons, Reason{Key: s.key, Field: s.field.Key, Match: s.match})
	}
	for _, f := range g.catalog.Fields {
		if f.Scripted() && !g.fields[f.Num] {
			out.Unused = append(out.Unused, f.Key)
		}
	}
	return out
}

// identifier is the line by which records are likely to be told apart, nil for none.
func (g *suggesting) identifier() (best *suggestion) {
	rank := len(identifierNames)
	for _, s := range g.lines {
		if s.match == "children" || !identifies(s.field) || !distinct(s.values) {
			continue
		}
		for _, name := range []string{s.key, s.field.Name} {
			i := slices.Index(identifierNames, squeezed(lastName(name)))
			if i < 0 {
				i = slices.Index(identifierNames, squeezed(name))
			}
			if i >= 0 && i < rank {
				rank, best = i, s
			}
		}
	}
	return best
}

// identifies tells whether records can be found by a field as by an identifier.
func identifies(f *catalog.Field) bool {
	switch f.Type.Name() {
	case "text":
		return f.Config.Kind != "editor" && f.Config.Kind != "multiline"
	case "contact", "number":
		return true
	}
	return false
}

// distinct tells whether no value is missing or comes twice.
func distinct(values []tree.Value) bool {
	seen := map[string]bool{}
	for _, v := range values {
		if v.Kind != tree.String && v.Kind != tree.Number || v.Text() == "" || seen[v.Text()] {
			return false
		}
		seen[v.Text()] = true
	}
	return true
}

// lastName is the last key of a path.
func lastName(path string) string {
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		return path[i+1:]
	}
	return path
}
