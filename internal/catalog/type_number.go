package catalog

import (
	"math"

	"kartoteka/internal/fault"
	"kartoteka/internal/query/text"
)

// maxUnit bounds the name of a number's unit, in characters.
const maxUnit = 100

// numberType is a number with an optional range.
type numberType struct{ plain }

func (numberType) Name() string            { return "number" }
func (numberType) Storage(*Config) Storage { return FloatStorage }

func (numberType) Configure(path string, c *Config, _ *Config) []fault.Detail {
	if text.Len(c.Unit) > maxUnit {
		return []fault.Detail{fault.At(path+".unit", fault.TooLong, "a unit has at most %d characters", maxUnit)}
	}
	c.Min, c.Max = rounded(c.Min), rounded(c.Max)
	if c.Min != nil && c.Max != nil && *c.Min > *c.Max {
		return []fault.Detail{fault.At(path+".min", fault.Min, "the minimum is greater than the maximum")}
	}
	return nil
}

func rounded(n *float64) *float64 {
	if n == nil {
		return nil
	}
	r := RoundNumber(*n)
	return &r
}

func (numberType) Accept(f *Field, v Value) (Value, *fault.Detail) {
	return acceptNumber(f, v, f.Config.Min, f.Config.Max)
}

func acceptNumber(f *Field, v Value, lowest, highest *float64) (Value, *fault.Detail) {
	if v == nil {
		return nil, nil
	}
	n, ok := v.(Number)
	if !ok || math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return nil, mistyped(f)
	}
	n = Number(RoundNumber(float64(n)))
	if lowest != nil && float64(n) < *lowest {
		return nil, failed(f, fault.Min, "%s: at least %v", f.Name, numberText(*lowest))
	}
	if highest != nil && float64(n) > *highest {
		return nil, failed(f, fault.Max, "%s: at most %v", f.Name, numberText(*highest))
	}
	return n + 0, nil // -0 becomes 0
}

// numberText writes a bound as answers have it: 1000000, not 1e+06.
func numberText(n float64) string { return string(AppendNumber(nil, n)) }

// progressType is a number from 0 to 100.
type progressType struct{ plain }

func (progressType) Name() string            { return "progress" }
func (progressType) Storage(*Config) Storage { return FloatStorage }

func (progressType) Accept(f *Field, v Value) (Value, *fault.Detail) {
	lowest, highest := 0.0, 100.0
	return acceptNumber(f, v, &lowest, &highest)
}

// starsType is a whole number from 0 to 5.
type starsType struct{ plain }

func (starsType) Name() string            { return "stars" }
func (starsType) Storage(*Config) Storage { return WholeStorage }

func (starsType) Accept(f *Field, v Value) (Value, *fault.Detail) {
	if v == nil {
		return nil, nil
	}
	n, ok := v.(Whole)
	switch {
	case !ok:
		return nil, mistyped(f)
	case n < 0:
		return nil, failed(f, fault.Min, "%s: at least %v", f.Name, 0)
	case n > 5:
		return nil, failed(f, fault.Max, "%s: at most %v", f.Name, 5)
	}
	return n, nil
}

// switchType is a yes or no; no value is no.
type switchType struct{ plain }

func (switchType) Name() string            { return "switch" }
func (switchType) Storage(*Config) Storage { return BoolStorage }

func (switchType) Accept(f *Field, v Value) (Value, *fault.Detail) {
	b, ok := v.(Bool)
	if v != nil && !ok {
		return nil, mistyped(f)
	}
	if !b {
		return nil, nil
	}
	return b, nil
}

func (switchType) Initial(f *Field, _ Moment) Value {
	if f.Config.Default {
		return Bool(true)
	}
	return nil
}
