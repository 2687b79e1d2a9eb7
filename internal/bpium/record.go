package bpium

import (
	"kartoteka/internal/catalog"
	"kartoteka/internal/query/tree"
)

// RecordBody is the body of a new or changed record.
type RecordBody struct {
	Values []catalog.FieldValue
	Code   *string // custom id to set; nil when not named
}

// DecodeRecord reads the body of a new or changed record. It fails with
// fault.InvalidJSON, ValidationFailed, UnknownField or InvalidParameter; values
// that their fields cannot take are reported by the service.
func DecodeRecord(v tree.Value, sc *catalog.Scope, at catalog.Moment) (RecordBody, error) {
	b, err := newBody(v)
	if err != nil {
		return RecordBody{}, err
	}
	r := RecordBody{Code: b.id("id")}
	if err := b.err(); err != nil {
		return r, err
	}
	values, _ := v.Get("values")
	r.Values, err = DecodeValues(values, sc, at)
	return r, err
}
