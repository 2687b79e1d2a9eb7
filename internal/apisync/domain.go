package apisync

import (
	"bytes"
	"encoding/json"
	"errors"

	"kartoteka/internal/query/domain"
)

// domainBounds are those of domains (sync-api.md §2.16).
var domainBounds = domain.Bounds{Bytes: 16 << 10, Criteria: 200, Depth: 20, Values: 1000}

// criterion is one criterion on its way to become a condition.
type criterion struct {
	domain.Criterion
	// line is that of the external key by which the field was named: its values are
	// external ones. nil when a field of the model was named.
	line *mapLine
}

// named is a criterion of which there is only the name.
func named(field string) *criterion {
	return &criterion{Criterion: domain.Criterion{Field: field, Position: -1}}
}

// ParseDomain reads a domain in the prefix notation of Odoo, written in JSON or in
// literals of Python. The empty text holds always. It fails with INVALID_DOMAIN.
func ParseDomain(s string) (domain.Domain, error) {
	d, err := domain.Parse(s, domainBounds)
	var why *domain.Error
	if !errors.As(err, &why) {
		return d, err
	}
	e := Refuse(400, "INVALID_DOMAIN", "the domain cannot be read: %s (position %d)", why.Why, why.At).With("position", why.At)
	if why.Hint != "" {
		e = e.With("hint", why.Hint)
	}
	return nil, e
}

// ReadDomain reads the domain of a config: a list, a text that is one, or nothing. It
// fails with INVALID_DOMAIN, also for a text that has to be evaluated.
func ReadDomain(raw json.RawMessage) (domain.Domain, error) {
	raw = bytes.TrimSpace(raw)
	var s string
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return domain.And{}, nil
	case json.Unmarshal(raw, &s) == nil:
		return ParseDomain(s)
	}
	return ParseDomain(string(raw))
}
