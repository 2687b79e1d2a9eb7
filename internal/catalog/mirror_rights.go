package catalog

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"kartoteka/internal/query"
)

// The fields of the mirrors of views and rules, beside nameKey.
const (
	viewCatalogKey = "$catalog"
	viewCodeKey    = "$code" // public id, which is another view's in another catalog
	viewFiltersKey = "$filters"

	boardCatalogKey = "$catalog"
	boardViewKey    = "$view"
	widgetBoardKey  = "$board"

	ruleObjectKey      = "$object"
	ruleSubjectAttrKey = "$subjectAttr"
	ruleSubjectKey     = "$subject"
	rulePrivilegesKey  = "$privileges"
	ruleFieldsKey      = "$fieldsPrivileges"

	rightRuleKey      = "$right"
	rightFieldKey     = "$field"
	rightPrivilegeKey = "$privilege"
)

// privilegeItems are the options of rulePrivilegesKey: deny, then the others,
// lowest first, so that an option's number says its privilege.
var privilegeItems = Config{Multi: true, Items: options("$deny", "No access", "$available", "Access to what is permitted",
	"$search", "Shown in the menu", "$view", "View", "$edit", "Edit", "$create", "Create", "$export", "Export",
	"$delete", "Delete", "$access", "Manage rights", "$admin", "Administer")}

// fieldRightItems are the options of rightPrivilegeKey, by number of right + 1.
var fieldRightItems = Config{Items: options("$hide", "Hidden", "$view", "View", "$edit", "Edit")}

// privilegeOptions are the options of a privilege and all it includes.
func privilegeOptions(p Privilege) Items {
	if p == DenyPrivilege {
		return Items{1}
	}
	items := make(Items, 0, p)
	for n := AvailablePrivilege; n <= p; n++ {
		items = append(items, query.Item(n)+1)
	}
	return items
}

