package apisync_test

import (
	"strings"
	"testing"
)

// What an endpoint of one line makes of a value, and what it then shows.
func TestValues(t *testing.T) {
	tests := []struct {
		name, field, line string // line: more of it, after field and key
		in, out           string // out of an error begins with its code
	}{
		{"text", "name", "", `" Oak "`, `"Oak"`},
		{"text kept as it is", "name", `"trim":false`, `" Oak "`, `" Oak "`},
		{"text of a number", "name", "", `12.50`, `"12.50"`},
		{"text of a boolean", "name", "", `true`, `"true"`},
		{"text empties", "name", "", `""`, `null`},
		{"null empties", "name", "", `null`, `null`},
		{"text of a list", "name", "", `["a"]`, `VALIDATION_ERROR k=TYPE_MISMATCH`},
		{"text of an object", "name", "", `{"a":1}`, `VALIDATION_ERROR k=TYPE_MISMATCH`},
		{"text of many lines", "note", "", `"a\nb"`, `"a\nb"`},
		{"mask", "mask", "", `"123"`, `"123"`},
		{"mask that does not fit", "mask", "", `"12"`, `VALIDATION_ERROR k=INVALID_FORMAT`},
		{"long text", "name", "", `"` + strings.Repeat("ї", 257) + `"`, `VALIDATION_ERROR k=TOO_LONG`},
		{"rich text", "page", "", `"<p>a<script>b</script></p>"`, `"<p>a</p>"`},
		{"number", "price", "", `12.50`, `12.5`},
		{"whole number", "price", "", `9007199254740`, `9007199254740`},
		{"number of a text", "price", "", `"-1e3"`, `-1000`},
		{"number with a comma", "price", "", `"1,5"`, `VALIDATION_ERROR k=TYPE_MISMATCH`},
		{"number of an empty text", "price", "", `""`, `VALIDATION_ERROR k=TYPE_MISMATCH`},
		{"number of a boolean", "price", "", `true`, `VALIDATION_ERROR k=TYPE_MISMATCH`},
		{"number with digits", "price", `"format":"2"`, `12.5`, `12.50`},
		{"number below", "bounded", "", `-1`, `VALIDATION_ERROR k=OUT_OF_RANGE`},
		{"number above", "bounded", "", `1000.1`, `VALIDATION_ERROR k=OUT_OF_RANGE`},
		{"zero", "price", "", `0`, `0`},
		{"progress", "done", "", `33.3`, `33.3`},
		{"progress above", "done", "", `101`, `VALIDATION_ERROR k=OUT_OF_RANGE`},
		{"stars", "stars", "", `"4"`, `4`},
		{"half a star", "stars", "", `4.5`, `VALIDATION_ERROR k=TYPE_MISMATCH`},
		{"six stars", "stars", "", `6`, `VALIDATION_ERROR k=OUT_OF_RANGE`},
		{"switch", "paid", "", `true`, `true`},
		{"switch of 1", "paid", "", `1`, `true`},
		{"switch of yes", "paid", "", `"YES"`, `true`},
		{"switch of 0", "paid", "", `0`, `false`},
		{"switch of null", "paid", "", `null`, `false`},
		{"switch of a word", "paid", "", `"maybe"`, `VALIDATION_ERROR k=TYPE_MISMATCH`},
		{"date", "day", "", `"2026-03-09"`, `"2026-03-09"`},
		{"date of a time", "day", "", `"2026-03-09T23:30:00-02:00"`, `"2026-03-10"`},
		{"no date", "day", "", `"2026-02-30"`, `VALIDATION_ERROR k=TYPE_MISMATCH`},
		{"date of a number", "day", "", `20260309`, `VALIDATION_ERROR k=TYPE_MISMATCH`},
		{"date with a pattern", "day", `"format":"%d.%m.%Y|%Y-%m-%d"`, `"09.03.2026"`, `"09.03.2026"`},
		{"date with the second pattern", "day", `"format":"%d.%m.%Y|%Y-%m-%d"`, `"2026-03-09"`, `"09.03.2026"`},
		{"date with no pattern that fits", "day", `"format":"%d.%m.%Y"`, `"2026-03-09"`, `VALIDATION_ERROR k=INVALID_FORMAT`},
		{"date of digits", "day", `"format":"%Y%m%d"`, `20260309`, `"20260309"`},
		{"time", "moment", "", `"2026-03-09T10:15:00+02:00"`, `"2026-03-09T08:15:00Z"`},
		{"time of UTC", "moment", "", `"2026-03-09 08:15:00"`, `"2026-03-09T08:15:00Z"`},
		{"time of a date", "moment", "", `"2026-03-09"`, `"2026-03-09T00:00:00Z"`},
		{"time with a fraction", "moment", "", `"2026-03-09T08:15:00.123456Z"`, `"2026-03-09T08:15:00Z"`},
		{"time with a pattern", "moment", `"format":"%d %b %Y %I:%M %p"`, `"09 Mar 2026 01:05 PM"`, `"09 Mar 2026 01:05 PM"`},
		{"year too late", "moment", "", `"9999-12-31T23:59:59-02:00"`, `VALIDATION_ERROR k=TYPE_MISMATCH`},
		{"week", "week", "", `"2026-W11"`, `"2026-W11"`},
		{"week of a day", "week", "", `"2026-03-15"`, `"2026-W11"`},
		{"week that is not", "week", "", `"2026-W54"`, `VALIDATION_ERROR k=TYPE_MISMATCH`},
		{"month", "month", "", `"2026-03"`, `"2026-03"`},
		{"quarter", "quarter", "", `"2026-Q2"`, `"2026-Q2"`},
		{"quarter of a day", "quarter", "", `"2026-06-30"`, `"2026-Q2"`},
		{"year", "year", "", `"2026"`, `"2026"`},
		{"year as a number", "year", "", `2026`, `"2026"`},
		{"option", "state", "", `"Done"`, `"Done"`},
		{"option in another case", "state", "", `"DONE"`, `"Done"`},
		{"option by id", "state", "", `"2"`, `"Done"`},
		{"option by number", "state", "", `2`, `"Done"`},
		{"option by object", "state", "", `{"id":"2"}`, `"Done"`},
		{"option with a comma", "state", "", `"In, part"`, `"In, part"`},
		{"unknown option", "state", "", `"Gone"`, `VALIDATION_ERROR k=NOT_IN_LIST`},
		{"two of one option", "state", "", `["New","Done"]`, `VALIDATION_ERROR k=TOO_MANY`},
		{"option as id", "state", `"options":{"option_format":"id"}`, `"Done"`, `"2"`},
		{"option as object", "state", `"options":{"option_format":"object"}`, `"Done"`, `{"id":"2","name":"Done"}`},
		{"choice", "choice", "", `"No"`, `"No"`},
		{"options", "tags", "", `["c","a"]`, `["a","c"]`},
		{"options of a text", "tags", "", `"c, a"`, `["a","c"]`},
		{"one of options", "tags", "", `"b"`, `["b"]`},
		{"no options", "tags", "", `[]`, `null`},
		{"several states", "states", "", `["Z","X"]`, `["X","Z"]`},
		{"options of a boolean", "tags", "", `[true]`, `VALIDATION_ERROR k=TYPE_MISMATCH`},
		{"phone", "phones", "", `"+380 44 1"`, `"+380 44 1"`},
		{"phones", "phones", "", `["1",{"contact":"2","comment":"desk"}]`, `"1"`},
		{"no phone", "phones", "", `{"comment":"x"}`, `VALIDATION_ERROR k=TYPE_MISMATCH`},
		{"address", "address", "", `"Lviv"`, `"Lviv"`},
		{"address of an object", "address", "", `{"value":"Lviv","provider":"g","data":{"x":1}}`, `"Lviv"`},
		{"address of a list", "address", "", `["Lviv"]`, `VALIDATION_ERROR k=TYPE_MISMATCH`},
		{"value map", "state", `"value_map":[{"external":"ok","internal":"Done"},{"external":1,"internal":"New"}]`, `"ok"`, `"ok"`},
		{"value map by type", "state", `"value_map":[{"external":"ok","internal":"Done"},{"external":1,"internal":"New"}]`, `1`, `1`},
		{"value map of another type", "state", `"value_map":[{"external":1,"internal":"New"}]`, `"1"`, `VALIDATION_ERROR k=NOT_IN_LIST`},
		{"value map of texts", "state", `"value_map":{"1":"New","true":"Done"}`, `true`, `true`},
		{"value map of numbers in texts", "state", `"value_map":{"1":"New"}`, `"1"`, `1`},
		{"value map without the value", "state", `"value_map":{"1":"New"}`, `"2"`, `VALIDATION_ERROR k=NOT_IN_LIST`},
		{"value map of null", "state", `"value_map":{"null":"New"}`, `null`, `null`},
		{"value map of a list", "tags", `"value_map":{"1":"a","2":"b"}`, `[2,1]`, `[1,2]`},
		{"null skipped", "state", `"null_policy":"skip","default":"New"`, `null`, `null`},
		{"null refused", "name", `"null_policy":"error"`, `null`, `VALIDATION_ERROR k=REQUIRED`},
		{"required and blank", "name", `"required":true`, `"  "`, `VALIDATION_ERROR k=REQUIRED`},
		{"required and null", "name", `"required":true`, `null`, `VALIDATION_ERROR k=REQUIRED`},
		{"required and off", "paid", `"required":true`, `false`, `false`},
		{"employee by login", "owner", "", `"ada"`, `"ada"`},
		{"employee by login in capitals", "owner", "", `"ADA"`, `"ada"`},
		{"employee by name", "owner", "", `"Ada"`, `"ada"`},
		{"employee by id", "owner", "", `1`, `"ada"`},
		{"employees", "owners", "", `["1"]`, `["ada"]`},
		{"unknown employee", "owner", "", `"bob"`, `RELATION_NOT_FOUND k=RELATION_NOT_FOUND`},
		{"unknown employee by id", "owner", "", `77`, `RELATION_NOT_FOUND k=RELATION_NOT_FOUND`},
		{"employee by name shown", "owner", `"relation_output":"name"`, `1`, `"Ada"`},
		{"employee by id shown", "owner", `"relation_output":"id"`, `"ada"`, `1`},
		{"employee of a boolean", "owner", "", `true`, `VALIDATION_ERROR k=TYPE_MISMATCH`},
		{"unknown record", "partner", "", `99`, `RELATION_NOT_FOUND k=RELATION_NOT_FOUND`},
		{"record of a boolean", "partner", "", `false`, `VALIDATION_ERROR k=TYPE_MISMATCH`},
		{"records without a catalog", "any", "", `[1]`, `VALIDATION_ERROR k[0]=TYPE_MISMATCH`},
		{"file elsewhere", "file", `"options":{"file_format":"url"}`, `{"src":"https://a.example/b.png","title":"B"}`, `"https://a.example/b.png"`},
		{"file of an address", "file", `"options":{"file_format":"url"}`, `"https://a.example/b.png"`, `"https://a.example/b.png"`},
		{"file to fetch", "file", "", `{"url":"https://a.example/b.png"}`, `VALIDATION_ERROR k=INVALID_FORMAT`},
		{"file of another scheme", "file", "", `{"src":"file:///etc/passwd"}`, `VALIDATION_ERROR k=INVALID_FORMAT`},
		{"file that is not base64", "file", "", `{"name":"a","content":"***"}`, `VALIDATION_ERROR k=INVALID_FORMAT`},
		{"unknown file", "file", "", `{"id":99}`, `VALIDATION_ERROR k=TYPE_MISMATCH`},
		{"file of nothing", "file", "", `{}`, `VALIDATION_ERROR k=TYPE_MISMATCH`},
		{"two files of one", "file", "", `["https://a.example/1","https://a.example/2"]`, `VALIDATION_ERROR k=TOO_MANY`},
	}
	eachMapWorld(t, func(t *testing.T, w *mapWorld) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				w := &mapWorld{TB: t, s: w.s, sync: w.sync, actor: w.actor}
				line := `"field":"` + test.field + `","external_key":"k"`
				if test.line != "" {
					line += "," + test.line
				}
				c := w.config("orders", line)
				n, err := w.post(c, `{"k":`+test.in+`}`)
				if err != nil {
					if told(err) != test.out {
						t.Fatalf("got %s (%v), want %s", told(err), err, test.out)
					}
					return
				}
				got := strings.TrimSuffix(w.show(c, n)[strings.Index(w.show(c, n), `"k":`)+4:], "}")
				if got != test.out {
					t.Fatalf("got %s, want %s", got, test.out)
				}
				if changed, err := w.put(c, n, `{"k":`+got+`}`); changed || err != nil {
					t.Errorf("what was shown changes the record: %v", err)
				}
			})
		}
	})
}
