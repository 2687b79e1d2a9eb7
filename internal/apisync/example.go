package apisync

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query/tree"
)

// example is a body that an endpoint takes. Where a value must be new, or must be one
// that is there, it has a variable.
type example struct {
	body      tree.Value
	variables []variable
}

// variable stands for a value of an example.
type variable struct {
	name   string     // in the body it is {{name}}
	sample tree.Value // of the same kind
	// fresh is a JavaScript expression of a value that no record has; "" when somebody
	// must say what is there.
	fresh string
}

// exampleDay is the date of examples.
var exampleDay = time.Date(2026, time.March, 9, 8, 15, 0, 0, time.UTC).UnixMilli()

// exampleOf makes an item for an endpoint: a new record, or a change, which leaves the
// identifier as it is. It has options of fields alone that sees tells of.
func exampleOf(c *Compiled, change bool, sees func(*catalog.Field) bool) (e example) {
	var d growing
	for _, l := range c.mapping().lines {
		if !l.In() || l.ExternalKey == "" || len(l.path.steps) == 0 || l.why.Format != "" || change && l.IsRecordIdentifier {
			continue
		}
		v, ok := l.example(c, sees)
		if l.IsRecordIdentifier {
			v, ok = e.fresh(c, l)
		}
		if !ok && l.Required && !l.defaults && !change {
			v, ok = e.asked(c, l), true
		}
		if ok {
			d.set(l.path, v)
		}
	}
	e.body = d.value()
	if at, ok := ParsePath(c.BodyPath); ok && c.BodyPath != "" && e.body.Len() > 0 {
		var around growing
		around.set(at, e.body)
		e.body = around.value()
	}
	return e
}

// variableName is the name of a variable of an endpoint.
func variableName(c *Compiled, name string) string {
	return c.Endpoint.Endpoint + "_" + componentName(name)
}

// stand gives what stands for a variable in the body. The text "{{#name}}" becomes a
// variable without quotes.
func (e *example) stand(v variable) tree.Value {
	e.variables = append(e.variables, v)
	if v.sample.Kind == tree.Number {
		return tree.NewString("{{#" + v.name + "}}")
	}
	return tree.NewString("{{" + v.name + "}}")
}

// fresh is an identifier that no record has; false when none can be made up.
func (e *example) fresh(c *Compiled, l *mapLine) (tree.Value, bool) {
	f := l.Field()
	if f == nil || l.System != "" || l.values != nil || l.scripted() || len(l.Path) > 1 {
		return tree.Value{}, false
	}
	v := variable{name: variableName(c, "key"), sample: tree.NewString("A-1"), fresh: `"postman-" + Date.now()`}
	switch {
	case f.Type.Name() == "text" && f.Config.Kind == catalog.KindMail, f.Type.Name() == "contact" && f.Config.Kind == "email":
		v.sample, v.fresh = tree.NewString("anna@example.com"), `"postman-" + Date.now() + "@example.com"`
	case f.Type.Name() == "text" && f.Config.Kind != catalog.KindMask, f.Type.Name() == "address":
	case f.Type.Name() == "contact":
		v.sample, v.fresh = tree.NewString("+380441234567"), `"+38" + Date.now()`
	case f.Type.Name() == "number" && f.Config.Min == nil && f.Config.Max == nil:
		v.sample, v.fresh = tree.NewNumber("1"), `String(Date.now())`
	default:
		return tree.Value{}, false
	}
	return e.stand(v), true
}

// asked is a value that only somebody who knows the data can give.
func (e *example) asked(c *Compiled, l *mapLine) tree.Value {
	return e.stand(variable{name: variableName(c, l.ExternalKey), sample: tree.NewString("UA")})
}

// example is a value that the line reads; false when none is known to be right.
func (l *mapLine) example(c *Compiled, sees func(*catalog.Field) bool) (tree.Value, bool) {
	f := l.Field()
	switch {
	case l.scripted() || l.child != nil || l.related() || len(l.Path) > 1:
		return tree.Value{}, false
	case l.values != nil:
		if len(l.values.pairs) == 0 {
			return tree.Value{}, false
		}
		return l.values.typed(l.values.pairs[0].external), true
	case l.System == "active":
		return tree.NewBool(true), c.State.activeField(c.Catalog) != nil
	case f == nil || f.HoldsLinks() || l.System != "":
		return tree.Value{}, false
	case f.Storage() == catalog.FilesStorage:
		return tree.NewObject([]tree.Field{{Key: "name", Value: tree.NewString("note.txt")}, {Key: "content", Value: tree.NewString("bm90ZQ==")}}), l.Required
	case f.Storage().HasItems():
		if len(f.Config.Items) == 0 || !sees(f) {
			return tree.Value{}, false
		}
		v := tree.NewString(f.Config.Items[0].Name)
		if f.Storage() == catalog.ItemsStorage {
			v = tree.NewList([]tree.Value{v})
		}
		return v, true
	}
	return l.exampleOfType(f)
}

func (l *mapLine) exampleOfType(f *catalog.Field) (tree.Value, bool) {
	text := func(s string) (tree.Value, bool) { return tree.NewString(s), true }
	switch f.Type.Name() {
	case "text":
		switch f.Config.Kind {
		case catalog.KindMask:
			return text(maskExample(f.Config.Mask))
		case catalog.KindMail:
			return text("anna@example.com")
		}
		return text("Example")
	case "number":
		n := 1.0
		if f.Config.Min != nil {
			n = max(n, *f.Config.Min)
		}
		if f.Config.Max != nil {
			n = min(n, *f.Config.Max)
		}
		return tree.NewNumber(string(catalog.AppendNumber(nil, n))), true
	case "progress":
		return tree.NewNumber("50"), true
	case "stars":
		return tree.NewNumber("4"), true
	case "switch":
		return tree.NewBool(true), true
	case "date":
		return dateOut(f, exampleDay, l.patterns), true
	case "contact":
		if s := map[string]string{"email": "anna@example.com", "site": "https://example.com"}[f.Config.Kind]; s != "" {
			return text(s)
		}
		return text("+380441234567")
	case "address":
		return text("1 Main Street")
	}
	return tree.Value{}, false
}

// maskExample is a text that fills a mask: its signs for digits and letters are such
// themselves.
func maskExample(mask string) string {
	var b strings.Builder
	escaped := false
	for _, r := range mask {
		switch {
		case !escaped && r == '\\':
			escaped = true
			continue
		case !escaped && (r == '*' || r == '#'):
			r = '1'
		}
		b.WriteRune(r)
		escaped = false
	}
	return b.String()
}

// plain is the body with samples instead of variables.
func (e *example) plain() string {
	s := string(e.body.AppendJSON(nil))
	for _, v := range e.variables {
		sample := string(v.sample.AppendJSON(nil))
		s = strings.NewReplacer(`"{{`+v.name+`}}"`, sample, `"{{#`+v.name+`}}"`, sample).Replace(s)
	}
	return s
}

// raw is the body with variables, over several lines.
func (e *example) raw() string {
	var b bytes.Buffer
	if json.Indent(&b, e.body.AppendJSON(nil), "", "  ") != nil {
		return "{}"
	}
	s := b.String()
	for _, v := range e.variables {
		s = strings.ReplaceAll(s, `"{{#`+v.name+`}}"`, `{{`+v.name+`}}`)
	}
	return s
}
