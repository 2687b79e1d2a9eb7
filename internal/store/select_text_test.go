package store

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// This file is the model's meaning of the tests of texts, titles and parts of times.

func between[T int64 | query.Record](n T, low, high *T) bool {
	return (low == nil || *low <= n) && (high == nil || n <= *high)
}

// entriesOf are the texts of a value.
func entriesOf(v catalog.Value) (list []string) {
	switch v := v.(type) {
	case catalog.Text:
		return []string{string(v)}
	case catalog.Address:
		return []string{v.Value}
	case catalog.Contacts:
		for _, c := range v {
			list = append(list, c.Contact)
		}
	}
	return list
}

func testText(f *catalog.Field, v catalog.Value, test query.Test) bool {
	switch t := test.(type) {
	case query.TextIs:
		return slices.ContainsFunc(entriesOf(v), func(s string) bool { return slices.Contains(t, s) })
	case query.TextLike:
		if !t.Fold {
			return slices.ContainsFunc(entriesOf(v), func(s string) bool { return like(t, s) })
		}
		return slices.ContainsFunc(catalog.StoredOf(f, v).Search, func(row catalog.SearchRow) bool {
			lines := []string{row.Fold}
			if f.Type.Name() == "contact" {
				lines = strings.Split(row.Fold, "\n")
			}
			return row.Part == catalog.SearchText && slices.ContainsFunc(lines, func(s string) bool { return like(t, s) })
		})
	case query.TextRange:
		key := catalog.StoredOf(f, v).Key
		return len(key) > 0 && (t.Min == nil || bytes.Compare(text.SortKey(*t.Min), key) <= 0) &&
			(t.Max == nil || bytes.Compare(key, text.SortKey(*t.Max)) <= 0)
	}
	panic("unknown test")
}

// like matches with a regular expression.
func like(t query.TextLike, s string) bool {
	pattern := t.Pattern
	if t.Fold {
		pattern, s = text.Fold(pattern), text.Fold(s)
	}
	expression := "(?s)^"
	for i := 0; i < len(pattern); {
		r, n := utf8.DecodeRuneInString(pattern[i:])
		i += n
		switch {
		case r == '%':
			expression += ".*"
		case r == '_':
			expression += "."
		case r == '\\' && i < len(pattern):
			r, n = utf8.DecodeRuneInString(pattern[i:])
			i += n
			fallthrough
		default:
			expression += regexp.QuoteMeta(string(r))
		}
	}
	return regexp.MustCompile(expression + "$").MatchString(s)
}

func (m *model) titled(r *testRecord, n query.Titled) bool {
	title := r.title(m.st)
	switch {
	case n.Seen == nil || m.holds(r, n.Seen):
	case r.code != "":
		title = "#" + r.code
	default:
		title = numbered("#", int64(r.id))
	}
	if t, ok := n.Test.(query.TextIs); ok {
		return slices.Contains(t, title)
	}
	return like(n.Test.(query.TextLike), title)
}

func timePart(ms int64, t query.TimePart) int64 {
	at := time.UnixMilli(ms).UTC().Add(time.Duration(t.Offset) * time.Minute)
	_, week := at.ISOWeek()
	day := int(at.Weekday())
	if day == 0 {
		day = 7
	}
	return int64(map[query.Part]int{query.YearPart: at.Year(), query.QuarterPart: (int(at.Month()) + 2) / 3,
		query.MonthPart: int(at.Month()), query.WeekPart: week, query.WeekdayPart: day, query.DayOfMonthPart: at.Day(),
		query.DayOfYearPart: at.YearDay(), query.HourPart: at.Hour(), query.MinutePart: at.Minute(), query.SecondPart: at.Second()}[t.Part])
}

func (g *generator) titled(c *catalog.Catalog, depth int) query.Node {
	n := query.Titled{Test: g.textIs()}
	if g.IntN(2) == 0 {
		n.Test = g.textLike()
	}
	if g.IntN(2) == 0 {
		// Only what no title is asked in is a sight.
		for n.Seen == nil || hasTitled(n.Seen) {
			n.Seen = g.node(c, max(depth-1, 0))
		}
	}
	return n
}

func hasTitled(n query.Node) (has bool) {
	query.Walk(0, n, func(_ query.Catalog, n query.Node) {
		_, titled := n.(query.Titled)
		has = has || titled
	})
	return has
}

