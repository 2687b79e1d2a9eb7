package bpium

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"
	"unicode/utf8"

	"kartoteka/internal/fault"
	"kartoteka/internal/query/tree"
)

const (
	// formDepth and formFields bound a form.
	formDepth  = 16
	formFields = 10_000
)

// DecodeWebBody reads the body of a request from outside as scenarios get it: JSON,
// forms as objects, files as {title, mimeType, size, data}, texts, and other bytes as
// {base64}. It fails with InvalidJSON and InvalidParameter.
func DecodeWebBody(contentType string, body []byte) (any, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = ""
	}
	switch {
	case len(body) == 0:
		return nil, nil
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		v, err := tree.ParseJSON(body, tree.Limits{Depth: 64, Values: formFields * 10})
		return v.Any(), err
	case kind == "application/x-www-form-urlencoded":
		return FormValue(string(body))
	case kind == "multipart/form-data":
		return multipartValue(body, params["boundary"])
	case utf8.Valid(body) && bytes.IndexByte(body, 0) < 0:
		return string(body), nil
	}
	return map[string]any{"base64": base64.StdEncoding.EncodeToString(body)}, nil
}

func badForm() error { return fault.New(fault.InvalidParameter, "the form cannot be read") }

// FormValue reads a=1&b[c]=2&d[]=3 as an object.
func FormValue(encoded string) (map[string]any, error) {
	form := map[string]any{}
	if strings.Count(encoded, "&") > formFields {
		return nil, badForm()
	}
	for pair := range strings.SplitSeq(encoded, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, badForm()
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, badForm()
		}
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return nil, badForm()
		}
		if err := putForm(form, name, value); err != nil {
			return nil, err
		}
	}
	return form, nil
}

// putForm puts a value under a name with brackets. A name that comes again makes a
// list.
func putForm(form map[string]any, name string, value any) error {
	parts := formPath(name)
	if len(parts) > formDepth {
		return badForm()
	}
	list := parts[len(parts)-1] == "" && len(parts) > 1
	if list {
		parts = parts[:len(parts)-1]
	}
	for _, part := range parts[:len(parts)-1] {
		next, ok := form[part].(map[string]any)
		if !ok {
			next = map[string]any{}
			form[part] = next
		}
		form = next
	}
	last := parts[len(parts)-1]
	switch old := form[last].(type) {
	case nil:
		if form[last] = value; list {
			form[last] = []any{value}
		}
	case []any:
		form[last] = append(old, value)
	default:
		form[last] = []any{old, value}
	}
	return nil
}

// formPath splits a[b][c].
func formPath(name string) []string {
	first, rest, ok := strings.Cut(name, "[")
	if !ok || first == "" || !strings.HasSuffix(rest, "]") {
		return []string{name}
	}
	return append([]string{first}, strings.Split(strings.TrimSuffix(rest, "]"), "][")...)
}

func multipartValue(body []byte, boundary string) (any, error) {
	if boundary == "" {
		return nil, badForm()
	}
	form := map[string]any{}
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	for range formFields {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return form, nil
		}
		if err != nil {
			return nil, badForm()
		}
		content, err := io.ReadAll(part) // of a body that is in memory
		if err != nil || !utf8.ValidString(part.FormName()) {
			return nil, badForm()
		}
		var value any = strings.ToValidUTF8(string(content), "\uFFFD")
		if part.FileName() != "" {
			value = map[string]any{
				"title": strings.ToValidUTF8(part.FileName(), "\uFFFD"), "mimeType": part.Header.Get("Content-Type"),
				"size": len(content), "data": base64.StdEncoding.EncodeToString(content),
			}
		}
		if err := putForm(form, part.FormName(), value); err != nil {
			return nil, err
		}
	}
	return nil, badForm()
}
