package domain

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// usual are the bounds of requests.
var usual = Bounds{Bytes: 16 << 10, Criteria: 200, Depth: 20, Values: 1000}

func TestParse(t *testing.T) {
	tests := []struct{ name, in, out string }{
		{"empty text", " ", `[[1,"=",1]]`},
		{"empty list", "[]", `[[1,"=",1]]`},
		{"one", `[["active","=",true]]`, `[["active","=",true]]`},
		{"side by side is and", `[["a","=",1],["b","=",2]]`, `["&",["a","=",1],["b","=",2]]`},
		{"or, then and", `["|",["city","=","Lviv"],["city","=","Odesa"],["vat","!=",false]]`,
			`["&","|",["city","=","Lviv"],["city","=","Odesa"],["vat","!=",false]]`},
		{"not and", `["!","&",["a",">",1],["b","=",2]]`, `["!","&",["a",">",1],["b","=",2]]`},
		{"not, and or", `["&","!",["a","=",1],"|",["b","=",2],["c","=",3]]`, `["&","!",["a","=",1],"|",["b","=",2],["c","=",3]]`},
		{"chains are flat", `["|","|",["a","=",1],["b","=",2],"|",["c","=",3],["d","=",4]]`,
			`["|","|","|",["a","=",1],["b","=",2],["c","=",3],["d","=",4]]`},
		{"always and never", `["|",[1,"=",1],[0,"=",1],"!",[0,"=",1]]`, `["!",[0,"=",1]]`},
		{"Python", `[('state','in',('a', "b",)), ('x','=',None), ('y','!=',False), ('z', '=', True)]`,
			`["&","&","&",["state","in",["a","b"]],["x","=",null],["y","!=",false],["z","=",true]]`},
		{"parentheses are no tuple", `[('state','in',('a')),('s','in',('a',)),('t','in',())]`,
			`["&","&",["state","in","a"],["s","in",["a"]],["t","in",[]]]`},
		{"Python 2", `[(u'имя', u'ilike', u'\u0456')]`, `[["имя","ilike","і"]]`},
		{"blanks", "\t[ [ \"a\" ,\n\"=\" , 1 ] , ]\r\n", `[["a","=",1]]`},
		{"numbers", `[["a","in",[1,-1,+1,1.50,.5,5.,007,1e3,2E-2,-0]]]`, `[["a","in",[1,-1,1,1.50,0.5,5,7,1e3,2e-2,-0]]]`},
		{"escapes", `[["a","in",["\"\\\/\b\f\n\r\t","\u0416\ud83d\ude00",'\'\x41\U0001F600']]]`,
			`[["a","in",["\"\\/\u0008\u000c\n\r\t","Ж😀","'A😀"]]]`},
		{"patterns keep their backslashes", `[["a","=like",'50\% of\_ \d']]`, `[["a","=like","50\\% of\\_ \\d"]]`},
		{"old operators", `[["a","==",1],["b","<>",2],["c","NOT  IN",[3]]]`, `["&","&",["a","=",1],["b","!=",2],["c","not in",[3]]]`},
		{"sub-domain", `[["p","any",["|",["x","=",1],["q","not any",[]]]]]`, `[["p","any",["|",["x","=",1],["q","not any",[[1,"=",1]]]]]]`},
		{"the & within a text", `[["a","=","x & y"]]`, `[["a","=","x & y"]]`},
		{"depth at the limit", `[` + strings.Repeat(`"!",`, 19) + `["a","=",1]]`, `[` + strings.Repeat(`"!",`, 19) + `["a","=",1]]`},
		{"criteria at the limit", `[` + strings.Repeat(`"|",`, 199) + strings.Repeat(`["a","=",1],`, 200) + `]`,
			`[` + strings.Repeat(`"|",`, 199) + strings.TrimSuffix(strings.Repeat(`["a","=",1],`, 200), ",") + `]`},
		{"values at the limit", `[["a","in",[` + strings.Repeat("1,", 1000) + `]]]`,
			`[["a","in",[` + strings.TrimSuffix(strings.Repeat("1,", 1000), ",") + `]]]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d, err := Parse(test.in, usual)
			if err != nil {
				t.Fatal(err)
			}
			if got := printDomain(d); got != test.out {
				t.Errorf("got  %s\nwant %s", got, test.out)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	deep := strings.Repeat(`[["a","any",`, 21) + `[]` + strings.Repeat(`]]`, 21)
	tests := []struct {
		name, in string
		position int
		message  string
	}{
		{"no list", `{"a":1}`, 0, "unexpected character"},
		{"a text", `"a"`, 0, "a domain is a list"},
		{"a number", `.000`, 0, "a domain is a list"},
		{"a criterion alone", `["a","=",1]`, 9, "list of a field"},
		{"unknown word", `["and",["a","=",1]]`, 1, "no operator and"},
		{"lacks one operand", `["&",["a","=",1]]`, 1, "the operator & lacks"},
		{"lacks its operand", `[["a","=",1],"!"]`, 13, "the operator ! lacks"},
		{"or of one", `[["a","=",1],"|"]`, 13, "lacks"},
		{"two parts", `[["a","="]]`, 1, "list of a field"},
		{"four parts", `[["a","=",1,2]]`, 1, "list of a field"},
		{"no field", `[["","=",1]]`, 2, "named by a text"},
		{"a number as field", `[[2,"=",1]]`, 2, "named by a text"},
		{"unknown operator", `[["a","=>",1]]`, 6, "no operator =>"},
		{"any!", `[["a","any!",[]]]`, 6, "bypass"},
		{"not any!", `[["a","not any!",[]]]`, 6, "bypass"},
		{"any of no list", `[["a","any",1]]`, 12, "a domain is a list"},
		{"a list of lists", `[["a","in",[[1]]]]`, 12, "list of lists"},
		{"names", `[["a","=",uid]]`, 10, "not names"},
		{"calls", `[("a",">",context_today())]`, 10, "not names"},
		{"an object", `[["a","=",{"id":1}]]`, 10, "unexpected character"},
		{"cut by an &", `["`, 2, "%26"},
		{"cut in a list", `[["a","=",1]`, 12, "%26"},
		{"text after it", `[] []`, 3, "text after its end"},
		{"no commas", `[["a" "=" 1]]`, 6, "unexpected character"},
		{"comma first", `[,]`, 1, "unexpected character"},
		{"mixed brackets", `[["a","=",1)]`, 11, "unexpected character"},
		{"U+0000", "[[\"a\",\"=\",\"\x00\"]]", 11, "U+0000"},
		{"escaped U+0000", `[["a","=","\u0000"]]`, 11, "no character"},
		{"half of a pair", `[["a","=","\ud800"]]`, 11, "no character"},
		{"bad hex", `[["a","=","\u12g4"]]`, 11, "no character"},
		{"not UTF-8", "[[\"a\",\"=\",\"\xff\"]]", 0, "not UTF-8"},
		{"no number", `[["a","=",-]]`, 10, "no number"},
		{"a point", `[["a","=",.]]`, 10, "no number"},
		{"huge", `[["a","=",1e999]]`, 10, "too large"},
		{"criteria", `[` + strings.Repeat(`["a","=",1],`, 201) + `]`, 1, "more than 200 criteria"},
		{"values", `[["a","in",[` + strings.Repeat("1,", 1001) + `]]]`, 11, "more than 1000 values"},
		{"depth of not", `[` + strings.Repeat(`"!",`, 20) + `["a","=",1]]`, 0, "deeper than 20"},
		{"depth of any", deep, strings.Index(deep, `[]`) - 12, "deeper than 20"},
		{"depth of lists", strings.Repeat("[", 5000), 44, "deeper than 20"},
		{"size", `[` + strings.Repeat(" ", 16<<10) + `]`, 16 << 10, "16384 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(test.in, usual)
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(e.Error(), test.message) {
				t.Fatalf("got %v, want %q", err, test.message)
			}
			if e.At != test.position {
				t.Errorf("position %d, want %d", e.At, test.position)
			}
			if hint := e.Hint; (hint == "%26") != (test.message == "%26") {
				t.Errorf("hint %v", hint)
			}
		})
	}
}

// FuzzParse: whatever is read is within its bounds, and reads the same printed;
// whatever is refused is refused at a position within the text.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`[]`, `[["a","=",1]]`, `["|","!",["a","in",[1,"x",null]],("b",'like','\x41%')]`, `[["a","any",[("b","not any",[])]]]`,
		`[[1,"=",1],[0,"=",1]]`, `[["a","=","\ud83d\ude00"]]`, `["&",["`, `[('a','=',u'b',),]`, `[["a","<>",-.5e-3]]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := Parse(s, usual)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("%q: %v", s, err)
			}
			if e.At < 0 || e.At > len(s) {
				t.Fatalf("%q: position %d", s, e.At)
			}
			return
		}
		if d.depth() > usual.Depth || criteriaIn(d) > usual.Criteria {
			t.Fatalf("%q: depth %d, %d criteria", s, d.depth(), criteriaIn(d))
		}
		printed := printDomain(d)
		if !json.Valid([]byte(printed)) {
			t.Fatalf("%q: printed as %s", s, printed)
		}
		again, err := Parse(printed, usual)
		if err != nil {
			if len(printed) > usual.Bytes {
				return // "\x01" takes six bytes
			}
			t.Fatalf("%q: %s: %v", s, printed, err)
		}
		if got := printDomain(again); got != printed {
			t.Fatalf("%q: %s, then %s", s, printed, got)
		}
	})
}

func criteriaIn(d Domain) (n int) {
	switch d := d.(type) {
	case And:
		for _, e := range d {
			n += criteriaIn(e)
		}
	case Or:
		for _, e := range d {
			n += criteriaIn(e)
		}
	case Not:
		return criteriaIn(d.Domain)
	case Criterion:
		n = 1
		if d.Sub != nil {
			n += criteriaIn(d.Sub)
		}
	}
	return n
}
