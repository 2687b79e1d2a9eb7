package hook

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/script"
)

// Errors that a host raises in scripts.
const (
	accessError  = "AccessError"
	missingError = "MissingError"
	runtimeError = "RuntimeError"
	keyError     = "KeyError"
	valueError   = "ValueError"
)

const (
	// searchMost bounds what one search finds, hostBatch what is read or written at once.
	searchMost = 10_000
	hostBatch  = 500
)

// host is the catalogs to a script: models are catalogs by public id, fields are
// named by theirs. All it does goes through catalog.Service as the actor, and what it
// writes is written at once.
type host struct {
	catalog *catalog.Service
	actor   catalog.Actor
	now     func() int64
}

// hostArgs are the arguments of the calls that a host knows.
type hostArgs struct {
	Model  string            `json:"model"`
	IDs    []json.RawMessage `json:"ids"`
	Fields []string          `json:"fields"`
	Domain json.RawMessage   `json:"domain"`
	Offset int               `json:"offset"`
	Limit  *int              `json:"limit"`
	Order  *string           `json:"order"`
	Values json.RawMessage   `json:"values"`
	Body   string            `json:"body"`
}

// Call implements script.Host.
func (h *host) Call(ctx context.Context, c script.Call) (json.RawMessage, error) {
	var a hostArgs
	if err := json.Unmarshal(c.Args, &a); err != nil {
		return nil, script.Raise(valueError, "the arguments cannot be read")
	}
	answer, err := h.answer(ctx, c.Method, &a)
	if err != nil {
		return nil, raised(ctx, err)
	}
	return json.Marshal(answer)
}

// raised is a fault as scripts may catch it; what is no fault of the caller's ends the
// run.
func raised(ctx context.Context, err error) error {
	var f *fault.Error
	if ctx.Err() != nil || !errors.As(err, &f) || f.Code == fault.Internal {
		return err
	}
	kind := runtimeError
	switch f.Code {
	case fault.NotFound:
		kind = missingError
	case fault.Forbidden, fault.FieldHidden, fault.FieldReadonly:
		kind = accessError
	}
	text := f.Message.In("")
	if len(f.Details) > 1 {
		text += ": " + f.Details[0].Message.In("")
	}
	return script.Raise(kind, text)
}

func (h *host) answer(ctx context.Context, method string, a *hostArgs) (any, error) {
	if method == "user" || method == "company" || method == "ref" {
		return nil, nil
	}
	scope, err := h.catalog.Catalog(ctx, h.actor, bpium.CatalogKey(a.Model))
	if fault.Is(err, fault.NotFound) {
		return nil, script.Raise(keyError, a.Model)
	}
	if err != nil {
		return nil, err
	}
	switch method {
	case "fields":
		return h.fields(scope), nil
	case "search":
		return h.search(ctx, scope, a)
	case "search_count":
		found, err := h.search(ctx, scope, a)
		return len(found), err
	case "exists":
		return h.exists(ctx, scope, a.IDs)
	case "read":
		return h.read(ctx, scope, a)
	case "create":
		return h.create(ctx, scope, a.Values)
	case "write", "unlink", "message_post":
		return true, h.change(ctx, scope, method, a)
	}
	return nil, script.Raise(runtimeError, "catalogs have no "+method)
}

// hostField is what scripts are told of a field.
type hostField struct {
	Type     string `json:"type"`
	Relation string `json:"relation,omitempty"`
	String   string `json:"string"`
	Required bool   `json:"required"`
	Readonly bool   `json:"readonly"`
}

func (h *host) fields(sc *catalog.Scope) any {
	all := map[string]hostField{"id": {Type: "integer", String: "id", Readonly: true}}
	for _, f := range sc.Catalog.Fields {
		if f.Storage() == catalog.NoStorage || f.Secret {
			continue
		}
		kind, relation := h.kind(sc, f)
		all[f.Key] = hostField{kind, relation, f.Name, f.Required, false}
	}
	return map[string]any{"fields": all, "methods": []string{}}
}

// kind is the type of a field in scripts. Links to several catalogs, contacts,
// addresses and files are values as the API has them.
func (h *host) kind(sc *catalog.Scope, f *catalog.Field) (kind, relation string) {
	switch f.Type.Name() {
	case "text":
		return "char", ""
	case "number", "progress":
		return "float", ""
	case "stars":
		return "integer", ""
	case "switch":
		return "boolean", ""
	case "radiobutton":
		return "selection", ""
	case "date":
		if f.Config.HasTime() {
			return "datetime", ""
		}
		return "date", ""
	case "dropdown":
		if !f.Config.Multi {
			return "selection", ""
		}
	case "object", "user":
		other := linkedCatalog(sc, f)
		switch {
		case other == nil:
		case f.Config.Multi:
			return "many2many", other.Key
		default:
			return "many2one", other.Key
		}
	}
	return "json", ""
}

