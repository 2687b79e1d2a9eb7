package store

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"kartoteka/internal/query"
)

// queryDialect is what the databases say differently in reading.
type queryDialect interface {
	// AnyText is the condition that expr is among the strings of one parameter,
	// a JSON array.
	AnyText(expr string) string
	// Contains is the condition that a folded text has s in it, as a substring
	// without wildcards, with its one argument.
	Contains(expr, s string) (cond, arg string)
	// SearchPlaces are the tables with the search rows of a catalog, none in two.
	SearchPlaces(c query.Catalog) []searchPlace
	// FindsInOrder tells whether a search by index gives rows in the order of
	// their keys, in either direction, without sorting them.
	FindsInOrder(s string) bool
	// MonthDay is the month and day ("02-29") of a time in milliseconds moved by
	// one parameter, monthDayShift of minutes.
	MonthDay(expr string) string
	// TimePart is the part of a time as an integer, "" for none; each of its
	// parameters is what that of MonthDay is.
	TimePart(expr string, p query.Part) string
	// EmptyLast tells whether plain ORDER BY puts NULL last in that direction.
	EmptyLast(desc bool) bool
	// TitleWalk is the condition that a title is that of a record, whose Ref is
	// base more than its number, for statements that follow the order of titles
	// and look up the records.
	TitleWalk(ref, id, base string) string
	// AnyKey is the condition that the JSON object expr has one of the keys of
	// one parameter, a JSON array of strings.
	AnyKey(expr string) string
	textDialect
}

// The calendar repeats after 400 years, so a time is taken modulo those and is
// then one of 1970 to 2369, which both databases know. It is moved to a positive
// number before, because both round towards zero.
const (
	cycleSeconds  = 146_097 * 86_400
	secondInCycle = " + ?) / 1000 % 12622780800"
)

// monthDayShift is the argument of MonthDay for minutes east of UTC.
func monthDayShift(minutes int) int64 { return 8*cycleSeconds*1000 + int64(minutes)*60_000 }

// cycleYears is what a year of 1970 to 2369 lacks.
func cycleYears(expr string) string {
	return " + 400 * ((" + expr + " + ?) / 12622780800000 - 8)"
}

// ftsCharacters is the least a trigram index can find.
const ftsCharacters = 3

func (sqliteDialect) AnyText(expr string) string {
	return expr + " IN (SELECT value FROM json_each(?))"
}

func (sqliteDialect) Contains(expr, s string) (cond, arg string) {
	return "instr(" + expr + ", ?) > 0", s
}

// notInTail is the condition that a row of s_N holds. Mostly nothing waits, which
// is found out once.
const notInTail = ` AND (NOT EXISTS (SELECT 1 FROM search_tail WHERE catalog = {n}) OR ` +
	`NOT EXISTS (SELECT 1 FROM search_tail p WHERE p.catalog = {n} AND p.place = {s}.rowid))`

