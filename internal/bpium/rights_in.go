package bpium

import (
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// DecodeRightsQuery reads which objects' rules are asked for, from the section
// inwards, and whether automatic ones too. It fails with fault.InvalidParameter.
func DecodeRightsQuery(p Params) (objects []catalog.ObjectKey, auto bool, err error) {
	var ids [4]string
	for i, name := range []string{"sectionId", "catalogId", "viewId", "recordId"} {
		if ids[i], err = p.Text(name); err != nil {
			return nil, false, err
		}
	}
	section, c, view, record := SectionKey(ids[0]), CatalogKey(ids[1]), ids[2], ids[3]
	switch {
	case section == "" && c == "" && view == "" && record == "":
		return nil, false, badParam("catalogId", "a section, a catalog, a view or a record is required")
	case c == "" && (view != "" || record != ""):
		return nil, false, badParam("catalogId", "a view or a record needs its catalog")
	}
	if section != "" {
		objects = append(objects, catalog.ObjectKey{Section: section})
	}
	if c != "" {
		objects = append(objects, catalog.ObjectKey{Catalog: c})
	}
	if view != "" {
		objects = append(objects, catalog.ObjectKey{Catalog: c, View: view})
	}
	if record != "" {
		objects = append(objects, catalog.ObjectKey{Catalog: c, Record: RecordKey(record)})
	}
	auto, err = p.Bool("withSearch")
	return objects, auto, err
}

// maxObjects bounds the objects of one change of rights.
const maxObjects = 100

// DecodeRights reads the body of a change of rights: an object with its rules, or
// a list of those. It fails with fault.InvalidJSON or ValidationFailed; the
// objects that could be read are given all the same.
func DecodeRights(v tree.Value) ([]catalog.RightsInput, error) {
	details := new([]fault.Detail)
	parts := []body{{v, "", details}}
	if v.Kind == tree.List {
		parts = nil
		for i, e := range v.Items() {
			parts = append(parts, body{e, "[" + strconv.Itoa(i) + "]", details})
		}
	}
	if len(parts) > maxObjects {
		return nil, fault.New(fault.InvalidParameter, "at most %d objects at once", maxObjects)
	}
	list := make([]catalog.RightsInput, 0, len(parts))
	for _, b := range parts {
		if b.v.Kind != tree.Object {
			return nil, fault.New(fault.InvalidJSON, "the body must be an object, or a list of objects, with object and rules")
		}
		list = append(list, rightsInput(b))
	}
	return list, fault.Invalid(*details)
}

func rightsInput(b body) catalog.RightsInput {
	in := catalog.RightsInput{Object: rightsObject(b)}
	if _, ok := b.v.Get("rules"); !ok {
		b.refuse("rules", fault.Required, "a list of rules is required")
	}
	for _, rule := range b.list("rules") {
		if rule.object() {
			in.Rules = append(in.Rules, ruleInput(rule))
		}
	}
	return in
}

// rightsObject reads {sectionId}, {catalogId}, {catalogId, viewId} or
// {catalogId, recordId}.
func rightsObject(b body) (key catalog.ObjectKey) {
	v, _ := b.v.Get("object")
	o := b.in(v, "object")
	if v.Kind != tree.Object {
		b.refuse("object", fault.Required, "an object with sectionId or catalogId is required")
		return key
	}
	section, c, view, record := o.id("sectionId"), o.id("catalogId"), o.id("viewId"), o.id("recordId")
	switch {
	case c == nil && section != nil && view == nil && record == nil:
		key.Section = SectionKey(*section)
	case c == nil || section != nil || view != nil && record != nil:
		b.refuse("object", fault.Type, "expected {sectionId}, {catalogId}, {catalogId, viewId} or {catalogId, recordId}")
	default:
		key.Catalog = CatalogKey(*c)
		if view != nil {
			key.View = *view
		}
		if record != nil {
			key.Record = RecordKey(*record)
		}
	}
	return key
}

func ruleInput(b body) catalog.RuleInput {
	in := catalog.RuleInput{Path: b.path, Privilege: b.word("privilegeCode")}
	if in.Privilege == "" {
		b.refuse("privilegeCode", fault.Required, "a privilege is required")
	}
	v, _ := b.v.Get("rightSubject")
	subject := b.in(v, "rightSubject")
	attr := (*string)(nil)
	if v.Kind == tree.Object {
		attr = subject.id("userAttr")
	}
	if attr == nil {
		b.refuse("rightSubject", fault.Required, "expected {userAttr, catalogId, recordId}")
		return in
	}
	in.Attr = *attr
	if c := subject.id("catalogId"); c != nil {
		in.Catalog = CatalogKey(*c)
	}
	record := subject.id("recordId")
	switch {
	case record != nil:
		in.Record = RecordKey(*record)
	case in.Attr != catalog.EverybodyAttr:
		subject.refuse("recordId", fault.Required, "a record is required")
	}
	in.Fields = ruleFields(b)
	return in
}

// ruleFields reads {fieldId: right}; null is none.
func ruleFields(b body) map[string]string {
	v, ok := b.v.Get("fields")
	if !ok || v.IsNull() || v.Kind == tree.List && v.Len() == 0 {
		return nil
	}
	if v.Kind != tree.Object {
		b.refuse("fields", fault.Type, "expected an object of field ids and rights")
		return nil
	}
	fields := make(map[string]string, v.Len())
	for _, m := range v.Fields() {
		if m.Value.Kind != tree.String {
			b.refuse("fields["+text.Cut(m.Key, 100)+"]", fault.Type, "expected edit, view or hide")
			continue
		}
		fields[m.Key] = m.Value.Str()
	}
	return fields
}

// DecodeExplain reads the parameters of an explanation of rights. It fails with
// fault.InvalidParameter.
func DecodeExplain(p Params, self query.Record) (ask catalog.ExplainAsk, err error) {
	var ids [4]string
	for i, name := range []string{"userId", "catalogId", "recordId", "fieldId"} {
		if ids[i], err = p.Text(name); err != nil {
			return ask, err
		}
	}
	if ids[1] == "" {
		return ask, badParam("catalogId", "a catalog is required")
	}
	ask.User = query.Key{Record: self}
	if ids[0] != "" && ids[0] != currentUser {
		ask.User = RecordKey(ids[0])
	}
	ask.Catalog, ask.Field = CatalogKey(ids[1]), ids[3]
	if ids[2] != "" {
		key := RecordKey(ids[2])
		ask.Record = &key
	}
	return ask, nil
}
