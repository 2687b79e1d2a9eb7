package bpium

import (
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// DecodeSection reads the body of a new or changed section. It fails with
// fault.InvalidJSON or fault.ValidationFailed with the places in the body.
func DecodeSection(v tree.Value) (catalog.SectionInput, error) {
	b, err := newBody(v)
	if err != nil {
		return catalog.SectionInput{}, err
	}
	in := catalog.SectionInput{
		Key: b.id("id"), Name: b.text("name"), Icon: b.textOrNull("icon"), Priority: b.whole("priority"),
	}
	list := b.list("catalogsPriorities")
	if list != nil {
		in.CatalogOrder = []string{}
	}
	for _, item := range list {
		id, ok := IDText(item.v)
		if !ok {
			item.refuse("", fault.Type, "expected an id")
		}
		in.CatalogOrder = append(in.CatalogOrder, CatalogKey(id))
	}
	return in, b.err()
}

// DecodeCatalog reads the body of a new or changed catalog; c is the catalog as
// it is, nil for a new one. It fails with fault.InvalidJSON or
// fault.ValidationFailed with the places in the body.
func DecodeCatalog(v tree.Value, st *catalog.Structure, c *catalog.Catalog) (catalog.CatalogInput, error) {
	b, err := newBody(v)
	if err != nil {
		return catalog.CatalogInput{}, err
	}
	in := catalog.CatalogInput{
		Key: b.id("id"), Name: b.text("name"), Icon: b.textOrNull("icon"), Section: b.id("sectionId"),
		Priority: b.whole("priority"), History: b.yes("history"), Instruction: b.textOrNull("instruction"),
	}
	if in.Section != nil {
		*in.Section = SectionKey(*in.Section)
	}
	list := b.list("fields")
	if list == nil {
		return in, b.err()
	}
	d := structureDecoder{structure: st, catalog: c}
	in.Fields = make([]catalog.FieldInput, 0, len(list))
	for _, item := range list {
		if item.object() && !item.is("isDuplicated") {
			in.Fields = append(in.Fields, d.field(item))
		}
	}
	return in, b.err()
}

type structureDecoder struct {
	structure *catalog.Structure
	catalog   *catalog.Catalog // nil for a new one
}

func (d structureDecoder) field(b body) catalog.FieldInput {
	in := catalog.FieldInput{
		Path: b.path, Name: b.text("name"), Hint: b.textOrNull("hint"), Comment: b.textOrNull("comment"),
		Required: b.yes("required"), APIOnly: b.yes("apiOnly"), Hidden: b.yes("hidden"),
		History: b.yes("history"), Filterable: b.yes("filterable"), Visible: b.raw("visible"),
	}
	old := d.existing(b, &in)
	typ := d.typeOf(b, old)
	if typ == nil {
		return in
	}
	in.Type = typ.Name()
	if v, ok := b.v.Get("config"); ok && !v.IsNull() {
		in.Config = d.config(b.in(v, "config"), typ, old)
	} else if old == nil {
		in.Config = &catalog.Config{}
	}
	return in
}

// existing finds the field that an element means, and sets its number and its
// new id if it has one. A known id is that field; an unknown one with a known
// prevId renames.
func (d structureDecoder) existing(b body, in *catalog.FieldInput) *catalog.Field {
	id, prev := b.id("id"), b.id("prevId")
	if d.catalog == nil {
		in.Key = id
		return nil
	}
	if id == nil {
		return nil
	}
	if f := FieldByID(d.catalog, *id); f != nil {
		in.Num = f.Num
		return f
	}
	in.Key = id
	if prev == nil {
		return nil
	}
	for _, f := range d.catalog.Fields {
		if strconv.Itoa(f.ID) == *prev || f.Key == *prev {
			in.Num = f.Num
			return f
		}
	}
	return nil
}

// typeOf is the type of the element's field; nil, reported, when it has none.
func (d structureDecoder) typeOf(b body, old *catalog.Field) catalog.Type {
	name := b.text("type")
	switch {
	case name == nil && old != nil:
		return old.Type
	case name == nil:
		b.refuse("type", fault.Required, "a field needs a type")
		return nil
	}
	typ := catalog.TypeByName(*name)
	if typ == nil {
		b.refuse("type", fault.Type, "there is no field type %s", text.Cut(*name, 100))
	}
	return typ
}
