package repotest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// What a caller reads goes through a function of package fault with a parameter
// "format", or through one that passes its own on to such a function. The
// argument is the key of the translations, so it is a literal, and every
// language has it.
func TestMessagesAreTranslated(t *testing.T) {
	formats := messageFormats(t)
	if len(formats) < 50 {
		t.Fatalf("only %d messages found: the search is broken", len(formats))
	}
	for _, lang := range []string{"uk", "ru"} {
		translated := translations(t, lang)
		for format, place := range formats {
			if _, ok := translated[format]; !ok && wordy(format) {
				t.Errorf("%s lacks %q (%s)", lang, format, place)
			}
		}
		for format, text := range translated {
			if formats[format] == "" {
				t.Errorf("%s translates %q, which nobody says", lang, format)
			}
			if why := misfit(format, text); why != "" {
				t.Errorf("%s: %q for %q: %s", lang, text, format, why)
			}
		}
	}
}

// translations reads one language's file, which is written as Go writes it:
// sorted, and no key twice.
func translations(t *testing.T, lang string) (m map[string]string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "internal/fault/locale", lang+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatalf("%s: %v", lang, err)
	}
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, want.Bytes()) {
		t.Errorf("%s.json is not sorted, not indented by two spaces or has a key twice", lang)
	}
	return m
}

var verb = regexp.MustCompile(`%(?:\[(\d+)\])?([a-zA-Z])`)

// wordy tells whether a format has anything to translate.
func wordy(format string) bool {
	return strings.ContainsFunc(verb.ReplaceAllString(format, ""), unicode.IsLetter)
}

// misfit says why a text cannot stand for a format; "" when it can.
func misfit(format, text string) string {
	first, _ := utf8.DecodeRuneInString(format)
	begins, _ := utf8.DecodeRuneInString(text)
	switch {
	case !maps.Equal(verbsOf(format), verbsOf(text)):
		return "it has other verbs"
	case unicode.IsLetter(first) && unicode.IsLetter(begins) && unicode.IsUpper(first) != unicode.IsUpper(begins):
		return "it begins with another case"
	case strings.HasSuffix(format, ".") != strings.HasSuffix(text, "."):
		return "only one of them ends in a dot"
	}
	return ""
}

// verbsOf gives the verb of each argument, "%[2]s" being one of the second.
func verbsOf(format string) map[int]string {
	found, n := map[int]string{}, 0
	for _, m := range verb.FindAllStringSubmatch(format, -1) {
		if n++; m[1] != "" {
			n, _ = strconv.Atoi(m[1])
		}
		found[n] += m[2]
	}
	return found
}

func TestMisfit(t *testing.T) {
	for _, c := range []struct {
		format, text string
		fits         bool
	}{
		{"%s has %d", "%s: %d", true},
		{"%s has %d", "%[2]d: %[1]s", true},
		{"%s has %s", "%[2]s: %s", false},
		{"%s has %d", "%d: %s", false},
		{"%s has %d", "%s", false},
		{"no", "ні %s", false},
		{"No", "ні", false},
		{"No.", "Ні", false},
		{"%d at most", "Не більше: %d", true},
	} {
		if why := misfit(c.format, c.text); (why == "") != c.fits {
			t.Errorf("%q, %q: %q", c.format, c.text, why)
		}
	}
}

// messageFormats finds all format strings and where they stand.
func messageFormats(t *testing.T) map[string]string {
	t.Helper()
	var program []source
	var files []*ast.File
	for _, s := range sources(t) {
		if !s.test() {
			program, files = append(program, s), append(files, s.file)
		}
	}
	formats, takers := map[string]string{}, messageTakers(files)
	for _, s := range program {
		collectFormats(t, s, takers, formats)
	}
	return formats
}

// messageTakers finds the functions, as "package.Name", whose format ends in a
// message, and the index of that parameter.
func messageTakers(files []*ast.File) map[string]int {
	takers := map[string]int{}
	for grown := true; grown; {
		grown = false
		for _, f := range files {
			for _, d := range f.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				name, i := f.Name.Name+"."+fn.Name.Name, formatParameter(fn)
				if _, known := takers[name]; i >= 0 && !known && (f.Name.Name == "fault" || passesFormat(f, fn, takers)) {
					takers[name], grown = i, true
				}
			}
		}
	}
	return takers
}

// passesFormat tells whether a function gives its format to a taker.
func passesFormat(f *ast.File, fn *ast.FuncDecl, takers map[string]int) (passes bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if i, ok := takers[calledName(f, call)]; ok && i < len(call.Args) {
			arg, ok := call.Args[i].(*ast.Ident)
			passes = passes || ok && arg.Name == "format"
		}
		return true
	})
	return passes
}

// formatParameter is the index of a parameter "format string", -1 if there is
// none.
func formatParameter(fn *ast.FuncDecl) int {
	i := 0
	for _, p := range fn.Type.Params.List {
		for _, name := range p.Names {
			if typ, ok := p.Type.(*ast.Ident); ok && name.Name == "format" && typ.Name == "string" {
				return i
			}
			i++
		}
	}
	return -1
}

func collectFormats(t *testing.T, s source, takers map[string]int, formats map[string]string) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		i, ok := takers[calledName(s.file, call)]
		if !ok || i >= len(call.Args) {
			return true
		}
		place := fmt.Sprintf("%s:%d", s.path, s.line(call.Pos()))
		if arg, ok := call.Args[i].(*ast.Ident); ok && arg.Name == "format" {
			return true
		}
		format, ok := literal(call.Args[i])
		if !ok {
			t.Errorf("%s: the message is not a literal", place)
			return true
		}
		formats[format] = place
		return true
	})
}

func literal(e ast.Expr) (text string, ok bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// calledName is the called function as "package.Name"; a method counts as one
// of the calling package.
func calledName(f *ast.File, call *ast.CallExpr) string {
	switch fun := call.Fun.(type) {
	case *ast.Ident:
		return f.Name.Name + "." + fun.Name
	case *ast.SelectorExpr:
		if pkg, ok := fun.X.(*ast.Ident); ok && pkg.Obj == nil {
			for _, spec := range f.Imports {
				path, _ := strconv.Unquote(spec.Path.Value)
				if path == pkg.Name || strings.HasSuffix(path, "/"+pkg.Name) {
					return pkg.Name + "." + fun.Sel.Name
				}
			}
		}
		return f.Name.Name + "." + fun.Sel.Name
	}
	return ""
}
