package catalog

import (
	"encoding/json"
	"math"
	"strconv"

	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// AppendHistoryJSON adds one value in the form that history, change log and
// trash keep for ever, whatever later becomes of fields, options and titles:
//
//	text        "…"            number, progress  1.5       date  1772665567000 (UTC ms)
//	switch      true           stars             4         no value  null
//	options     ["1","new"]    public ids, a list also for single choices
//	links       [{"c":31,"r":12,"k":"acme","t":"Acme Ltd"}]   numbers, custom id if any, title then
//	others      their stored JSON
func AppendHistoryJSON(dst []byte, f *Field, v Value, titles Titles) []byte {
	switch v := v.(type) {
	case Text:
		return tree.AppendString(dst, string(v))
	case Number:
		return AppendNumber(dst, float64(v))
	case Whole:
		return strconv.AppendInt(dst, int64(v), 10)
	case Time:
		return strconv.AppendInt(dst, int64(v), 10)
	case Bool:
		return strconv.AppendBool(dst, bool(v))
	case Items:
		return appendItemKeys(dst, f, v)
	case Links:
		return appendLinkTitles(dst, v, titles)
	case Contacts, Address, Files:
		return append(dst, storedJSON(v)...)
	}
	return append(dst, "null"...)
}

// historyOf is the payload of a history entry of one field's change.
func historyOf(f *Field, before, after Value) json.RawMessage {
	payload := strconv.AppendInt([]byte(`{"`), int64(f.Num), 10)
	payload = AppendHistoryJSON(append(payload, `":{"o":`...), f, before, nil)
	payload = AppendHistoryJSON(append(payload, `,"n":`...), f, after, nil)
	return append(payload, "}}"...)
}

func appendItemKeys(dst []byte, f *Field, items Items) []byte {
	dst = append(dst, '[')
	for i, n := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		key := strconv.FormatInt(int64(n), 10)
		if item := f.Config.Item(n); item != nil {
			key = item.Key
		}
		dst = tree.AppendString(dst, key)
	}
	return append(dst, ']')
}

func appendLinkTitles(dst []byte, links Links, titles Titles) []byte {
	dst = append(dst, '[')
	for i, l := range links {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"c":`...)
		dst = strconv.AppendInt(dst, int64(l.Catalog), 10)
		dst = append(dst, `,"r":`...)
		dst = strconv.AppendInt(dst, int64(l.Record), 10)
		title := titles[query.MakeRef(l.Catalog, l.Record)]
		if title.Code != "" {
			dst = append(dst, `,"k":`...)
			dst = tree.AppendString(dst, title.Code)
		}
		dst = append(dst, `,"t":`...)
		dst = tree.AppendString(dst, title.Text)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// AppendNumber adds a number rounded to 15 significant digits, as answers have
// it; a number that is not finite is null.
func AppendNumber(dst []byte, n float64) []byte {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return append(dst, "null"...)
	}
	if n == math.Trunc(n) && math.Abs(n) < 1e15 {
		return strconv.AppendInt(dst, int64(n), 10)
	}
	// The shortest form of the rounded number has no noise of the binary one.
	rounded := RoundNumber(n)
	if a := math.Abs(rounded); a < 1e-6 || a >= 1e21 {
		return strconv.AppendFloat(dst, rounded, 'e', -1, 64)
	}
	return strconv.AppendFloat(dst, rounded, 'f', -1, 64)
}

// RoundNumber rounds to 15 significant digits. Numbers are stored and compared
// so: what a client reads is what it can filter by and send back unchanged.
func RoundNumber(n float64) float64 {
	if n == math.Trunc(n) && math.Abs(n) < 1e15 {
		return n
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(n, 'g', 15, 64), 64)
	if err != nil {
		return n // beyond the largest number
	}
	return rounded
}
