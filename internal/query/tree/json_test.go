package tree

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"kartoteka/internal/fault"
)

func TestParseJSONValues(t *testing.T) {
	tests := []struct{ name, in, out string }{
		{"null with blanks", " \t\r\nnull\n", `null`},
		{"booleans", `[true,false]`, `[true,false]`},
		{"order and number texts stay", `{"b":1.50,"a":1e2,"c":-0}`, `{"b":1.50,"a":1e2,"c":-0}`},
		{"empty containers", `[ [ ] , { } ]`, `[[],{}]`},
		{"escapes", `"\"\\\/\b\f\n\r\t\u0041\u00e9"`, `"\"\\/\u0008\u000c\n\r\tAé"`},
		{"surrogate pair", `"\ud83d\ude00"`, `"😀"`},
		{"line separator", `"\u2028"`, "\"\u2028\""},
		{"escape in a key", `{"a\u0062c":1}`, `{"abc":1}`},
		{"last duplicate wins in the first place", `{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		{"small exponent", `1e-999`, `1e-999`},
		{"long fraction", `0.` + strings.Repeat("3", 400), `0.` + strings.Repeat("3", 400)},
		{"depth at the limit", strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat("[", 64) + strings.Repeat("]", 64)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, err := ParseJSON([]byte(test.in), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := string(v.AppendJSON(nil)); got != test.out {
				t.Errorf("got %s, want %s", got, test.out)
			}
		})
	}
}

func TestParseJSONRefuses(t *testing.T) {
	tests := []struct{ name, in, message string }{
		{"empty", ``, "ends too early (byte 0)"},
		{"blank", `  `, "ends too early"},
		{"cut object", `{"a":`, "ends too early (byte 5)"},
		{"cut string", `"abc`, "ends too early"},
		{"cut escape", `"\u00`, "ends too early"},
		{"two values", `{} {}`, "text after the end of the value (byte 3)"},
		{"trailing comma", `[1,]`, "unexpected character (byte 3)"},
		{"single quotes", `{'a':1}`, "unexpected character"},
		{"bare word", `nil`, "unexpected character"},
		{"bad escape", `"\x"`, "unexpected character"},
		{"bad hex", `"\u00g0"`, "unexpected character"},
		{"leading zero", `01`, "text after the end"},
		{"plus sign", `+1`, "unexpected character"},
		{"dot without digits", `1.`, "ends too early"},
		{"NaN", `NaN`, "unexpected character"},
		{"huge exponent", `{"a":1e999}`, "the number is too large (byte 5)"},
		{"huge negative", `-1e999`, "too large"},
		{"400 digits", strings.Repeat("9", 400), "too large"},
		{"raw NUL", "\"a\x00\"", "U+0000"},
		{"escaped NUL", `"a\u0000"`, "U+0000"},
		{"escaped NUL in a key", `{"\u0000":1}`, "U+0000"},
		{"control character", "\"a\nb\"", "control character"},
		{"control character after an escape", "\"\\n\n\"", "control character"},
		{"invalid UTF-8", "\"a\xffb\"", "the text is not UTF-8 (byte 2)"},
		{"UTF-8 surrogate", "\"\xed\xa0\x80\"", "not UTF-8"},
		{"lone high surrogate", `"\ud800"`, "surrogate"},
		{"lone low surrogate", `"\udc00"`, "surrogate"},
		{"high then letter", `"\ud800\u0041"`, "surrogate"},
		{"depth bomb of lists", strings.Repeat("[", 100_000), "nested deeper than 64 levels (byte 64)"},
		{"depth bomb of objects", strings.Repeat(`{"a":`, 100_000), "nested deeper"},
		{"byte order mark", "\xef\xbb\xbf{}", "unexpected character"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseJSON([]byte(test.in), Limits{})
			if !fault.Is(err, fault.InvalidJSON) || !strings.Contains(err.Error(), test.message) {
				t.Errorf("got %v, want invalid_json with %q", err, test.message)
			}
		})
	}
}

func TestParseJSONBoundsValues(t *testing.T) {
	_, err := ParseJSON([]byte(`[1,2,3]`), Limits{Values: 3})
	if !fault.Is(err, fault.InvalidJSON) {
		t.Errorf("4 values of 3: %v", err)
	}
	if _, err := ParseJSON([]byte(`[1,2,3]`), Limits{Values: 4}); err != nil {
		t.Errorf("4 values of 4: %v", err)
	}
}

func TestDuplicates(t *testing.T) {
	var many strings.Builder
	many.WriteString(`{`)
	for i := range 40 {
		many.WriteString(`"k` + strings.Repeat("x", i) + `":1,`)
	}
	tests := []struct {
		name, in string
		want     bool
	}{
		{"none", `{"a":{"b":1},"b":[{"a":1},{"a":2}]}`, false},
		{"top", `{"a":1,"a":1}`, true},
		{"same by escape", `{"a":1,"\u0061":1}`, true},
		{"deep inside", `{"a":[0,{"b":{"c":1,"c":2}}]}`, true},
		{"among many", many.String() + `"kxxx":2}`, true},
		{"many without", many.String() + `"z":2}`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, err := ParseJSON([]byte(test.in), Limits{})
			if err != nil || v.Duplicates() != test.want {
				t.Errorf("got %v, %v", v.Duplicates(), err)
			}
		})
	}
}

