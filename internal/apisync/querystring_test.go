package apisync

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestSplitQuery(t *testing.T) {
	tests := []struct {
		name, raw string
		want      []Pair
	}{
		{"nothing", "", nil},
		{"empty parts", "&&a=1&", []Pair{{"a", "1"}}},
		{"the first = only", "a=b=c", []Pair{{"a", "b=c"}}},
		{"no value", "a&b=", []Pair{{"a", ""}, {"b", ""}}},
		{"no key", "=1", []Pair{{"", "1"}}},
		{"repeated", "a=1&a=2", []Pair{{"a", "1"}, {"a", "2"}}},
		{"the domain as typed", `domain=[["active","=",true]]`, []Pair{{"domain", `[["active","=",true]]`}}},
		{"the domain escaped", `domain=%5B%5B%22active%22%2C%22%3D%22%2Ctrue%5D%5D`, []Pair{{"domain", `[["active","=",true]]`}}},
		{"Cyrillic as typed and escaped", "місто=Львів&%D0%BC=%d1%96", []Pair{{"місто", "Львів"}, {"м", "і"}}},
		{"; is itself", "a=1;b=2&c", []Pair{{"a", "1;b=2"}, {"c", ""}}},
		{"stray %", "a=50%&b=100%25&c=%zz&d=%4&e=%", []Pair{{"a", "50%"}, {"b", "100%"}, {"c", "%zz"}, {"d", "%4"}, {"e", "%"}}},
		{"+ is a blank", "a+b=c+d%2B", []Pair{{"a b", "c d+"}}},
		{"% before an escape", "a=%%41", []Pair{{"a", "%A"}}},
		{"brackets in keys", "price[gte]=5&lines%5B0%5D.sku=x", []Pair{{"price[gte]", "5"}, {"lines[0].sku", "x"}}},
		{"cut by an &", `domain=["&",["a","=",1]]`, []Pair{{"domain", `["`}, {`",["a","`, `",1]]`}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := SplitQuery(test.raw)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestSplitQueryRefuses(t *testing.T) {
	for raw, want := range map[string]struct {
		status int
		code   string
		hint   any
	}{
		"a=%ff":                       {400, "INVALID_PARAMETER", "%25"},
		"a=100%ab":                    {400, "INVALID_PARAMETER", "%25"},
		"%d0=1":                       {400, "INVALID_PARAMETER", "%25"},
		"a=%00":                       {400, "INVALID_PARAMETER", "%25"},
		"a=\xff":                      {400, "INVALID_PARAMETER", "%25"},
		strings.Repeat("a&", 1001):    {400, "INVALID_PARAMETER", nil},
		strings.Repeat("a", 64<<10+1): {414, "URI_TOO_LONG", nil},
	} {
		_, err := SplitQuery(raw)
		var e *Error
		if !errors.As(err, &e) || e.Status != want.status || e.Code != want.code || e.Details["hint"] != want.hint {
			t.Errorf("%.20q: %v", raw, err)
		}
	}
}

// FuzzSplitQuery: what is read is text, no more than was sent, and read again escaped
// is the same.
func FuzzSplitQuery(f *testing.F) {
	for _, s := range []string{"", "a=1&b=2", `domain=[["a","=","%25"]]`, "a=%&b=%4&c=%zz", "+=+&;=;", "%D1%96=і", "a=%ff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		pairs, err := SplitQuery(raw)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Status < 400 || e.Status > 499 {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		var escaped []string
		size := 0
		for _, p := range pairs {
			if !isTextual(p.Key) || !isTextual(p.Value) {
				t.Fatalf("%q: %q", raw, p)
			}
			size += len(p.Key) + len(p.Value)
			escaped = append(escaped, url.QueryEscape(p.Key)+"="+url.QueryEscape(p.Value))
		}
		if size > len(raw) {
			t.Fatalf("%q: %d bytes", raw, size)
		}
		text := strings.Join(escaped, "&")
		if again, err := SplitQuery(text); len(text) <= maxQueryBytes && (err != nil || !slices.Equal(again, pairs)) {
			t.Fatalf("%q: %q, then %q (%v)", raw, pairs, again, err)
		}
	})
}
