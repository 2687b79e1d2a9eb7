package repotest

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

const (
	maxFunction = 60
	maxFile     = 500
	// sizeOK, with a reason after it, allows a longer function when it stands in
	// the function's comment, a longer file when it stands above the package clause.
	sizeOK = "//size:ok "
)

// TestSizes leaves functions of tests alone: their tables are data.
func TestSizes(t *testing.T) {
	for _, s := range sources(t) {
		if ast.IsGenerated(s.file) {
			continue
		}
		if n := s.line(s.file.FileEnd); n > maxFile && !allowed(s.file, s.file.FileStart, s.file.Package) {
			t.Errorf("%s has %d lines: split it or say why (%sreason)", s.path, n, sizeOK)
		}
		if s.test() || support(s.dir()) {
			continue
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			start := f.Pos()
			if f.Doc != nil {
				start = f.Doc.Pos()
			}
			if n := s.line(f.End()) - s.line(f.Type.Pos()) + 1; n > maxFunction && !allowed(s.file, start, f.Type.Pos()) {
				t.Errorf("%s:%d: %s has %d lines: split it or say why (%sreason)", s.path, s.line(f.Pos()), f.Name.Name, n, sizeOK)
			}
		}
	}
}

// allowed looks for the directive with a reason between two places.
func allowed(file *ast.File, from, to token.Pos) bool {
	for _, group := range file.Comments {
		for _, c := range group.List {
			reason, ok := strings.CutPrefix(c.Text, sizeOK)
			if ok && c.Pos() >= from && c.Pos() < to && len(strings.Fields(reason)) > 1 {
				return true
			}
		}
	}
	return false
}
