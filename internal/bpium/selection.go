package bpium

import (
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// maxSelected bounds the fields of one selection, nested ones included.
const maxSelected = 10_000

// DecodeSelection reads the parameters fields and withFieldsAdditional. Fields
// that the catalog does not have or the actor may not see are left out: one
// list serves several users. It fails with fault.InvalidParameter.
func DecodeSelection(p Params, sc *catalog.Scope) (*catalog.Selection, error) {
	shown, err := p.Bool("withFieldsAdditional")
	if err != nil {
		return nil, err
	}
	list, err := p.List("fields")
	if err != nil {
		return nil, err
	}
	d := selectionDecoder{structure: sc.Structure, access: sc.Access, shown: shown}
	if list == nil {
		return &catalog.Selection{All: true, LinkedShown: shown}, nil
	}
	return d.selection(sc.Catalog, list, 1)
}

type selectionDecoder struct {
	structure *catalog.Structure
	access    *catalog.Access
	shown     bool
	count     int
}

func (d *selectionDecoder) selection(c *catalog.Catalog, list []tree.Value, depth int) (*catalog.Selection, error) {
	if depth > catalog.MaxNesting {
		return nil, badParam("fields", "nested deeper than %d levels", catalog.MaxNesting)
	}
	s := &catalog.Selection{Fields: []*catalog.Field{}, LinkedShown: d.shown}
	seen := make(map[query.Field]bool, len(list))
	for _, e := range list {
		if d.count++; d.count > maxSelected {
			return nil, badParam("fields", "more than %d fields", maxSelected)
		}
		id, nested, err := selected(e)
		if err != nil {
			return nil, err
		}
		f := FieldByID(c, id)
		if f == nil || f.Storage() == catalog.NoStorage || !d.access.Shown(f) {
			continue
		}
		if !seen[f.Num] {
			seen[f.Num] = true
			s.Fields = append(s.Fields, f)
		}
		if err := d.nest(s, f, nested, depth); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// selected reads one element: an id, or {fieldId, fields}, which may be a JSON
// text inside brackets.
func selected(e tree.Value) (id string, nested tree.Value, err error) {
	if strings.HasPrefix(strings.TrimSpace(e.Str()), "{") {
		if e, err = parseParam("fields", e.Str()); err != nil {
			return "", nested, err
		}
	}
	if e.Kind == tree.Object {
		if v, ok := e.Get("fieldId"); ok {
			nested, _ = e.Get("fields")
			e = v
		}
	}
	id, ok := IDText(e)
	if !ok {
		return "", nested, badParam("fields", "expected field ids or objects with fieldId")
	}
	return id, nested, nil
}

// nest adds the fields of linked records, {"31": [2, …]} by source catalog.
func (d *selectionDecoder) nest(s *catalog.Selection, f *catalog.Field, nested tree.Value, depth int) error {
	if nested.IsNull() {
		return nil
	}
	if f.Type.Name() != "object" {
		return badParam("fields", "field %s has no linked records", f.Key)
	}
	if nested.Kind != tree.Object {
		return badParam("fields", "the nested fields of %s must be an object by catalog", f.Key)
	}
	if s.Linked == nil {
		s.Linked = map[query.Field]map[query.Catalog]*catalog.Selection{}
	}
	if s.Linked[f.Num] == nil {
		s.Linked[f.Num] = map[query.Catalog]*catalog.Selection{}
	}
	for _, m := range nested.Fields() {
		list, ok := listOf(m.Value)
		if !ok {
			return badParam("fields", "the nested fields of catalog %s must be a list", text.Cut(m.Key, 100))
		}
		c := linkedCatalog(d.structure, f, m.Key)
		if c == nil || d.structure.Catalog(c.Num) == nil {
			continue
		}
		linked, err := d.selection(c, list, depth+1)
		if err != nil {
			return err
		}
		s.Linked[f.Num][c.Num] = linked
	}
	return nil
}
