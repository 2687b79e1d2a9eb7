package catalog

import (
	"regexp"
	"strconv"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// Employees is the number of the employees' catalog, "$users".
const Employees query.Catalog = 3

// keyForm is what callers may choose; knownForm also what the system has: the
// mirror of a system catalog has its id.
var (
	keyForm   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)
	knownForm = regexp.MustCompile(`^[$]?[A-Za-z][A-Za-z0-9_-]{0,63}$`)
)

// chosenKey checks the public id that a caller chose for a thing whose number
// is number: "" when it may have it, else the code of the refusal. A decimal
// number is not for callers to choose; naming the one the thing gets anyway is
// no choice, and lets a copied structure be sent as it was read.
func chosenKey(key string, number int64) fault.Code {
	if keyForm.MatchString(key) || key == strconv.FormatInt(number, 10) {
		return ""
	}
	return fault.InvalidID
}
