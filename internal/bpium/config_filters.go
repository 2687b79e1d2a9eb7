package bpium

import (
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query/text"
)

// linkConditions reads {catalogId, viewId, filters: [{fieldId, valueFieldId}]} of
// a link field. The card's own field may be one that the same request makes, so
// it is kept by its id.
func (d structureDecoder) linkConditions(b body, c *catalog.Config, old *catalog.Field) {
	id := b.id("catalogId")
	if !b.object() || id == nil {
		b.refuse("", fault.Type, "expected a list of {catalogId, filters}")
		return
	}
	source := d.linked(*id, old)
	if source == nil {
		b.refuse("catalogId", fault.NotFound, "there is no catalog %s", text.Cut(*id, 100))
		return
	}
	condition := catalog.LinkCondition{Source: catalog.Source{Catalog: source.Num}}
	if view := b.id("viewId"); view != nil && *view != "0" {
		v := d.structure.ViewByKey(source.Num, *view)
		if v == nil {
			b.refuse("viewId", fault.NotFound, "there is no legal view %s", text.Cut(*view, 100))
			return
		}
		condition.View = v.Num
	}
	for _, e := range b.list("filters") {
		field, value := e.id("fieldId"), e.id("valueFieldId")
		if !e.object() || field == nil || value == nil {
			e.refuse("", fault.Required, "expected fieldId and valueFieldId")
			continue
		}
		f := FieldByID(source, *field)
		if f == nil {
			e.refuse("fieldId", fault.UnknownField, "catalog %s has no field %s", source.Key, text.Cut(*field, 100))
			continue
		}
		condition.Field, condition.Value = f.Num, *value
		if d.catalog != nil {
			if own := FieldByID(d.catalog, *value); own != nil {
				condition.Value = own.Key
			}
		}
		c.Conditions = append(c.Conditions, condition)
	}
}

// linkFilters writes the conditions of a link field as linkConditions reads them,
// but for those on fields that are gone or that the caller may not know.
func (w *writer) linkFilters(sc *catalog.Scope, list []catalog.LinkCondition) {
	w.key("filters")
	w.open('[')
	for i := 0; i < len(list); {
		from := i
		for i < len(list) && list[i].Source == list[from].Source {
			i++
		}
		w.linkFilter(sc, list[from:i])
	}
	w.end(']')
}

// linkFilter writes conditions about one source.
func (w *writer) linkFilter(sc *catalog.Scope, list []catalog.LinkCondition) {
	source := sc.Structure.Catalog(list[0].Catalog)
	v := sc.Structure.View(list[0].View)
	if source == nil || list[0].View != 0 && v == nil {
		return
	}
	w.open('{')
	w.str("catalogId", source.Key)
	if v == nil {
		w.json("viewId", "null")
	} else {
		w.str("viewId", v.Key)
	}
	w.key("filters")
	w.open('[')
	for _, condition := range list {
		f := source.Field(condition.Field)
		if f == nil || sc.Access.Field(f) == catalog.HideField {
			continue
		}
		w.open('{')
		w.str("fieldId", f.Key)
		w.str("valueFieldId", condition.Value)
		w.end('}')
	}
	w.end(']')
	w.end('}')
}
