package scriptenv

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

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
	// searchMost bounds what one search finds, batchMost what is read or written at once.
	searchMost = 10_000
	batchMost  = 500
)

// Host answers the calls of a script about records, as one actor. Models are catalogs by
// public id, fields are named by theirs or by other names of them. All it does goes
// through catalog.Service. It serves one Engine.Run at a time.
type Host struct {
	Catalog *catalog.Service
	Actor   catalog.Actor
	// Initiator is who env.user is, 0 for nobody.
	Initiator query.Record
	Now       func() int64 // Unix ms

	// Kept gives where the writes of an item are kept, nil for one that may not write;
	// a nil Kept writes at once.
	Kept func(item int) *Kept
	// Key is the public id of the catalog that a model means, false for none; nil for
	// models that are these ids.
	Key func(model string) (string, bool)
	// Name is the model that records of a catalog are records of, where it has several
	// names; nil for its public id.
	Name func(c *catalog.Catalog) string
	// Models are those that are no catalogs.
	Models map[string]Model
	// Ref is what env.ref means, nil for nothing.
	Ref func(code string) *script.Ref

	kept *Kept // of the item that calls
	// names are other names of fields, of catalogs that were asked for them.
	names map[*catalog.Catalog]map[string]*catalog.Field
}

// Model answers calls about a model that is no catalog: what the method of script.Host
// answers, or an error of script.Raise.
type Model func(ctx context.Context, method string, a *Args) (any, error)

// Args are the arguments of the calls that a Host knows.
type Args struct {
	Model    string            `json:"model"`
	IDs      []json.RawMessage `json:"ids"`
	Fields   []string          `json:"fields"`
	Domain   json.RawMessage   `json:"domain"`
	Name     string            `json:"name"`
	Operator string            `json:"operator"`
	Offset   int               `json:"offset"`
	Limit    *int              `json:"limit"`
	Order    *string           `json:"order"`
	Values   json.RawMessage   `json:"values"`
	Body     string            `json:"body"`
	Code     string            `json:"code"`
}

