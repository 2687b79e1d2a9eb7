package repotest

import (
	"go/ast"
	"strconv"
	"strings"
	"testing"
)

// TestSettingsAreRead: every field of config.Settings, which the reference
// calls a setting with effect, is read by a package that imports config.
func TestSettingsAreRead(t *testing.T) {
	fields, read, users := map[string]bool{}, map[string]bool{}, map[string]bool{}
	all := sources(t)
	for _, s := range all {
		users[s.dir()] = users[s.dir()] || imports(s.file, module+"/internal/config")
	}
	for _, s := range all {
		switch {
		case s.path == "internal/config/settings.go":
			settingsFields(s.file, fields)
		case !s.test() && room(s.dir()) != "config" && users[s.dir()]:
			ast.Inspect(s.file, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok {
					read[sel.Sel.Name] = true
				}
				return true
			})
		}
	}
	if len(fields) == 0 {
		t.Fatal("config.Settings has no fields")
	}
	// The session key is read through Keys.
	read["CookieSecret"] = read["CookieSecret"] || read["Keys"]
	for name := range fields {
		if !read[name] {
			t.Errorf("config.Settings.%s is read nowhere: wire it, or mark the setting Later", name)
		}
	}
}

func settingsFields(file *ast.File, into map[string]bool) {
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != "Settings" {
			return true
		}
		for _, f := range spec.Type.(*ast.StructType).Fields.List {
			for _, name := range f.Names {
				if name.IsExported() {
					into[name.Name] = true
				}
			}
		}
		return false
	})
}

func imports(file *ast.File, path string) bool {
	for _, spec := range file.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil && strings.TrimSuffix(p, "/") == path {
			return true
		}
	}
	return false
}