func TestAccessors(t *testing.T) {
	v, err := ParseJSON([]byte(`{"s":"x","n":1.0,"f":1.5,"l":[1],"b":true,"e":1e300,"big":9007199254740993}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	get := func(key string) Value {
		got, ok := v.Get(key)
		if !ok {
			t.Fatalf("no %s", key)
		}
		return got
	}
	if n, ok := get("n").Int(); n != 1 || !ok {
		t.Errorf("1.0: %d, %v", n, ok)
	}
	if n, ok := get("big").Int(); n != 9007199254740993 || !ok {
		t.Errorf("big: %d, %v", n, ok)
	}
	for _, key := range []string{"f", "e", "s", "l", "b"} {
		if _, ok := get(key).Int(); ok {
			t.Errorf("%s is whole", key)
		}
	}
	if f, ok := get("f").Float(); f != 1.5 || !ok {
		t.Errorf("1.5: %g, %v", f, ok)
	}
	if get("s").Str() != "x" || get("n").Str() != "" || get("n").Text() != "1.0" || !get("b").True() {
		t.Error("texts or booleans differ")
	}
	if _, ok := v.Get("absent"); ok || v.Len() != 7 || get("l").Len() != 1 {
		t.Error("members differ")
	}
}

// FuzzParseJSON: what is accepted means the same to encoding/json and survives
// a round trip; what is refused is no JSON for it either, or breaks one of our
// own rules.
func FuzzParseJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5,-1e9,"x\u00e9\ud83d\ude00",null,true]}`, `{"a":1,"a":2}`, `1e999`, `"\ud800"`, `"\u0000"`, "\"\xff\"", `[[[[]]]]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := ParseJSON(data, Limits{})
		var want any
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		valid := json.Valid(data) && d.Decode(&want) == nil
		if err != nil {
			if valid && utf8.Valid(data) && !ownRule(err) {
				t.Fatalf("%q: %v, but it is JSON", data, err)
			}
			return
		}
		if !valid || !reflect.DeepEqual(v.Any(), want) {
			t.Fatalf("%q: got %#v, want %#v", data, v.Any(), want)
		}
		again, err := ParseJSON(v.AppendJSON(nil), Limits{})
		if err != nil || !reflect.DeepEqual(again.Any(), want) {
			t.Fatalf("%q: round trip gives %#v, %v", data, again.Any(), err)
		}
		checkNumbers(t, v)
	})
}

func ownRule(err error) bool {
	for _, rule := range []string{"nested deeper", "more than", "too large", "U+0000", "surrogate"} {
		if strings.Contains(err.Error(), rule) {
			return true
		}
	}
	return false
}

func checkNumbers(t *testing.T, v Value) {
	if v.Kind == Number {
		if n, ok := v.Float(); !ok || math.IsInf(n, 0) {
			t.Fatalf("number %s is out of range", v.Text())
		}
	}
	for _, item := range v.Items() {
		checkNumbers(t, item)
	}
	for _, field := range v.Fields() {
		checkNumbers(t, field.Value)
	}
}

func BenchmarkParseJSON(b *testing.B) {
	data := []byte(`{"values":{"2":"Some text of a record","3":[1],"4":17,"5":"2026-03-04T05:06:07+04:00","6":[{"catalogId":"7","recordId":"12"}]}}`)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseJSON(data, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