// Call implements script.Host.
func (h *Host) Call(ctx context.Context, c script.Call) (json.RawMessage, error) {
	var a Args
	if err := json.Unmarshal(c.Args, &a); err != nil {
		return nil, script.Raise(valueError, "the arguments cannot be read")
	}
	if h.Kept != nil {
		h.kept = h.Kept(c.Item)
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

func (h *Host) answer(ctx context.Context, method string, a *Args) (any, error) {
	switch method {
	case "user":
		return h.user(ctx)
	case "company":
		return nil, nil
	case "ref":
		if h.Ref == nil {
			return nil, nil
		}
		return h.Ref(a.Code), nil
	}
	if m := h.Models[a.Model]; m != nil {
		return m(ctx, method, a)
	}
	key, known := bpium.CatalogKey(a.Model), true
	if h.Key != nil {
		key, known = h.Key(a.Model)
	}
	if !known {
		return nil, script.Raise(keyError, a.Model)
	}
	scope, err := h.Catalog.Catalog(ctx, h.Actor, key)
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
		return h.count(ctx, scope, a)
	case "name_search":
		return h.nameSearch(ctx, scope, a)
	case "exists":
		return h.exists(ctx, scope, a.IDs)
	case "read":
		return h.read(ctx, scope, a)
	case "create":
		return h.create(ctx, scope, a.Values)
	case "copy":
		return h.copied(ctx, scope, a)
	case "write", "unlink", "message_post":
		return true, h.change(ctx, scope, method, a)
	}
	return nil, script.Raise(runtimeError, "catalogs have no "+method)
}

// user is who started the run: an employee, or none.
func (h *Host) user(ctx context.Context) (*script.Ref, error) {
	ref := &script.Ref{Model: employees, IDs: []json.RawMessage{}}
	if h.Initiator == 0 {
		return ref, nil
	}
	code, err := h.Catalog.EmployeeCode(ctx, h.Initiator)
	if err != nil {
		return nil, err
	}
	ref.IDs = append(ref.IDs, scriptID(h.Initiator, code))
	return ref, nil
}

// employees is the public id of their catalog.
const employees = "$users"

// scriptID is a record's id in scripts: a number unless it has an id of its own.
func scriptID(n query.Record, code string) json.RawMessage {
	if code != "" {
		return tree.AppendString(nil, code)
	}
	return strconv.AppendInt(nil, int64(n), 10)
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

// writtenKeys is keysOf for what is written at once.
func writtenKeys(ids []json.RawMessage) ([]query.Key, error) {
	keys, err := keysOf(ids)
	if err == nil && len(keys) > batchMost {
		err = script.Raise(valueError, "more than 500 records are changed at once")
	}
	return keys, err
}

// rows reads records with some fields, in parts, and calls each with the index of the
// key.
func (h *Host) rows(ctx context.Context, sc *catalog.Scope, keys []query.Key, sel *catalog.Selection, each func(i int, record tree.Value)) error {
	for first := 0; first < len(keys); first += batchMost {
		part := keys[first:min(first+batchMost, len(keys))]
		rows, err := h.Catalog.Records(ctx, h.Actor, sc.Catalog.Num, query.Query{Where: query.Among(part), Limit: len(part)}, sel)
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
			var record tree.Value
			row, stored := at[k]
			n := k.Record
			if stored {
				n, record = rows.Page.Record(row), list.Items()[row]
			}
			if record = h.kept.seen(query.MakeRef(sc.Catalog.Num, n), record); !record.IsNull() {
				each(first+i, record)
			}
		}
	}
	return nil
}

func (h *Host) exists(ctx context.Context, sc *catalog.Scope, ids []json.RawMessage) ([]json.RawMessage, error) {
	keys, err := keysOf(ids)
	if err != nil {
		return nil, err
	}
	found := []json.RawMessage{}
	err = h.rows(ctx, sc, keys, &catalog.Selection{All: true, Fields: []*catalog.Field{}}, func(i int, _ tree.Value) { found = append(found, ids[i]) })
	return found, err
}

func (h *Host) read(ctx context.Context, sc *catalog.Scope, a *Args) ([]map[string]json.RawMessage, error) {
	keys, err := keysOf(a.IDs)
	if err != nil {
		return nil, err
	}
	asked := h.askedFields(sc.Catalog, a.Fields)
	sel, kinds := &catalog.Selection{Fields: []*catalog.Field{}}, map[*catalog.Field]string{}
	for _, f := range asked {
		kinds[f], _ = h.kind(sc, f)
		if !slices.Contains(sel.Fields, f) {
			sel.Fields = append(sel.Fields, f)
		}
	}
	list := []map[string]json.RawMessage{}
	err = h.rows(ctx, sc, keys, sel, func(i int, record tree.Value) {
		row := map[string]json.RawMessage{"id": a.IDs[i]}
		for name, member := range map[string]string{"display_name": "title", createDate: "created", writeDate: "updated"} {
			v, _ := record.Get(member)
			row[name] = v.AppendJSON(nil)
		}
		values, _ := record.Get("values")
		for name, f := range asked {
			v, _ := values.Get(f.Key)
			row[name] = outValue(kinds[f], v)
		}
		list = append(list, row)
	})
	return list, err
}

// outValue is a value of the API as scripts have it: a single link is a pair of id and
// title.
func outValue(kind string, v tree.Value) json.RawMessage {
	items := v.Items()
	switch kind {
	case "many2one":
		if len(items) == 0 {
			return json.RawMessage("null")
		}
		return slices.Concat([]byte("["), linkID(items[0]), []byte(","), linkTitle(items[0]), []byte("]"))
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
	id := linkKey(v)
	if key := bpium.RecordKey(id.Text()); key.Record != 0 {
		return json.RawMessage(id.Text())
	}
	return id.AppendJSON(nil)
}

// linkKey is the id of a linked record as it is written.
func linkKey(v tree.Value) tree.Value {
	id, ok := v.Get("recordId")
	if !ok {
		id, _ = v.Get("id")
	}
	return id
}

func linkTitle(v tree.Value) json.RawMessage {
	title, ok := v.Get("recordTitle")
	if !ok {
		title, _ = v.Get("title")
	}
	return title.AppendJSON(nil)
}
