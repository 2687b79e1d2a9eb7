package store

import (
	"strings"

	"kartoteka/internal/query/text"
)

// textDialect is what the databases say differently about texts.
type textDialect interface {
	// AnyBytes is the condition that expr is among the bytes of one parameter, a JSON
	// array of hexadecimal strings.
	AnyBytes(expr string) string
	// Matches is the condition that the text expr matches a pattern, with its one
	// argument.
	Matches(expr string, p text.Pattern) (cond, arg string)
	// Contacts is a table of the entries of contacts, stored as expr, and the text of
	// a row of it.
	Contacts(expr string) (from, entry string)
	// AddressText is the text of an address that is stored as expr.
	AddressText(expr string) string
	// Lines is a table of the lines of a text, and the text of a row of it.
	Lines(expr string) (from, line string)
}

func (sqliteDialect) AnyBytes(expr string) string {
	return expr + " IN (SELECT unhex(value) FROM json_each(?))"
}

// globLiteral escapes what means something to GLOB, which tells capitals, unlike
// SQLite's LIKE.
var globLiteral = strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]")

// Matches keeps the condition from the search index, which is asked otherwise.
func (sqliteDialect) Matches(expr string, p text.Pattern) (cond, arg string) {
	return "+" + expr + " GLOB ?", wildcards(p, "*", "?", globLiteral)
}

func (sqliteDialect) Contacts(expr string) (from, entry string) {
	return "json_each(" + expr + ") e", "(e.value ->> 'contact')"
}

func (sqliteDialect) AddressText(expr string) string { return "(" + expr + " ->> 'value')" }

// Lines makes an array of the text as a JSON string, whose breaks are \n there, and
// nothing else is.
func (sqliteDialect) Lines(expr string) (from, line string) {
	return `json_each('[' || replace(replace(json_quote(` + expr + `), '\\', '\u005c'), '\n', '","') || ']') e`, "e.value"
}

func (postgresDialect) AnyBytes(expr string) string {
	return expr + " = ANY (ARRAY(SELECT decode(jsonb_array_elements_text(?::jsonb), 'hex')))"
}

func (postgresDialect) Matches(expr string, p text.Pattern) (cond, arg string) {
	return expr + " LIKE ?", wildcards(p, "%", "_", likeLiteral)
}

func (postgresDialect) Contacts(expr string) (from, entry string) {
	return "jsonb_array_elements(" + expr + "::jsonb) e", "(e ->> 'contact')"
}

// AddressText reads no more than the first member: what somebody's service knows of
// an address may have a NUL, which PostgreSQL does not take.
func (postgresDialect) AddressText(expr string) string {
	return `(substring(` + expr + ` from '^\{"value":("([^"\\]|\\.)*")')::jsonb #>> '{}')`
}

func (postgresDialect) Lines(expr string) (from, line string) {
	return "unnest(string_to_array(" + expr + ", chr(10))) e (line)", "e.line"
}

// wildcards writes a pattern with a database's wildcards.
func wildcards(p text.Pattern, any, one string, literal *strings.Replacer) string {
	var out strings.Builder
	for _, part := range p {
		switch {
		case part.Any:
			out.WriteString(any)
		case part.Text == "":
			out.WriteString(one)
		default:
			out.WriteString(literal.Replace(part.Text))
		}
	}
	return out.String()
}