func (g *generator) textTest() query.Test {
	switch g.IntN(4) {
	case 0:
		return g.textIs()
	case 1:
		return query.TextRange{Min: maybe(g, pick(g, words)), Max: maybe(g, pick(g, words))}
	}
	return g.textLike()
}

func (g *generator) textIs() query.TextIs {
	var list query.TextIs
	for range g.IntN(4) {
		list = append(list, pick(g, []string{pick(g, words), text.OneLine(pick(g, words)), strings.ToLower(pick(g, words)), g.phone(),
			numbered("#", int64(1+g.IntN(clientCount))), numbered("#code-", int64(1+g.IntN(clientCount)))}))
	}
	return list
}

// textLike is a word, or a part of it, some characters of which are wildcards.
func (g *generator) textLike() query.TextLike {
	word := []rune(pick(g, append(slices.Clip(words), g.phone(), numbered("#code-", int64(1+g.IntN(clientCount))))))
	var pattern strings.Builder
	for i, r := range word {
		switch {
		case i > 0 && g.IntN(12) == 0:
			pattern.WriteString("%")
		case g.IntN(12) == 0:
			pattern.WriteString("_")
		case r == '%' || r == '_' || r == '\\' || g.IntN(20) == 0:
			pattern.WriteString(pick(g, []string{`\`, ""}) + string(r))
		default:
			pattern.WriteRune(r)
		}
	}
	s := pattern.String()
	if g.IntN(2) == 0 {
		s = pick(g, []string{"%", "_%", ""}) + s[:len(s)/2] + "%"
	}
	if g.IntN(4) == 0 {
		s = pick(g, []string{strings.ToLower(s), strings.ToUpper(s), "%", "%%", "", "_%", "%#%", `\`, "%a%"})
	}
	return query.TextLike{Pattern: strings.ToValidUTF8(s, ""), Fold: g.IntN(2) == 0}
}

func (g *generator) timePart() query.Test {
	t := query.TimePart{Part: query.Part(g.IntN(int(query.SecondPart) + 1)), Offset: pick(g, []int{0, 60, -90, 840, -720})}
	for range g.IntN(4) {
		t.In = append(t.In, pick(g, []int64{timePart(g.time(), t), 1, 2, 5, 52, 53}))
	}
	return t
}

// TestTimeParts compares every part of many times with those of Go.
func TestTimeParts(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		var records []*testRecord
		first, last := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli(), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).UnixMilli()
		for i := range int64(300) {
			at := []int64{first + i*86_399_999*7, last - i*86_400_001, i * 86_400_000 * 61, -i * 3_599_999}[i%4]
			records = append(records, order(query.Record(i+1), map[query.Field]catalog.Value{fDue: catalog.Time(at)}))
		}
		write(t, s, st, records)
		for part := query.YearPart; part <= query.SecondPart; part++ {
			for _, offset := range []int{0, 345, -600} {
				want := map[int64][]query.Record{}
				for _, r := range records {
					n := timePart(int64(r.values[fDue].(catalog.Time)), query.TimePart{Part: part, Offset: offset})
					want[n] = append(want[n], r.id)
				}
				for n, list := range want {
					got := foundOrders(t, s, st, cond(fDue, query.TimePart{Part: part, In: []int64{n, -7}, Offset: offset}))
					if !slices.Equal(got, list) {
						t.Fatalf("part %d is %d at %d: %v, want %v", part, n, offset, got, list)
					}
				}
			}
		}
	})
}

// textCases are texts of a field and, in the same order, whether a test holds.
var textValues = []string{"Straße", "STRASSE", "İstanbul", "istanbul", "Ёлка", "ёлка", "100%", "100 %", "a_b", "axb", `back\slash`,
	`say "hi"`, "it's", "[a]*?", "\u0001", "cafe\u0301s", "café", "line\nbreak"}

var textCases = []struct {
	test query.Test
	want string // the values, by "|"
}{
	{query.TextIs{"Straße"}, "Straße"},
	{query.TextIs{"straße"}, ""},
	{query.TextIs{"İstanbul", "ёлка", "nothing"}, "İstanbul|ёлка"},
	{query.TextIs{"100%", `say "hi"`, "it's", `back\slash`}, `100%|back\slash|say "hi"|it's`},
	{query.TextIs{"\u0001", "a_b"}, "a_b|\u0001"},
	{query.TextIs{"\u0001"}, "\u0001"},
	{query.TextIs{""}, ""},
	{query.TextIs{"\x00", "a\xff"}, ""},
	{query.TextIs{}, ""},
	{query.TextLike{Pattern: "stra%", Fold: true}, "Straße|STRASSE"},
	{query.TextLike{Pattern: "STRASSE", Fold: true}, "Straße|STRASSE"},
	{query.TextLike{Pattern: "Stra_e"}, "Straße"},
	{query.TextLike{Pattern: "ИСТАНБУЛ", Fold: true}, ""},
	{query.TextLike{Pattern: "i%ul", Fold: true}, "İstanbul|istanbul"},
	{query.TextLike{Pattern: "_лка"}, "Ёлка|ёлка"},
	{query.TextLike{Pattern: "ЁЛК%", Fold: true}, "Ёлка|ёлка"},
	{query.TextLike{Pattern: "ЁЛК%"}, ""},
	{query.TextLike{Pattern: `100\%`}, "100%"},
	{query.TextLike{Pattern: "100%"}, "100%|100 %"},
	{query.TextLike{Pattern: `a\_b`, Fold: true}, "a_b"},
	{query.TextLike{Pattern: "a_b"}, "a_b|axb"},
	{query.TextLike{Pattern: `back\\slash`}, `back\slash`},
	{query.TextLike{Pattern: `%"hi"`}, `say "hi"`},
	{query.TextLike{Pattern: "it's"}, "it's"},
	{query.TextLike{Pattern: "[a]*?"}, "[a]*?"},
	{query.TextLike{Pattern: "[A]*?", Fold: true}, "[a]*?"},
	{query.TextLike{Pattern: "cafe%"}, "cafe\u0301s"},
	{query.TextLike{Pattern: "CAFÉ%", Fold: true}, "cafe\u0301s|café"},
	{query.TextLike{Pattern: "line%"}, "line\nbreak"},
	{query.TextLike{Pattern: "\x00%"}, ""},
	{query.TextLike{}, ""},
	{query.TextLike{Pattern: "%", Fold: true}, strings.Join(textValues, "|")},
	{query.TextRange{Min: ptr("IST"), Max: ptr("it")}, "İstanbul|istanbul"},
	{query.TextRange{Min: ptr("ёлка")}, "Ёлка|ёлка"},
	{query.TextRange{Max: ptr("")}, ""},
}

// TestTexts asks every test of texts about a text, an entry of contacts and an
// address. A contact's lines are entries of their own where they are folded.
func TestTexts(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		records := []*testRecord{order(100, nil)}
		for i, v := range textValues {
			values := map[query.Field]catalog.Value{fNote: catalog.Text(v), fPlace: catalog.Address{Value: v, Data: []byte(`{"value":"Straße","n":"\u0000"}`)},
				fPhones: catalog.Contacts{{ID: "1", Contact: "other", Comment: `"contact":"Straße"`}, {ID: "2", Contact: v}}}
			records = append(records, order(query.Record(i+1), values))
		}
		write(t, s, st, records)
		for _, e := range textCases {
			for _, f := range []query.Field{fNote, fPlace, fPhones} {
				if _, sorted := e.test.(query.TextRange); sorted && f == fPhones {
					continue // by the first entry
				}
				for name, node := range map[string]query.Node{"": cond(f, e.test), "not ": query.Not{Node: query.Not{Node: cond(f, e.test)}}} {
					var got []string
					for _, r := range foundOrders(t, s, st, node) {
						got = append(got, textValues[r-1])
					}
					want := strings.Split(e.want, "|")
					slices.Sort(got)
					slices.Sort(want)
					if e.want == "" {
						want = nil
					}
					if !slices.Equal(got, want) {
						t.Errorf("%s%s %T %+v: %q, want %q", name, st.Field(f).Key, e.test, e.test, got, want)
					}
				}
			}
		}
	})
}

// TestManyTexts: lists are of any length.
func TestManyTexts(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		write(t, s, st, []*testRecord{order(1, map[query.Field]catalog.Value{fName: catalog.Text("number 7"),
			fPhones: catalog.Contacts{{ID: "1", Contact: "number 8"}}}), order(2, nil)})
		for _, n := range []int{3, maxPhrases, maxPhrases + 1, 40_000} {
			var list query.TextIs
			for i := range n {
				list = append(list, fmt.Sprint("number ", i+7))
			}
			for _, node := range []query.Node{cond(fName, list), cond(fPhones, list), query.Titled{Test: list}} {
				if got := foundOrders(t, s, st, node); !slices.Equal(got, []query.Record{1}) {
					t.Errorf("%T of %d texts: %v", node, n, got)
				}
			}
		}
	})
}
