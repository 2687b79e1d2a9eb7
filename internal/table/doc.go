// Package table reads tables that come as files: CSV in the encodings and with
// the delimiters people use, sheets of XLSX workbooks, JSON as an array of
// objects or one object a line.
// It streams with bounded memory, proposes a type for each column and converts
// cells to it, and shows how far a long job is. For people at a terminal it writes
// tables and charts of bars.
//
// A load takes two passes over the same bytes, because a type is only certain
// when every row was seen:
//
//	Open ── Each ── Survey.Add ──▶ Survey.Columns     first pass
//	Open ── Each ── Column.Convert ──▶ the caller     second pass
//
// Input that can be read only once is kept by Spool. A row that cannot be read
// is reported with its place and does not end the reading; a file that cannot
// be understood does.
//
// The package must not know catalogs, fields, records or how they are stored.
package table
