package bpium

import (
	"math"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// DecodeValues reads the values of a record as a caller writes them. A value
// that its field cannot take becomes a catalog.Bad, so that all fields are
// reported at once when the record is saved.
//
// It fails with fault.UnknownField, or fault.InvalidParameter when v is not an
// object; null is no values.
func DecodeValues(v tree.Value, sc *catalog.Scope, at catalog.Moment) ([]catalog.FieldValue, error) {
	d := valueDecoder{structure: sc.Structure, at: at}
	return d.values(sc.Catalog, v, nil)
}

type valueDecoder struct {
	structure *catalog.Structure
	at        catalog.Moment
	depth     int
}

// values reads {fieldId: value}. With only, all other fields are ignored, also
// unknown ones.
func (d *valueDecoder) values(c *catalog.Catalog, v tree.Value, only func(query.Field) bool) ([]catalog.FieldValue, error) {
	if v.IsNull() {
		return nil, nil
	}
	if v.Kind != tree.Object {
		return nil, fault.New(fault.InvalidParameter, "values must be an object of field ids and values")
	}
	values := make([]catalog.FieldValue, 0, v.Len())
	places := make(map[query.Field]int, v.Len())
	for _, m := range v.Fields() {
		f := FieldByID(c, m.Key)
		switch {
		case f == nil && only != nil:
			continue
		case f == nil:
			return nil, unknownField(c, m.Key)
		case f.Storage() == catalog.NoStorage || only != nil && !only(f.Num):
			continue
		}
		at, twice := places[f.Num]
		if twice && m.Key != f.Key {
			continue // the text id wins over the number
		}
		value := catalog.FieldValue{Field: f.Num, Value: d.value(f, m.Value)}
		if twice {
			values[at] = value
			continue
		}
		places[f.Num] = len(values)
		values = append(values, value)
	}
	return values, nil
}

// value reads one value by the field's type; nil empties the field.
func (d *valueDecoder) value(f *catalog.Field, v tree.Value) catalog.Value {
	switch f.Type.Name() {
	case "text":
		return textValue(f, v)
	case "number", "progress":
		return numberValue(f, v)
	case "stars":
		return starsValue(f, v)
	case "date":
		return d.dateValue(f, v)
	case "dropdown", "checkboxes":
		return itemsValue(f, v)
	case "radiobutton":
		return radioValue(f, v)
	case "switch":
		return switchValue(f, v)
	case "contact":
		return contactsValue(f, v)
	case "address":
		return addressValue(f, v)
	case "user":
		return d.usersValue(f, v)
	case "object":
		return d.linksValue(f, v)
	case "file":
		return filesValue(f, v)
	}
	return mistyped(f, fault.Msg("this type of field takes no value"))
}

// bad is a value that the field cannot take.
func bad(f *catalog.Field, code fault.Code, why fault.Message) catalog.Value {
	return catalog.Bad{Detail: fault.Field(f.Key, code, "%s: %s", f.Name, why)}
}

func mistyped(f *catalog.Field, why fault.Message) catalog.Value { return bad(f, fault.Type, why) }

// blank tells whether a scalar means "no value": null or an empty text.
func blank(v tree.Value) bool { return v.IsNull() || v.Kind == tree.String && v.Str() == "" }

func textValue(f *catalog.Field, v tree.Value) catalog.Value {
	if blank(v) {
		return nil
	}
	s, ok := scalarText(v)
	if !ok {
		return mistyped(f, fault.Msg("expected a text"))
	}
	return catalog.Text(s)
}

func numberValue(f *catalog.Field, v tree.Value) catalog.Value {
	if blank(v) {
		return nil
	}
	n, ok := numberOf(v)
	if !ok {
		return mistyped(f, fault.Msg("expected a number"))
	}
	return catalog.Number(n)
}

func starsValue(f *catalog.Field, v tree.Value) catalog.Value {
	if blank(v) {
		return nil
	}
	n, ok := numberOf(v)
	if !ok || n != math.Trunc(n) {
		return mistyped(f, fault.Msg("expected a whole number"))
	}
	return catalog.Whole(max(-1, min(n, 1000))) // outside 0 to 5 all are alike
}

func (d *valueDecoder) dateValue(f *catalog.Field, v tree.Value) catalog.Value {
	if blank(v) {
		return nil
	}
	var st stamp
	ok := false
	switch v.Kind {
	case tree.String:
		st, ok = parseStamp(v.Str())
	case tree.Number:
		var n float64
		n, ok = v.Float()
		ok = ok && math.Abs(n) < 1e15
		st = epochStamp(int64(math.Floor(n)))
	}
	if !ok {
		return bad(f, fault.Date, fault.Msg("expected a date"))
	}
	ms, ok := st.stored(f, d.at.Offset)
	if !ok {
		return bad(f, fault.Date, fault.Msg("the year must be between 1 and 9999"))
	}
	return catalog.Time(ms)
}

// oneOrMany gives the elements of a list value: a list, or one element alone;
// none for null and an empty text.
func oneOrMany(v tree.Value) []tree.Value {
	switch {
	case v.Kind == tree.List:
		return v.Items()
	case blank(v):
		return nil
	}
	return []tree.Value{v}
}

func itemsValue(f *catalog.Field, v tree.Value) catalog.Value {
	var items catalog.Items
	for _, e := range oneOrMany(v) {
		item, why := itemOf(f, e)
		if why != nil {
			return why
		}
		items = append(items, item)
	}
	if len(items) == 0 {
		return nil
	}
	return items
}

// itemOf reads one option: its id, or an object with the id.
func itemOf(f *catalog.Field, e tree.Value) (query.Item, catalog.Value) {
	if id, ok := e.Get("id"); ok {
		e = id
	}
	id, ok := IDText(e)
	if !ok {
		return 0, mistyped(f, fault.Msg("expected option ids"))
	}
	item := f.Config.ItemByKey(id)
	if item == nil {
		return 0, bad(f, fault.UnknownItem, fault.Msg("there is no option %s", text.Cut(id, 100)))
	}
	return item.Num, nil
}

func radioValue(f *catalog.Field, v tree.Value) catalog.Value {
	if v.Kind == tree.List && v.Len() == 1 && blank(v.Items()[0]) {
		return nil
	}
	return itemsValue(f, v)
}

func switchValue(f *catalog.Field, v tree.Value) catalog.Value {
	if blank(v) {
		return catalog.Bool(false)
	}
	on, ok := boolOf(v)
	if !ok {
		return mistyped(f, fault.Msg("expected true or false"))
	}
	return catalog.Bool(on)
}

func contactsValue(f *catalog.Field, v tree.Value) catalog.Value {
	var contacts catalog.Contacts
	for _, e := range oneOrMany(v) {
		c, ok := contactOf(e)
		if !ok {
			return mistyped(f, fault.Msg("expected {contact, comment} or a text"))
		}
		contacts = append(contacts, c)
	}
	if len(contacts) == 0 {
		return nil
	}
	return contacts
}

func contactOf(e tree.Value) (c catalog.Contact, ok bool) {
	if e.Kind != tree.Object {
		c.Contact, ok = scalarText(e)
		return c, ok && e.Kind != tree.Bool
	}
	contact, has := e.Get("contact")
	comment, _ := e.Get("comment")
	id, _ := e.Get("id")
	c = catalog.Contact{ID: id.Text(), Contact: contact.Text(), Comment: comment.Text()}
	return c, has && plain(contact) && plain(comment) && plain(id)
}

// plain tells whether a member is a text, a number or null.
func plain(v tree.Value) bool {
	return v.Kind == tree.String || v.Kind == tree.Number || v.Kind == tree.Null
}

func addressValue(f *catalog.Field, v tree.Value) catalog.Value {
	if blank(v) || v.Kind == tree.List && v.Len() == 0 {
		return nil
	}
	if v.Kind == tree.String {
		return catalog.Address{Value: v.Str()}
	}
	value, _ := v.Get("value")
	provider, _ := v.Get("provider")
	data, has := v.Get("data")
	if v.Kind != tree.Object || !plain(value) || provider.Kind != tree.Null && provider.Kind != tree.String {
		return mistyped(f, fault.Msg("expected {value, provider, data} or a text"))
	}
	if strings.TrimSpace(value.Text()) == "" {
		return nil
	}
	a := catalog.Address{Value: value.Text()}
	if provider.Kind == tree.String {
		s := provider.Str()
		a.Provider = &s
	}
	if has {
		a.Data = data.AppendJSON(nil)
	}
	return a
}