// linkedCatalog is the only catalog that a field links, nil when there are several.
func linkedCatalog(sc *catalog.Scope, f *catalog.Field) (only *catalog.Catalog) {
	if f.Type.Name() == "user" {
		return sc.Structure.Catalog(catalog.Employees)
	}
	for _, s := range f.Config.Sources {
		c := sc.Structure.Catalog(s.Catalog)
		if c == nil || only != nil && only != c {
			return nil
		}
		only = c
	}
	return only
}

// keyOf reads the id of a record, a number or a text.
func keyOf(id json.RawMessage) (query.Key, error) {
	v, err := tree.ParseJSON(id, tree.Limits{})
	if err != nil || v.Kind != tree.Number && v.Kind != tree.String {
		return query.Key{}, script.Raise(valueError, "an id is a number or a text, not "+string(id))
	}
	return bpium.RecordKey(v.Text()), nil
}

func keysOf(ids []json.RawMessage) ([]query.Key, error) {
	if len(ids) > searchMost {
		return nil, script.Raise(valueError, "more than 10000 records at once")
	}
	keys := make([]query.Key, len(ids))
	for i, id := range ids {
		var err error
		if keys[i], err = keyOf(id); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// rows reads the records of ids with some fields, in parts, and calls each with the
// index of the id.
func (h *host) rows(ctx context.Context, sc *catalog.Scope, ids []json.RawMessage, sel *catalog.Selection, each func(i int, values tree.Value)) error {
	keys, err := keysOf(ids)
	if err != nil {
		return err
	}
	for first := 0; first < len(keys); first += hostBatch {
		part := keys[first:min(first+hostBatch, len(keys))]
		rows, err := h.catalog.Records(ctx, h.actor, sc.Catalog.Num, query.Query{Where: query.Among(part), Limit: len(part)}, sel)
		if err != nil {
			return err
		}
		list, err := tree.ParseJSON(bpium.EncodeRecords(nil, rows, bpium.EncodeOptions{SkipPrevID: true}), tree.Limits{})
		if err != nil {
			return err
		}
		at := map[query.Key]int{}
		for i := range rows.Page.Len() {
			at[query.Key{Record: rows.Page.Record(i)}] = i
			if code := string(rows.Page.Code(i)); code != "" {
				at[query.Key{Code: code}] = i
			}
		}
		for i, k := range part {
			if row, ok := at[k]; ok {
				each(first+i, list.Items()[row])
			}
		}
	}
	return nil
}

func (h *host) exists(ctx context.Context, sc *catalog.Scope, ids []json.RawMessage) ([]json.RawMessage, error) {
	found := []json.RawMessage{}
	err := h.rows(ctx, sc, ids, &catalog.Selection{All: true, Fields: []*catalog.Field{}}, func(i int, _ tree.Value) { found = append(found, ids[i]) })
	return found, err
}

func (h *host) read(ctx context.Context, sc *catalog.Scope, a *hostArgs) ([]map[string]json.RawMessage, error) {
	var fields []*catalog.Field
	for _, f := range sc.Catalog.Fields {
		if f.Storage() != catalog.NoStorage && !f.Secret && (a.Fields == nil || slices.Contains(a.Fields, f.Key)) {
			fields = append(fields, f)
		}
	}
	list := []map[string]json.RawMessage{}
	err := h.rows(ctx, sc, a.IDs, &catalog.Selection{Fields: append([]*catalog.Field{}, fields...)}, func(i int, record tree.Value) {
		title, _ := record.Get("title")
		row := map[string]json.RawMessage{"id": a.IDs[i], "display_name": title.AppendJSON(nil)}
		values, _ := record.Get("values")
		for _, f := range fields {
			v, _ := values.Get(f.Key)
			kind, _ := h.kind(sc, f)
			row[f.Key] = outValue(kind, v)
		}
		list = append(list, row)
	})
	return list, err
}

// outValue is a value of the API as scripts have it.
func outValue(kind string, v tree.Value) json.RawMessage {
	items := v.Items()
	switch kind {
	case "many2one":
		if len(items) == 0 {
			return json.RawMessage("null")
		}
		return linkID(items[0])
	case "many2many":
		list := make([]json.RawMessage, len(items))
		for i, item := range items {
			list[i] = linkID(item)
		}
		data, err := json.Marshal(list)
		if err != nil {
			return json.RawMessage("[]")
		}
		return data
	case "selection":
		if v.Kind == tree.List {
			if len(items) == 0 {
				return json.RawMessage("null")
			}
			return items[0].AppendJSON(nil)
		}
	}
	return v.AppendJSON(nil)
}

// linkID is the id of a linked record: a number unless it has an id of its own.
func linkID(v tree.Value) json.RawMessage {
	id, ok := v.Get("recordId")
	if !ok {
		id, _ = v.Get("id")
	}
	if key := bpium.RecordKey(id.Text()); key.Record != 0 {
		return json.RawMessage(id.Text())
	}
	return id.AppendJSON(nil)
}
