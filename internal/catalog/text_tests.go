package catalog

import (
	"bytes"
	"slices"
	"strings"

	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// satisfiesText tests a value that is not empty as the store does.
func satisfiesText(f *Field, v Value, test query.Test) bool {
	switch t := test.(type) {
	case query.TextIs:
		return slices.ContainsFunc(textsOf(v), func(s string) bool { return slices.Contains(t, s) })
	case query.TextLike:
		texts := textsOf(v)
		if t.Fold {
			t.Pattern, texts = text.Fold(t.Pattern), foldsOf(f, v)
		}
		return slices.ContainsFunc(texts, text.ParsePattern(t.Pattern).Matches)
	case query.TextRange:
		key := f.Type.Key(f, v)
		return len(key) > 0 && (t.Min == nil || bytes.Compare(text.SortKey(*t.Min), key) <= 0) &&
			(t.Max == nil || bytes.Compare(key, text.SortKey(*t.Max)) <= 0)
	}
	return false
}

// textsOf are the texts of a value: its entries, for contacts.
func textsOf(v Value) (list []string) {
	switch v := v.(type) {
	case Text:
		list = []string{string(v)}
	case Address:
		list = []string{v.Value}
	case Contacts:
		for _, c := range v {
			list = append(list, c.Contact)
		}
	}
	return list
}

// foldsOf are the folded texts of a value: the lines of its entries, for contacts.
func foldsOf(f *Field, v Value) (list []string) {
	for _, row := range f.Type.Search(f, v) {
		if row.Part != SearchText {
			continue
		}
		if _, entries := v.(Contacts); entries {
			list = append(list, strings.Split(row.Fold, "\n")...)
		} else {
			list = append(list, row.Fold)
		}
	}
	return list
}
