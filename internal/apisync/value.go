package apisync

import (
	"kartoteka/internal/fault"
	"kartoteka/internal/query/tree"
)

// The codes of FieldError.
const (
	requiredCode   = "REQUIRED"
	mistypedCode   = "TYPE_MISMATCH"
	rangeCode      = "OUT_OF_RANGE"
	notInListCode  = "NOT_IN_LIST"
	tooLongCode    = "TOO_LONG"
	tooManyCode    = "TOO_MANY"
	formatCode     = "INVALID_FORMAT"
	readOnlyCode   = "READ_ONLY"
	unknownKeyCode = "UNKNOWN_KEY"
	notFoundCode   = "RELATION_NOT_FOUND"
	ambiguousCode  = "RELATION_AMBIGUOUS"
	duplicateCode  = "DUPLICATE_RECORD"
)

// wrong is why a value does not fit its line; nil when it does.
type wrong struct {
	code    string
	message fault.Message
}

func wrongly(code, format string, args ...any) *wrong {
	return &wrong{code, fault.Msg(format, args...)}
}

// mistyped is a value of another type than expected.
func mistyped(expected fault.Message, got tree.Value) *wrong {
	return wrongly(mistypedCode, "expected %s, got %s", expected, kindName(got))
}

func kindName(v tree.Value) fault.Message {
	switch v.Kind {
	case tree.Bool:
		return fault.Msg("true or false")
	case tree.Number:
		return fault.Msg("a number")
	case tree.String:
		return fault.Msg("a text")
	case tree.List:
		return fault.Msg("a list")
	case tree.Object:
		return fault.Msg("an object")
	}
	return fault.Msg("null")
}

// same tells whether two values mean the same JSON: numbers by what they are, objects in
// any order.
func same(a, b tree.Value) bool {
	if a.Kind != b.Kind || a.Len() != b.Len() {
		return false
	}
	switch a.Kind {
	case tree.Bool:
		return a.True() == b.True()
	case tree.Number:
		return sameNumber(a, b)
	case tree.String:
		return a.Str() == b.Str()
	case tree.List:
		others := b.Items()
		for i, item := range a.Items() {
			if !same(item, others[i]) {
				return false
			}
		}
	case tree.Object:
		others := b.Fields()
		for i, f := range a.Fields() {
			other := others[i].Value
			if others[i].Key != f.Key {
				var ok bool
				if other, ok = b.Get(f.Key); !ok {
					return false
				}
			}
			if !same(f.Value, other) {
				return false
			}
		}
	}
	return true
}

// sameNumber compares whole numbers digit by digit, others as doubles.
func sameNumber(a, b tree.Value) bool {
	if a.Text() == b.Text() {
		return true
	}
	n, whole1 := a.Int()
	m, whole2 := b.Int()
	if whole1 && whole2 {
		return n == m
	}
	x, _ := a.Float()
	y, _ := b.Float()
	return x == y && whole1 == whole2
}

// isBlank tells whether a value is null or an empty text.
func isBlank(v tree.Value) bool { return v.IsNull() || v.Kind == tree.String && v.Str() == "" }

// oneOrMany are the items of a list, or a value alone; none for null.
func oneOrMany(v tree.Value) []tree.Value {
	switch v.Kind {
	case tree.List:
		return v.Items()
	case tree.Null:
		return nil
	}
	return []tree.Value{v}
}
