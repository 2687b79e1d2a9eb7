package apisync

import (
	"testing"

	"kartoteka/internal/catalog"
)

// TestIdentifierNames: who waits for whom does not depend on how configs spell models
// and fields.
func TestIdentifierNames(t *testing.T) {
	model, field, other := &catalog.Catalog{}, &catalog.Field{}, &catalog.Field{}
	model.Num, field.Num, other.Num = 27, 2, 3
	name := func(spelled, attribute string, f *catalog.Field, key string) string {
		l := &CompiledLine{Line: &Line{Field: attribute}, Path: []*catalog.Field{f}}
		return identifierOf(&Compiled{Config: &Config{Model: spelled}, Catalog: model, Identifier: l}, &item{ident: &Ident{key: key}})
	}
	if a, b := name("27", "2", field, "A-1"), name("res.partner", "Reference", field, "A-1"); a != b {
		t.Errorf("%q and %q", a, b)
	}
	for _, different := range []string{name("27", "2", other, "A-1"), name("27", "2", field, "A-2")} {
		if different == name("27", "2", field, "A-1") {
			t.Error("different identifiers have one name")
		}
	}
}
