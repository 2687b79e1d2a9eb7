package catalog

import (
	"strconv"

	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// maxTitle is the longest title in characters.
const maxTitle = 256

// TitleText is what a record is called whose title field has that value: the
// value on one line, else "#" and the record's public id.
func TitleText(value string, r query.Record, code string) string {
	switch {
	case !blank(value):
		return text.Cut(text.OneLine(value), maxTitle)
	case code != "":
		return "#" + code
	}
	return "#" + strconv.FormatInt(int64(r), 10)
}

// NewTitleRow is a title with what it is searched and sorted by.
func NewTitleRow(title string) TitleRow {
	return TitleRow{Text: title, Fold: text.Fold(title), Key: text.SortKey(title)}
}
