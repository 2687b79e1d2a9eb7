package apisync

import (
	"maps"
	"slices"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// object is a JSON object of a document that is made here.
type object = map[string]any

// schemas makes JSON Schemas (2020-12) of lines. What several places share is kept by
// name, and referred to.
type schemas struct {
	named object
	sees  func(*catalog.Field) bool // of the endpoint that is described
	// first is the employee whose mappings have no suffix; suffix tells those of another.
	first  query.Record
	suffix string
}

// readAs begins with an endpoint: its employee may read other fields than that of the
// one before.
func (s *schemas) readAs(e Described) {
	s.sees, s.suffix = e.sees, ""
	switch {
	case s.first == 0:
		s.first = e.Config.RunAs
	case s.first != e.Config.RunAs:
		s.suffix = "." + e.Config.Endpoint.Endpoint
	}
}

// shared refers to a schema that is made when it is wanted first: schemas may have
// themselves within.
func (s *schemas) shared(name string, make func() object) object {
	if s.named[name] == nil {
		s.named[name] = object{}
		s.named[name] = make()
	}
	return object{"$ref": "#/components/schemas/" + name}
}

// incoming is the schema of an item that lines read. Required keys are required of new
// records only.
func (s *schemas) incoming(p *plan, created bool) object {
	root := object{"type": "object"}
	for _, l := range p.lines {
		if l.In() && l.ExternalKey != "" && l.why.Format == "" {
			lay(root, l.path.steps, s.valueIn(l), created && l.Required && !l.defaults)
		}
	}
	return root
}

// outgoing is the schema of a record as lines show it.
func (s *schemas) outgoing(p *plan, withID bool) object {
	root := object{"type": "object"}
	if withID && p.IncludeID && p.Line("id") == nil {
		root["properties"] = object{"id": idSchema()}
	}
	for _, l := range p.lines {
		if l.Out() && l.ExternalKey != "" && l.why.Format == "" {
			lay(root, l.path.steps, s.valueOut(l), false)
		}
	}
	return root
}

// lay puts the schema of a value at the place of a path.
func lay(at object, steps []pathStep, value object, required bool) {
	if len(steps) == 0 {
		maps.Copy(at, value)
		return
	}
	if steps[0].kind == keyStep {
		at["type"] = "object"
		members, _ := at["properties"].(object)
		if members == nil {
			members = object{}
			at["properties"] = members
		}
		key := steps[0].key
		if members[key] == nil {
			members[key] = object{}
		}
		if list, _ := at["required"].([]string); required && !slices.Contains(list, key) {
			at["required"] = append(list, key)
		}
		lay(members[key].(object), steps[1:], value, required)
		return
	}
	at["type"] = "array"
	items, _ := at["items"].(object)
	if items == nil {
		items = object{}
		at["items"] = items
	}
	if of, ok := value["items"].(object); ok && steps[0].kind == eachStep {
		value = of
	}
	lay(items, steps[1:], value, false)
}

// valueIn is the schema of what a line reads.
func (s *schemas) valueIn(l *mapLine) object {
	v := s.typeIn(l)
	if l.values != nil && !l.scripted() {
		v = severalIf(v["type"] == "array", l.values.schema())
	}
	if l.NullPolicy != "error" && !l.Required {
		v = nullable(v)
	}
	if l.defaults && l.formula == "" {
		v["default"] = plainJSON(l.initial)
	}
	return v
}

func (s *schemas) typeIn(l *mapLine) object {
	f := l.Field()
	switch {
	case l.scripted():
		return object{}
	case l.child != nil:
		return listOfSchema(s.mappedIn(l.Mapping))
	case l.related():
		one := s.mappedIn(l.Mapping)
		if id := l.Mapping.mapping().identifier; id != nil && id.why.Format == "" {
			one = object{"anyOf": []any{s.valueIn(id), one}}
		}
		return severalIf(f.Config.Multi, one)
	case f == nil || l.System != "":
		return systemSchema(l)
	case f.HoldsEmployees():
		person := idSchema()
		person["description"] = "The e-mail, the id or the exact name of an employee."
		return severalIf(f.Config.Multi, person)
	case f.HoldsLinks():
		return severalIf(f.Config.Multi, linkSchema(f, "catalogId", "recordId"))
	case f.Storage() == catalog.FilesStorage:
		return severalIf(f.Config.Multi, fileIn())
	case f.Storage().HasItems():
		return severalIf(f.Storage() == catalog.ItemsStorage, s.optionName(f))
	}
	return l.scalar(f)
}

// mappedIn is the schema of an object that another config maps.
func (s *schemas) mappedIn(c *Compiled) object {
	return s.shared("mapping."+c.Code+".in"+s.suffix, func() object { return s.incoming(c.mapping(), true) })
}

// valueOut is the schema of what a line shows.
func (s *schemas) valueOut(l *mapLine) object {
	if l.values != nil && !l.scripted() {
		return object{} // what the map does not have stays as it is
	}
	if l.System == "id" && len(l.Path) == 0 {
		return idSchema()
	}
	return nullable(s.typeOut(l))
}

func (s *schemas) typeOut(l *mapLine) object {
	f := l.Field()
	switch {
	case l.scripted():
		return object{}
	case l.child != nil:
		return listOfSchema(s.mappedOut(l.Mapping))
	case slices.ContainsFunc(l.Path[:max(0, len(l.Path)-1)], func(f *catalog.Field) bool { return f.Config.Multi }):
		return object{"type": "array"}
	case f == nil || l.System != "":
		return systemSchema(l)
	case f.HoldsLinks():
		return severalIf(f.Config.Multi, s.linkOut(l, f))
	case f.Storage() == catalog.FilesStorage:
		return severalIf(f.Config.Multi, l.fileOut())
	case f.Storage().HasItems():
		return severalIf(f.Storage() == catalog.ItemsStorage, s.optionSchema(l, f))
	}
	return l.scalar(f)
}

// linkOut is the schema of one linked record as a line shows it.
func (s *schemas) linkOut(l *mapLine, f *catalog.Field) object {
	switch l.output() {
	case nameOutput:
		return object{"type": "string"}
	case objectOutput:
		return s.mappedOut(l.Mapping)
	case identifierOutput:
		return s.valueOut(l.Mapping.mapping().identifier)
	}
	if f.HoldsEmployees() {
		return idSchema()
	}
	return linkSchema(f, "catalog", "id")
}

func (s *schemas) mappedOut(c *Compiled) object {
	return s.shared("mapping."+c.Code+".out"+s.suffix, func() object { return s.outgoing(c.mapping(), false) })
}

// optionSchema is an option as the line shows it.
func (s *schemas) optionSchema(l *mapLine, f *catalog.Field) object {
	name := s.optionName(f)
	switch l.Options.OptionFormat {
	case optionID:
		return object{"type": "string"}
	case optionObject:
		return object{"type": "object", "properties": object{"id": object{"type": "string"}, "name": name}}
	}
	return name
}

// optionName is the name of an option. Those of a field that is not read are not told.
func (s *schemas) optionName(f *catalog.Field) object {
	if !s.sees(f) {
		return object{"type": "string"}
	}
	names := []any{}
	for _, item := range f.Config.Items {
		if !slices.Contains(names, any(item.Name)) {
			names = append(names, item.Name)
		}
	}
	return object{"type": "string", "enum": names}
}

// linkSchema is an id, or in fields that link several catalogs an object that names the
// catalog as well.
func linkSchema(f *catalog.Field, of, id string) object {
	if len(f.Config.Sources) <= 1 {
		return idSchema()
	}
	return object{"type": "object", "properties": object{of: object{"type": "string"}, id: idSchema()}, "required": []string{of, id}}
}

func idSchema() object { return object{"type": []string{"integer", "string"}} }

func fileIn() object {
	text := object{"type": "string"}
	return object{"type": "object", "properties": object{
		"name": text, "content": object{"type": "string", "contentEncoding": "base64"}, "url": object{"type": "string", "format": "uri"},
		"src": object{"type": "string", "format": "uri"}, "title": text, "id": object{"type": "integer"},
	}}
}

func (l *mapLine) fileOut() object {
	if l.Options.FileFormat == fileURL {
		return object{"type": "string"}
	}
	members := object{
		"id": object{"type": "integer"}, "name": object{"type": "string"}, "size": object{"type": "integer"},
		"mime_type": object{"type": []string{"string", "null"}}, "url": object{"type": "string"},
	}
	if l.Options.FileFormat == fileBase64 {
		members["content"] = object{"type": []string{"string", "null"}, "contentEncoding": "base64"}
	}
	return object{"type": "object", "properties": members}
}

// systemSchema is a field that every record has.
func systemSchema(l *mapLine) object {
	switch l.System {
	case "id", "create_uid", "write_uid":
		return idSchema()
	case "display_name":
		return object{"type": "string"}
	case "active":
		return object{"type": "boolean"}
	case ExternalID:
		return object{"type": "string", "maxLength": maxExternalID}
	case "create_date", "write_date":
		if len(l.patterns) > 0 {
			return patterned(l)
		}
		return object{"type": "string", "format": "date-time"}
	}
	return object{}
}

func patterned(l *mapLine) object {
	return object{"type": "string", "description": "A date as strftime writes it: " + strings.Join(l.patterns, " or ")}
}

// scalar is the schema of a value that is one number, text, date or switch.
func (l *mapLine) scalar(f *catalog.Field) object {
	switch f.Type.Name() {
	case "number":
		v := object{"type": "number"}
		if f.Config.Min != nil {
			v["minimum"] = *f.Config.Min
		}
		if f.Config.Max != nil {
			v["maximum"] = *f.Config.Max
		}
		return v
	case "progress":
		return object{"type": "number", "minimum": 0, "maximum": 100}
	case "stars":
		return object{"type": "integer", "minimum": 0, "maximum": 5}
	case "switch":
		return object{"type": "boolean"}
	case "date":
		return l.dateSchema(f)
	}
	return object{"type": "string"}
}

func (l *mapLine) dateSchema(f *catalog.Field) object {
	if len(l.patterns) > 0 {
		return patterned(l)
	}
	switch f.Config.Mode {
	case catalog.ModeDateTime:
		return object{"type": "string", "format": "date-time"}
	case catalog.ModeWeek:
		return object{"type": "string", "pattern": `^\d{4}-W\d{2}$`}
	case catalog.ModeMonth:
		return object{"type": "string", "pattern": `^\d{4}-\d{2}$`}
	case catalog.ModeQuarter:
		return object{"type": "string", "pattern": `^\d{4}-Q[1-4]$`}
	case catalog.ModeYear:
		return object{"type": "string", "pattern": `^\d{4}$`}
	}
	return object{"type": "string", "format": "date"}
}

// schema lists the external values of a map.
func (m *valueMap) schema() object {
	values := []any{}
	for _, p := range m.pairs {
		if v := m.typed(p.external); !v.IsNull() {
			values = append(values, plainJSON(v))
		}
	}
	if len(values) == 0 {
		return object{}
	}
	return object{"enum": values}
}

// plainJSON is a value as it is encoded.
func plainJSON(v tree.Value) rawJSON { return rawJSON(v.AppendJSON(nil)) }

// rawJSON is JSON that stays as it is.
type rawJSON string

// MarshalJSON gives the JSON.
func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

// nullable lets null pass as well.
func nullable(v object) object {
	if len(v) == 0 {
		return v
	}
	if list, ok := v["enum"].([]any); ok && !slices.Contains(list, any(nil)) {
		v["enum"] = append(slices.Clip(list), nil)
	}
	switch t := v["type"].(type) {
	case string:
		v["type"] = []string{t, "null"}
	case []string:
		if !slices.Contains(t, "null") {
			v["type"] = append(slices.Clip(t), "null")
		}
	default:
		if v["enum"] == nil {
			return object{"anyOf": []any{v, object{"type": "null"}}}
		}
	}
	return v
}

func listOfSchema(item object) object { return object{"type": "array", "items": item} }

func severalIf(several bool, item object) object {
	if several {
		return listOfSchema(item)
	}
	return item
}