func (d sqliteDialect) SearchPlaces(c query.Catalog) []searchPlace {
	indexed := searchPlace{table: searchTable(c), place: "rowid", also: fill(notInTail, c)}
	indexed.finds = func(s string) (cond, arg string) {
		if !d.FindsInOrder(s) {
			return d.Contains("fold", s)
		}
		return indexed.table + " MATCH ?", `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	indexed.findsAny = func(list []string) (cond, arg string) {
		phrases := make([]string, len(list))
		for i, s := range list {
			phrases[i] = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
		}
		return indexed.table + " MATCH ?", strings.Join(phrases, " OR ")
	}
	tail := searchPlace{table: "search_tail", place: "place", also: fill(" AND catalog = {n}", c)}
	tail.finds = func(s string) (cond, arg string) { return d.Contains("fold", s) }
	for _, p := range []*searchPlace{&indexed, &tail} {
		p.record, p.slot = p.place+" >> 16", "("+p.place+" & 65535)"
		p.at = func(id string, slot int) string { return p.place + " = (" + id + " << 16) + " + strconv.Itoa(slot) }
	}
	return []searchPlace{indexed, tail}
}

func (sqliteDialect) FindsInOrder(s string) bool { return utf8.RuneCountInString(s) >= ftsCharacters }

func (sqliteDialect) MonthDay(expr string) string {
	return "strftime('%m-%d', (" + expr + secondInCycle + ", 'unixepoch')"
}

// sqliteParts are the parts of times for strftime.
var sqliteParts = map[query.Part]string{query.YearPart: "%Y", query.QuarterPart: "%m", query.MonthPart: "%m", query.WeekPart: "%V",
	query.WeekdayPart: "%u", query.DayOfMonthPart: "%d", query.DayOfYearPart: "%j", query.HourPart: "%H",
	query.MinutePart: "%M", query.SecondPart: "%S"}

func (sqliteDialect) TimePart(expr string, p query.Part) string {
	format := sqliteParts[p]
	if format == "" {
		return ""
	}
	part := "CAST(strftime('" + format + "', (" + expr + secondInCycle + ", 'unixepoch') AS INTEGER)"
	switch p {
	case query.YearPart:
		return part + cycleYears(expr)
	case query.QuarterPart:
		return "(" + part + " + 2) / 3"
	}
	return part
}

func (sqliteDialect) EmptyLast(desc bool) bool { return desc }

// TitleWalk says it both ways: without statistics SQLite may begin with the
// records all the same, and must not look for each one's title along the index.
func (sqliteDialect) TitleWalk(ref, id, base string) string {
	return ref + " = " + id + " + " + base + " AND " + id + " = " + ref + " - " + base
}

func (sqliteDialect) AnyKey(expr string) string {
	return "EXISTS (SELECT 1 FROM json_each(" + expr + ") e WHERE e.key IN (SELECT value FROM json_each(?)))"
}

func (postgresDialect) AnyText(expr string) string {
	return expr + " IN (SELECT jsonb_array_elements_text(?::jsonb))"
}

var likeLiteral = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func (postgresDialect) Contains(expr, s string) (cond, arg string) {
	return expr + " LIKE ?", "%" + likeLiteral.Replace(s) + "%"
}

func (d postgresDialect) SearchPlaces(c query.Catalog) []searchPlace {
	return []searchPlace{{table: searchTable(c), record: "record", slot: "slot",
		at:    func(id string, slot int) string { return "record = " + id + " AND slot = " + strconv.Itoa(slot) },
		finds: func(s string) (cond, arg string) { return d.Contains("fold", s) },
		findsAny: func(list []string) (cond, arg string) {
			patterns := make([]string, len(list))
			for i, s := range list {
				_, patterns[i] = d.Contains("fold", s)
			}
			return "fold LIKE ANY (ARRAY(SELECT jsonb_array_elements_text(?::jsonb)))", jsonTexts(patterns)
		}}}
}

func (postgresDialect) FindsInOrder(string) bool { return false }

func (postgresDialect) MonthDay(expr string) string {
	return "to_char(timestamp '1970-01-01' + interval '1 second' * ((" + expr + secondInCycle + "), 'MM-DD')"
}

// postgresParts are the parts of times for to_char.
var postgresParts = map[query.Part]string{query.YearPart: "YYYY", query.QuarterPart: "Q", query.MonthPart: "MM", query.WeekPart: "IW",
	query.WeekdayPart: "ID", query.DayOfMonthPart: "DD", query.DayOfYearPart: "DDD", query.HourPart: "HH24",
	query.MinutePart: "MI", query.SecondPart: "SS"}

func (postgresDialect) TimePart(expr string, p query.Part) string {
	format := postgresParts[p]
	if format == "" {
		return ""
	}
	part := "to_char(timestamp '1970-01-01' + interval '1 second' * ((" + expr + secondInCycle + "), '" + format + "')::bigint"
	if p == query.YearPart {
		return part + cycleYears(expr)
	}
	return part
}

func (postgresDialect) EmptyLast(desc bool) bool { return !desc }

// TitleWalk says it once: PostgreSQL would take the two for independent.
func (postgresDialect) TitleWalk(ref, id, base string) string { return id + " = " + ref + " - " + base }

func (postgresDialect) AnyKey(expr string) string {
	return "jsonb_exists_any(" + expr + "::jsonb, ARRAY(SELECT jsonb_array_elements_text(?::jsonb)))"
}
