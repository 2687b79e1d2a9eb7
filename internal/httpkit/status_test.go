package httpkit

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"kartoteka/internal/fault"
)

// TestEveryCodeHasAStatus reads the codes from fault's source, so that a new
// one cannot be forgotten.
func TestEveryCodeHasAStatus(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../fault/fault.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Type == nil || len(spec.Values) != 1 {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != "Code" {
			return true
		}
		code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		found++
		if _, ok := statuses[fault.Code(code)]; !ok {
			t.Errorf("code %s has no status", code)
		}
		return true
	})
	if found < 40 {
		t.Errorf("only %d codes were found", found)
	}
}
