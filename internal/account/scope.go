package account

import "slices"

// Verbs are kinds of work, a bit each.
type Verbs uint8

// The kinds of work that a token may be narrowed to.
const (
	Reads       Verbs = 1 << iota // look at records
	Creates                       // make records
	Updates                       // change records, comment on them
	Deletes                       // remove records
	Administers                   // change sections, catalogs, views, rights and records that steer the program

	// AllVerbs is every kind of work there is.
	AllVerbs = Reads | Creates | Updates | Deletes | Administers
)

// verbNames are the public names in the order of the bits.
var verbNames = []string{"read", "create", "update", "delete", "admin"}

// VerbByName finds a verb by its public name.
func VerbByName(name string) (v Verbs, ok bool) {
	i := slices.Index(verbNames, name)
	if i < 0 {
		return 0, false
	}
	return 1 << i, true
}

// Names are the public names of the verbs.
func (v Verbs) Names() []string {
	names := make([]string, 0, len(verbNames))
	for i, name := range verbNames {
		if v&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// Scope is what a token is narrowed to, within what its employee may do. It is
// shared between requests: nobody changes it. A nil Scope narrows nothing; it is
// that of whoever signed in with a password.
type Scope struct {
	Catalogs []int64 // their numbers; nil for all
	Verbs    Verbs
}

// Allows tells whether one of the verbs is allowed, in some catalog. A scope of
// some catalogs never administers: structure and rights are not inside of one.
func (s *Scope) Allows(v Verbs) bool {
	switch {
	case s == nil:
		return true
	case s.Catalogs != nil:
		v &^= Administers
	}
	return s.Verbs&v != 0
}

// Covers tells whether a catalog is within the scope.
func (s *Scope) Covers(catalog int64) bool {
	return s == nil || s.Catalogs == nil || slices.Contains(s.Catalogs, catalog)
}