// rules lists the rules that are in force, by number.
func (r *rights) rules() []*Rule {
	list := slices.Concat(slices.Collect(maps.Values(r.objects))...)
	slices.SortFunc(list, func(a, b *Rule) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// mirroredViews are the legal views. Personal ones are their owners' own.
func (s *Structure) mirroredViews() []mirrored {
	views := slices.SortedFunc(maps.Values(s.rights.views), func(a, b *View) int { return cmp.Compare(a.Num, b.Num) })
	list := make([]mirrored, len(views))
	for i, v := range views {
		list[i] = mirrored{record: query.Record(v.Num), values: map[string]Value{
			nameKey:        Text(cmp.Or(v.OriginName, v.Name)),
			viewCatalogKey: linkTargets(query.MakeRef(catalogsMirror, query.Record(v.Catalog))),
			viewCodeKey:    Text(v.Key),
			viewFiltersKey: s.filtersText(v),
		}}
	}
	return list
}

// sortedBoards are the boards of catalogs and legal views, by number.
func (s *Structure) sortedBoards() []*Board {
	return slices.SortedFunc(maps.Values(s.boards), func(a, b *Board) int { return cmp.Compare(a.Num, b.Num) })
}

// mirroredBoards are those boards; one without a name is called as what it is of.
func (s *Structure) mirroredBoards() []mirrored {
	var list []mirrored
	for _, b := range s.sortedBoards() {
		name := s.Catalog(b.Catalog).Name
		values := map[string]Value{boardCatalogKey: linkTargets(query.MakeRef(catalogsMirror, query.Record(b.Catalog)))}
		if v := s.View(b.View); v != nil {
			name += ", " + cmp.Or(v.OriginName, v.Name)
			values[boardViewKey] = linkTargets(query.MakeRef(viewsMirror, query.Record(v.Num)))
		}
		values[nameKey] = Text(cmp.Or(b.Name, name))
		list = append(list, mirrored{record: query.Record(b.Num), values: values})
	}
	return list
}

// mirroredWidgets are the widgets on them.
func (s *Structure) mirroredWidgets() []mirrored {
	var list []mirrored
	for _, b := range s.sortedBoards() {
		for _, w := range b.Widgets {
			list = append(list, mirrored{record: query.Record(w.Num), values: map[string]Value{
				nameKey:        textOrNone(w.Name),
				widgetBoardKey: linkTargets(query.MakeRef(boardsMirror, query.Record(b.Num))),
			}})
		}
	}
	return list
}

// filtersText shows the filters of a view as callers send them, nil for none.
func (s *Structure) filtersText(v *View) Value {
	type filter struct {
		Field string          `json:"fieldId"`
		Value json.RawMessage `json:"value"`
	}
	list := make([]filter, len(v.Filters))
	for i, f := range v.Filters {
		list[i] = filter{Value: f.Value}
		if field := s.Field(f.Field); field != nil {
			list[i].Field = field.Key
		}
	}
	if len(list) == 0 {
		return nil
	}
	return Text(storedJSON(list))
}

// mirroredFields are the rights of rules on fields that are there.
func (s *Structure) mirroredFields(rules []*Rule) (list []mirrored) {
	for _, r := range rules {
		for _, n := range slices.Sorted(maps.Keys(r.Fields)) {
			f := s.Field(n)
			if f == nil {
				continue
			}
			right := r.Fields[n]
			list = append(list, mirrored{code: fieldCode(r, f), values: map[string]Value{
				nameKey:           Text(f.Name + ": " + right.Code()),
				rightRuleKey:      linkTargets(query.MakeRef(rightsMirror, query.Record(r.ID))),
				rightFieldKey:     Text(f.Key),
				rightPrivilegeKey: Items{query.Item(right) + 1},
			}})
		}
	}
	return list
}

// fieldCode is the public id of a right on a field.
func fieldCode(r *Rule, f *Field) string { return strconv.FormatInt(r.ID, 10) + "-" + f.Key }

// mirroredRules are the rules, with the numbers that fields have got.
func (s *Structure) mirroredRules(rules []*Rule, fields []mirrored) []mirrored {
	records := make(map[string]query.Record, len(fields))
	for _, f := range fields {
		records[f.code] = f.record
	}
	list := make([]mirrored, len(rules))
	for i, r := range rules {
		name, object := s.ruleObject(r.Object)
		attr, _ := s.SubjectAttr(r.Subject)
		values := map[string]Value{
			nameKey:            Text(name + ": " + r.Privilege.Code()),
			ruleObjectKey:      linkTargets(object),
			ruleSubjectAttrKey: Text(attr),
			rulePrivilegesKey:  privilegeOptions(r.Privilege),
		}
		if r.Ref != 0 {
			values[ruleSubjectKey] = linkTargets(r.Ref)
		}
		var refs []query.Ref
		for _, n := range slices.Sorted(maps.Keys(r.Fields)) {
			if f := s.Field(n); f != nil {
				refs = append(refs, query.MakeRef(rightFieldsMirror, records[fieldCode(r, f)]))
			}
		}
		if len(refs) > 0 {
			values[ruleFieldsKey] = linkTargets(refs...)
		}
		list[i] = mirrored{record: query.Record(r.ID), values: values}
	}
	return list
}

// ruleObject is what a rule's object is called, and the record that shows it: of
// a mirror, or that which the rule is about.
func (s *Structure) ruleObject(o Object) (name string, ref query.Ref) {
	if o.Section != 0 {
		return s.Section(o.Section).Name, query.MakeRef(sectionsMirror, query.Record(o.Section))
	}
	c := s.Catalog(o.Catalog)
	switch {
	case o.View != 0:
		v := s.View(o.View)
		return c.Name + ", " + cmp.Or(v.OriginName, v.Name), query.MakeRef(viewsMirror, query.Record(o.View))
	case o.Record != 0:
		return c.Name + " #" + strconv.FormatInt(int64(o.Record), 10), query.MakeRef(o.Catalog, o.Record)
	}
	return c.Name, query.MakeRef(catalogsMirror, query.Record(o.Catalog))
}

func linkTargets(refs ...query.Ref) Links {
	links := make(Links, len(refs))
	for i, ref := range refs {
		links[i].Link = query.Link{Catalog: ref.Catalog(), Key: query.Key{Record: ref.Record()}}
	}
	return links
}
