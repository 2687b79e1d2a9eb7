package apisync

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"kartoteka/internal/fault"
)

// Doc is a resource as JSON outside: an object whose numbers are json.Number.
type Doc = map[string]any

// ReadDoc reads an object that was checked to be JSON.
func ReadDoc(data []byte) (Doc, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	doc := Doc{}
	if err := d.Decode(&doc); err != nil || doc == nil {
		return nil, fault.Wrap(err, fault.InvalidJSON, "the body must be a JSON object")
	}
	return doc, nil
}

// docOf is a resource as others see it, to be changed.
func docOf(v any) (Doc, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode a resource: %w", err)
	}
	return ReadDoc(data)
}

// Merge changes a document as RFC 7396 says. The null of a secret stays: it clears it.
func Merge(doc, patch Doc) Doc { return merge(doc, patch, false) }

func merge(doc, patch Doc, secrets bool) Doc {
	out := Doc{}
	maps.Copy(out, doc)
	for k, v := range patch {
		inner, isObject := v.(Doc)
		switch {
		case v == nil && !secrets && k != "secret":
			delete(out, k)
		case isObject:
			before, _ := out[k].(Doc)
			out[k] = merge(before, inner, k == "secrets")
		default:
			out[k] = v
		}
	}
	return out
}

// list gives the objects of a list in a document; anything else is left to the shape.
func list(doc Doc, key string) (objects []Doc) {
	all, _ := doc[key].([]any)
	for _, one := range all {
		if object, ok := one.(Doc); ok {
			objects = append(objects, object)
		}
	}
	return objects
}

// unless sets what a document leaves out.
func unless(doc Doc, key string, value any) {
	if doc[key] == nil {
		doc[key] = value
	}
}

// shape compares a document with the Go type that it is to become, and takes nulls out
// of it, which stand for what is left out.
type shape struct{ errors []fault.Detail }

func (s *shape) fail(path string, code fault.Code, format string, args ...any) {
	s.errors = append(s.errors, fault.At(path, code, format, args...))
}

var (
	rawType    = reflect.TypeFor[json.RawMessage]()
	timeType   = reflect.TypeFor[time.Time]()
	scriptType = reflect.TypeFor[Script]()
	secretType = reflect.TypeFor[Secret]()
)

func (s *shape) check(path string, v any, t reflect.Type) {
	switch t {
	case rawType, secretType:
		return
	case timeType:
		if text, ok := v.(string); !ok || !isTime(text) {
			s.fail(path, fault.Date, "expected a time such as 2031-01-31T12:00:00Z")
		}
		return
	case scriptType:
		s.script(path, v)
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		s.check(path, v, t.Elem())
	case reflect.Struct:
		s.object(path, v, t)
	case reflect.Map:
		s.table(path, v, t)
	case reflect.Slice:
		all, ok := v.([]any)
		if !ok {
			s.fail(path, fault.Type, "expected a list")
		}
		for i, one := range all {
			s.check(fmt.Sprintf("%s[%d]", path, i), one, t.Elem())
		}
	case reflect.Interface:
	default:
		s.scalar(path, v, t)
	}
}

func isTime(text string) bool {
	_, err := time.Parse(time.RFC3339, text)
	return err == nil
}

func (s *shape) script(path string, v any) {
	switch v := v.(type) {
	case string:
		return
	case Doc:
		if ref, ok := v["ref"].(string); ok && ref != "" && len(v) == 1 {
			return
		}
	}
	s.fail(path, fault.Type, `expected a script as text or {"ref":"code"}`)
}

func (s *shape) scalar(path string, v any, t reflect.Type) {
	switch t.Kind() {
	case reflect.String:
		if text, ok := v.(string); !ok {
			s.fail(path, fault.Type, "expected a text")
		} else if strings.ContainsRune(text, 0) {
			s.fail(path, fault.InvalidParameter, "the text contains a NUL character")
		}
	case reflect.Bool:
		if _, ok := v.(bool); !ok {
			s.fail(path, fault.Type, "expected true or false")
		}
	case reflect.Float64:
		n, ok := v.(json.Number)
		if _, err := n.Float64(); !ok || err != nil {
			s.fail(path, fault.Type, "expected a number")
		}
	default:
		n, ok := v.(json.Number)
		if _, err := n.Int64(); !ok || err != nil {
			s.fail(path, fault.Type, "expected a whole number")
		}
	}
}

func (s *shape) table(path string, v any, t reflect.Type) {
	object, ok := v.(Doc)
	if !ok {
		s.fail(path, fault.Type, "expected an object")
		return
	}
	for _, key := range sortedKeys(object) {
		s.check(path+"."+key, object[key], t.Elem())
	}
}

func (s *shape) object(path string, v any, t reflect.Type) {
	object, ok := v.(Doc)
	if !ok {
		s.fail(path, fault.Type, "expected an object")
		return
	}
	known := attributes(t)
	for _, key := range sortedKeys(object) {
		at := strings.TrimPrefix(path+"."+key, ".")
		of, ok := known[key]
		switch {
		case !ok:
			s.fail(at, fault.UnknownField, "there is no such attribute")
		case object[key] == nil:
			delete(object, key)
		default:
			s.check(at, object[key], of)
		}
	}
}

// attributes gives the JSON names of a struct's fields, those of embedded ones among
// them, with their types.
func attributes(t reflect.Type) map[string]reflect.Type {
	names := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous:
			maps.Copy(names, attributes(f.Type))
		case name != "":
			names[name] = f.Type
		}
	}
	return names
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// decode turns a document whose shape is right into v, which has the defaults.
func decode(doc Doc, v any) ([]fault.Detail, error) {
	s := &shape{}
	s.object("", doc, reflect.TypeOf(v).Elem())
	if s.errors != nil {
		return s.errors, nil
	}
	data, err := json.Marshal(doc)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return nil, fmt.Errorf("decode a resource: %w", err)
	}
	return nil, nil
}

// Copy is a document that shares nothing with another.
func Copy(doc Doc) (Doc, error) { return docOf(doc) }
