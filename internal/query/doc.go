// Package query is what can be asked of a catalog: the filter tree, the sort,
// the page, and the numbers that name things inside the program.
//
// A tree is typed: whoever builds one (a foreign API's decoder, a legal view)
// has already turned text into the values of the field's type. The package
// knows no field types, no rights, no SQL and no foreign ids.
package query
