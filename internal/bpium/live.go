package bpium

import (
	"encoding/json"
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// CardKey names the card that a body is about.
type CardKey struct {
	Catalog string    // public id
	Record  query.Key // zero for one that is not there yet
}

// DecodeCardKey reads which card a body is about. It fails with fault.InvalidJSON or
// ValidationFailed.
func DecodeCardKey(v tree.Value) (key CardKey, err error) {
	b, err := newBody(v)
	if err != nil {
		return key, err
	}
	if id := b.id("catalogId"); id != nil {
		key.Catalog = CatalogKey(*id)
	} else if v, ok := v.Get("catalogId"); !ok || blank(v) {
		b.refuse("catalogId", fault.Required, "the id of a catalog is required")
	}
	if id := b.id("recordId"); id != nil {
		key.Record = RecordKey(*id)
	}
	return key, b.err()
}

// DecodeCard reads a card that is being edited. It fails with fault.InvalidJSON,
// UnknownField or InvalidParameter; a value that its field cannot take is none.
func DecodeCard(v tree.Value, sc *catalog.Scope, at catalog.Moment) (card catalog.Card, err error) {
	if _, err := newBody(v); err != nil {
		return card, err
	}
	card.Catalog = sc.Catalog.Num
	changed, _ := v.Get("values")
	if card.Changed, err = decodeTyped(changed, sc, at); err != nil {
		return card, err
	}
	for _, m := range changed.Fields() {
		f := FieldByID(sc.Catalog, m.Key)
		if on, ok := boolOf(m.Value); ok && on && f.Type.Name() == "button" {
			card.Pressed = append(card.Pressed, f.Num)
		}
	}
	all, _ := v.Get("allValues")
	card.All, err = decodeTyped(all, sc, at)
	return card, err
}

// decodeTyped is DecodeValues without values that their fields cannot take.
func decodeTyped(v tree.Value, sc *catalog.Scope, at catalog.Moment) ([]catalog.FieldValue, error) {
	values, err := DecodeValues(v, sc, at)
	for i := range values {
		if _, bad := values[i].Value.(catalog.Bad); bad {
			values[i].Value = nil
		}
	}
	return values, err
}

// DecodeFilling reads the values that a program wants in a card. What names no field
// is passed over; false when v is no object.
func DecodeFilling(v tree.Value, sc *catalog.Scope, at catalog.Moment) ([]catalog.FieldValue, bool) {
	d := valueDecoder{structure: sc.Structure, at: at}
	values, err := d.values(sc.Catalog, v, func(query.Field) bool { return true })
	return values, err == nil
}

// LiveAnswer is what comes of a card that was edited.
type LiveAnswer struct {
	Filled   *catalog.Filled // nil when nobody was asked
	Messages []json.RawMessage
	Failures []LiveFailure
}

// LiveFailure is a subscriber that did not answer as it should.
type LiveFailure struct {
	Source  string // "webhook" or "event"
	Record  query.Record
	Message fault.Message
}

// EncodeLive adds the answer to a card that was edited, in that language.
func EncodeLive(dst []byte, a *LiveAnswer, o EncodeOptions, lang string) []byte {
	e := pastEncoder{writer: writer{b: dst}, whole: true, links: o.Files}
	e.open('{')
	if len(a.Messages) > 0 {
		e.json("message", string(a.Messages[0]))
	}
	if a.Filled != nil {
		e.key("messages")
		e.open('[')
		for _, m := range a.Messages {
			e.raw(string(m))
		}
		e.end(']')
	}
	e.key("values")
	e.open('{')
	if a.Filled != nil {
		e.structure, e.gone = a.Filled.Structure, a.Filled.Gone
		for _, v := range a.Filled.Values {
			e.filled(v, o)
		}
	}
	e.end('}')
	if a.Filled != nil {
		e.key("errors")
		e.open('[')
		for _, f := range a.Failures {
			e.open('{')
			e.str("source", f.Source)
			e.str("id", strconv.FormatInt(int64(f.Record), 10))
			e.str("message", f.Message.In(lang))
			e.end('}')
		}
		e.end(']')
	}
	e.end('}')
	return e.b
}

// filled adds a value under the field's id, of the system's also under its number.
func (e *pastEncoder) filled(v catalog.FilledValue, o EncodeOptions) {
	value, err := stored(v.Value)
	if err != nil {
		return // JSON of our own
	}
	if v.Field.System && !o.SkipPrevID {
		e.key(strconv.Itoa(v.Field.ID))
		e.past(v.Field, value)
	}
	e.key(v.Field.Key)
	e.past(v.Field, value)
}
