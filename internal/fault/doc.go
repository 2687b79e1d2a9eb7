// Package fault is the one error type that may reach a caller, and its codes.
//
// Every room returns *Error for what the caller can mend and wraps anything
// else with fmt.Errorf; httpkit turns codes into statuses in one table and
// answers a bare 500 to every other error. The package knows nothing of HTTP.
//
// Messages are written in English at the place of the error, as constant
// format strings. Their translations are looked up by that string in
// locale/uk.json and locale/ru.json; a test walks the repository's source and
// fails when a format lacks one.
package fault
