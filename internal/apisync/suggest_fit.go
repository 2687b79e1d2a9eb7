package apisync

import (
	"slices"
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query/tree"
)

// sampleFormats are how dates are written that are not read without a format.
var sampleFormats = []string{"%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y%m%d"}

// fit makes the line of a field and a key; it tells what of the sample's values the field
// would not take.
func (g *suggesting) fit(f *catalog.Field, key string, values []tree.Value) (Doc, *wrong) {
	doc := Doc{"field": f.Key, "external_key": key}
	if f.Required {
		doc["required"] = true
	}
	switch {
	case f.HoldsLinks():
		return doc, g.fitLinks(doc, f, values)
	case f.Storage() == catalog.FilesStorage:
		return doc, fitFiles(values)
	}
	formats := []string{""}
	if f.Storage() == catalog.TimeStorage {
		formats = append(formats, sampleFormats...)
	}
	var first *wrong
	for _, format := range formats {
		bad := fitsPlain(f, format, values)
		if bad == nil {
			if format != "" {
				doc["format"] = format
			}
			return doc, nil
		}
		if first == nil {
			first = bad
		}
	}
	return nil, first
}

// fitsPlain maps values as a plain line does.
func fitsPlain(f *catalog.Field, format string, values []tree.Value) *wrong {
	line := newLine()
	line.Format = format
	l := &mapLine{CompiledLine: &CompiledLine{Line: &line, Path: []*catalog.Field{f}}, digits: -1}
	l.prepareFormat()
	for _, v := range values {
		if v = trimmed(v); isBlank(v) {
			continue
		}
		got, bad := l.plainIn(f, v, nil)
		if bad == nil {
			_, bad = accepted(f, got)
		}
		if bad != nil {
			return bad
		}
	}
	return nil
}

// fitFiles tells whether values are files.
func fitFiles(values []tree.Value) *wrong {
	for _, v := range values {
		for _, e := range oneOrMany(v) {
			if e.Kind != tree.Object {
				return wrongly(mistypedCode, "a file comes as an object with src or content, and title")
			}
		}
	}
	return nil
}

// fitLinks makes the line of a field of links: by a mapping config where there is one
// that fits, else by ids.
func (g *suggesting) fitLinks(doc Doc, f *catalog.Field, values []tree.Value) *wrong {
	if m := g.mappingOf(f, values); m != nil && !f.HoldsEmployees() {
		doc["value_type"], doc["mapping_config"] = RelationalMapping, m.Code
		return nil
	}
	for _, v := range values {
		for _, e := range oneOrMany(v) {
			_, err := strconv.ParseInt(e.Text(), 10, 64)
			switch {
			case f.HoldsEmployees() && (e.Kind == tree.String || e.Kind == tree.Number):
			case e.Kind == tree.Number && err == nil || e.Kind == tree.String && err == nil:
			default:
				return wrongly(mistypedCode, "values that are no ids need a mapping config of the linked model, with an identifier")
			}
		}
	}
	return nil
}

// mappingOf is a mapping config of what a field links, with an identifier that is in all
// objects of the sample; nil for none.
func (g *suggesting) mappingOf(f *catalog.Field, values []tree.Value) *Compiled {
	for _, code := range sortedKeys(g.state.compiled) {
		m := g.state.compiled[code]
		if m.RequestType != Mapping || m.Catalog == nil || m.Identifier == nil || !slices.Contains(sourcesOf(f), m.Catalog.Num) {
			continue
		}
		path, ok := ParsePath(m.Identifier.ExternalKey)
		if ok && !slices.ContainsFunc(values, func(v tree.Value) bool {
			return slices.ContainsFunc(oneOrMany(v), func(e tree.Value) bool {
				_, there := path.read(e)
				return e.Kind == tree.Object && !there || e.Kind == tree.List
			})
		}) {
			return m
		}
	}
	return nil
}
