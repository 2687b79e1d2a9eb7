package apisync

import (
	"math"
	"strconv"
	"strings"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// plainIn reads a value that is neither a link nor a file; nil empties the field. before
// is what the record has now.
func (l *mapLine) plainIn(f *catalog.Field, v tree.Value, before catalog.Value) (catalog.Value, *wrong) {
	if v.IsNull() {
		return nil, nil
	}
	switch f.Type.Name() {
	case "text":
		return textIn(v)
	case "number", "progress":
		return numberIn(v)
	case "stars":
		return starsIn(v)
	case "switch":
		return switchIn(v)
	case "date":
		return l.timeIn(f, v)
	case "dropdown", "radiobutton", "checkboxes":
		return optionsIn(f, v)
	case "contact":
		return contactsIn(v, before)
	case "address":
		return addressIn(v)
	}
	return nil, wrongly(readOnlyCode, "the field cannot be written")
}

func textIn(v tree.Value) (catalog.Value, *wrong) {
	switch v.Kind {
	case tree.String, tree.Number:
		return catalog.Text(v.Text()), nil
	case tree.Bool:
		return catalog.Text(strconv.FormatBool(v.True())), nil
	}
	return nil, mistyped(fault.Msg("a text"), v)
}

// numberOf reads a number, also one that is written as text with a point.
func numberOf(v tree.Value) (float64, bool) {
	if v.Kind == tree.String {
		parsed, err := tree.ParseJSON([]byte(v.Str()), tree.Limits{Depth: 1, Values: 1})
		if err != nil {
			return 0, false
		}
		v = parsed
	}
	return v.Float()
}

func numberIn(v tree.Value) (catalog.Value, *wrong) {
	n, ok := numberOf(v)
	if !ok {
		return nil, mistyped(fault.Msg("a number"), v)
	}
	return catalog.Number(n), nil
}

func starsIn(v tree.Value) (catalog.Value, *wrong) {
	n, ok := numberOf(v)
	if !ok || n != math.Trunc(n) {
		return nil, mistyped(fault.Msg("a whole number"), v)
	}
	return catalog.Whole(max(-1, min(n, 1000))), nil // outside 0 to 5 all are alike
}

func switchIn(v tree.Value) (catalog.Value, *wrong) {
	switch v.Kind {
	case tree.Bool:
		return catalog.Bool(v.True()), nil
	case tree.Number, tree.String:
		switch strings.ToLower(v.Text()) {
		case "1", "true", "yes":
			return catalog.Bool(true), nil
		case "0", "false", "no":
			return catalog.Bool(false), nil
		}
	}
	return nil, mistyped(fault.Msg("true or false"), v)
}

func (l *mapLine) timeIn(f *catalog.Field, v tree.Value) (catalog.Value, *wrong) {
	s := v.Str()
	if v.Kind == tree.Number && (len(l.patterns) > 0 || f.Config.Mode == catalog.ModeYear) {
		s = v.Text() // 2026, or %Y%m%d
	}
	if s == "" {
		return nil, mistyped(fault.Msg("a date"), v)
	}
	t, ok := dateIn(s, l.patterns)
	switch {
	case !ok && len(l.patterns) > 0:
		return nil, wrongly(formatCode, "the date is not written as %s", l.Format)
	case !ok:
		return nil, mistyped(fault.Msg("a date"), v)
	case !f.Config.HasTime():
		y, m, d := t.Date()
		t = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return catalog.Time(t.UnixMilli()), nil
}

// optionsIn reads one option or several: names, ids or objects; a text of several is
// separated by commas.
func optionsIn(f *catalog.Field, v tree.Value) (catalog.Value, *wrong) {
	several := f.Storage() == catalog.ItemsStorage
	list := oneOrMany(v)
	if v.Kind == tree.String && several && optionOf(f, v.Str()) == nil {
		list = nil
		for _, name := range strings.Split(v.Str(), ",") {
			if name = strings.TrimSpace(name); name != "" {
				list = append(list, tree.NewString(name))
			}
		}
	}
	var items catalog.Items
	for _, e := range list {
		if e.Kind == tree.Object {
			id, ok := e.Get("id")
			if !ok {
				id, ok = e.Get("name")
			}
			if !ok {
				return nil, mistyped(fault.Msg("a name or an id of an option"), e)
			}
			e = id
		}
		if e.Kind != tree.String && e.Kind != tree.Number {
			return nil, mistyped(fault.Msg("a name or an id of an option"), e)
		}
		item := optionOf(f, e.Text())
		if item == nil {
			return nil, wrongly(notInListCode, "there is no option %s", text.Cut(e.Text(), 100))
		}
		items = append(items, item.Num)
	}
	if len(items) == 0 {
		return nil, nil
	}
	return items, nil
}

// optionOf finds an option by name, or else by id.
func optionOf(f *catalog.Field, s string) *catalog.Item {
	for i := range f.Config.Items {
		if f.Config.Items[i].Name == s {
			return &f.Config.Items[i]
		}
	}
	if item := f.Config.ItemByKey(s); item != nil {
		return item
	}
	for i := range f.Config.Items {
		if text.Fold(f.Config.Items[i].Name) == text.Fold(s) {
			return &f.Config.Items[i]
		}
	}
	return nil
}

// contactsIn reads contacts: a text takes the place of the first one, a list of all.
func contactsIn(v tree.Value, before catalog.Value) (catalog.Value, *wrong) {
	had, _ := before.(catalog.Contacts)
	if v.Kind != tree.List {
		first, bad := contactIn(v)
		if bad != nil {
			return nil, bad
		}
		if len(had) == 0 {
			return catalog.Contacts{first}, nil
		}
		kept := append(catalog.Contacts{first}, had[1:]...)
		if kept[0].ID = had[0].ID; first.Contact == had[0].Contact && v.Kind != tree.Object {
			kept[0] = had[0]
		}
		return kept, nil
	}
	var list catalog.Contacts
	for _, e := range v.Items() {
		if isBlank(e) {
			continue
		}
		c, bad := contactIn(e)
		if bad != nil {
			return nil, bad
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, nil
	}
	return list, nil
}

func contactIn(v tree.Value) (catalog.Contact, *wrong) {
	switch v.Kind {
	case tree.String, tree.Number:
		return catalog.Contact{Contact: v.Text()}, nil
	case tree.Object:
		contact, has := v.Get("contact")
		comment, _ := v.Get("comment")
		id, _ := v.Get("id")
		if has && isText(contact) && isText(comment) && isText(id) {
			return catalog.Contact{ID: id.Text(), Contact: contact.Text(), Comment: comment.Text()}, nil
		}
	}
	return catalog.Contact{}, mistyped(fault.Msg("a text or {contact, comment}"), v)
}

// isText tells whether a member is a text, a number or null.
func isText(v tree.Value) bool {
	return v.Kind == tree.String || v.Kind == tree.Number || v.Kind == tree.Null
}

func addressIn(v tree.Value) (catalog.Value, *wrong) {
	if v.Kind == tree.String || v.Kind == tree.Number {
		return catalog.Address{Value: v.Text()}, nil
	}
	value, given := v.Get("value")
	provider, _ := v.Get("provider")
	data, has := v.Get("data")
	if v.Kind != tree.Object || !given || !isText(value) || provider.Kind != tree.Null && provider.Kind != tree.String {
		return nil, mistyped(fault.Msg("a text or {value, provider, data}"), v)
	}
	a := catalog.Address{Value: value.Text()}
	if provider.Kind == tree.String {
		s := provider.Str()
		a.Provider = &s
	}
	if has && !data.IsNull() {
		a.Data = data.AppendJSON(nil)
	}
	return a, nil
}

// accepted is the value as the field keeps it, and what the field does not take of it.
func accepted(f *catalog.Field, v catalog.Value) (catalog.Value, *wrong) {
	got, detail := catalog.AcceptValue(f, v, 0)
	if detail != nil {
		return nil, &wrong{fieldCode(detail.Code), detail.Message}
	}
	return got, nil
}

// fieldCode is the code of a field's failure here (sync-api.md §1.2).
func fieldCode(c fault.Code) string {
	switch c {
	case fault.Required:
		return requiredCode
	case fault.Min, fault.Max:
		return rangeCode
	case fault.TooLong:
		return tooLongCode
	case fault.Mask:
		return formatCode
	case fault.UnknownItem:
		return notInListCode
	case fault.TooMany:
		return tooManyCode
	case fault.NotFound, fault.Forbidden:
		return notFoundCode
	}
	return mistypedCode
}
