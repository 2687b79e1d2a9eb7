package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// maxVisible bounds a field's visibility condition, in bytes.
const maxVisible = 64 << 10

// maxExtra bounds the part of a configuration that the program does not know,
// in bytes.
const maxExtra = 64 << 10

// maxHint bounds a field's hint and comment, in characters.
const maxHint = 10_000

// FieldInput is one field of a structure as a caller wants it; nil leaves a
// part of an existing field as it is.
type FieldInput struct {
	Path string      // where it stands in the body, "fields[3]"
	Num  query.Field // of the existing field; 0 for a new one
	Key  *string
	Type string // public name; "" keeps
	Name *string
	Hint *string
	// Comment is the note for administrators.
	Comment    *string
	Required   *bool
	APIOnly    *bool
	Hidden     *bool
	History    *bool
	Filterable *bool
	Visible    *json.RawMessage // "null" removes the condition
	Config     *Config          // replaces the whole configuration
}

// restructure is one change of a catalog, from before to after.
type restructure struct {
	service       *Service
	st            *Structure
	w             Writer
	access        *Access
	before, after *Catalog
	details       []fault.Detail
}

// run checks the input and writes what differs.
func (r *restructure) run(ctx context.Context, in CatalogInput) error {
	if err := in.apply(r.st, r.access, r.after); err != nil {
		return err
	}
	var fields []*Field
	if in.Fields != nil {
		var err error
		if fields, err = r.merge(ctx, in.Fields); err != nil {
			return err
		}
		r.after.Chat = r.after.Chat || slices.ContainsFunc(fields, (*Field).subscribes)
	}
	if err := r.w.SaveCatalog(ctx, r.after); err != nil {
		return err
	}
	if in.Fields == nil {
		return nil
	}
	return r.store(ctx, fields)
}

// merge makes the new list of fields; on errors of the input it reports all.
func (r *restructure) merge(ctx context.Context, inputs []FieldInput) ([]*Field, error) {
	if len(inputs) > r.service.options.FieldsMax {
		return nil, fault.Invalid([]fault.Detail{fault.At("fields", fault.TooMany, "a catalog has at most %d fields", r.service.options.FieldsMax)})
	}
	fields := make([]*Field, 0, len(inputs))
	named := map[query.Field]bool{}
	for _, in := range inputs {
		f, err := r.field(ctx, in)
		if err != nil {
			return nil, err
		}
		if in.Num != 0 && named[in.Num] {
			r.refuse(in.Path+".id", fault.DuplicateID, "two fields have the id %s", f.Key)
		}
		named[in.Num] = true
		fields = append(fields, f)
	}
	r.checkKeys(inputs, fields)
	for _, f := range r.before.Fields {
		if f.System && !named[f.Num] {
			r.refuse("fields", fault.Required, "the system field %s cannot be removed", f.Key)
		}
	}
	return fields, r.refusal()
}

func (r *restructure) refuse(path string, code fault.Code, format string, args ...any) {
	r.details = append(r.details, fault.At(path, code, format, args...))
}

// refusal is the error of all that was refused. Where only ids are wrong, it
// says so by its own code.
func (r *restructure) refusal() error {
	err := fault.Invalid(r.details)
	for _, code := range []fault.Code{fault.InvalidID, fault.TypeChange} {
		other := func(d fault.Detail) bool { return d.Code != code }
		if err != nil && !slices.ContainsFunc(r.details, other) {
			e := fault.New(code, "%s", r.details[0].Message)
			e.Details = r.details
			return e
		}
	}
	return err
}

func (r *restructure) checkKeys(inputs []FieldInput, fields []*Field) {
	seen := map[string]bool{}
	for i, f := range fields {
		if seen[f.Key] && inputs[i].Num == 0 {
			r.refuse(inputs[i].Path+".id", fault.DuplicateID, "two fields have the id %s", text.Cut(f.Key, 70))
		} else if seen[f.Key] {
			r.refuse(inputs[i].Path+".id", fault.DuplicateID, "the field id %s is taken", text.Cut(f.Key, 70))
		}
		seen[f.Key] = true
	}
}

// field makes one field of the new structure.
func (r *restructure) field(ctx context.Context, in FieldInput) (*Field, error) {
	old := r.before.Field(in.Num)
	var f *Field
	if old != nil {
		kept := *old
		f = &kept
	} else {
		num, err := r.w.Next(ctx, FieldCounter)
		if err != nil {
			return nil, fmt.Errorf("number a field: %w", err)
		}
		f = &Field{Num: query.Field(num), ID: r.after.NextField, Catalog: r.after.Num, History: true, Filterable: true}
		f.Key = strconv.Itoa(f.ID)
		r.after.NextField++
		if f.ID > MaxFieldID {
			return nil, fault.New(fault.InvalidParameter, "This catalog has had too many fields; make a new one")
		}
	}
	r.setType(in, f, old)
	r.setKey(in, f)
	r.setTexts(in, f, old == nil)
	set(&f.Required, in.Required)
	set(&f.APIOnly, in.APIOnly)
	set(&f.Hidden, in.Hidden)
	set(&f.History, in.History)
	set(&f.Filterable, in.Filterable)
	r.configure(in, f, old)
	return f, nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func (r *restructure) setType(in FieldInput, f, old *Field) {
	switch {
	case old == nil:
		if f.Type = TypeByName(in.Type); f.Type == nil {
			r.refuse(in.Path+".type", fault.Type, "unknown type of field: %s", text.Cut(in.Type, 40))
			f.Type = groupType{}
		}
	case in.Type != "" && in.Type != old.Type.Name():
		r.refuse(in.Path+".type", fault.TypeChange, "the type of the field %s cannot change", text.Cut(old.Name, 100))
	}
}

func (r *restructure) setKey(in FieldInput, f *Field) {
	if in.Key == nil || *in.Key == f.Key {
		return
	}
	if f.System || chosenKey(*in.Key, int64(f.ID)) != "" {
		r.refuse(in.Path+".id", fault.InvalidID, "a field cannot have the id %s", text.Cut(*in.Key, 70))
		return
	}
	f.Key = *in.Key
}

func (r *restructure) setTexts(in FieldInput, f *Field, isNew bool) {
	if in.Name != nil || isNew {
		name := ""
		set(&name, in.Name)
		f.Name = strings.TrimSpace(name)
		r.details = append(r.details, checkName(in.Path+".name", f.Name)...)
	}
	set(&f.Hint, in.Hint)
	set(&f.Comment, in.Comment)
	if text.Len(f.Hint) > maxHint || text.Len(f.Comment) > maxHint {
		r.refuse(in.Path+".hint", fault.TooLong, "a hint or comment has at most %d characters", maxHint)
	}
	if strings.IndexByte(f.Hint+f.Comment, 0) >= 0 {
		r.refuse(in.Path+".hint", fault.Type, "the text contains a NUL character")
	}
	if in.Visible == nil {
		return
	}
	f.Visible = *in.Visible
	if len(f.Visible) > maxVisible {
		r.refuse(in.Path+".visible", fault.TooLong, "a condition has at most %d bytes", maxVisible)
	}
	if s := string(f.Visible); s == "null" || s == "{}" {
		f.Visible = nil
	}
}

// configure sets the configuration and checks what it refers to.
func (r *restructure) configure(in FieldInput, f, old *Field) {
	if in.Config == nil && old != nil {
		return
	}
	f.Config = Config{}
	set(&f.Config, in.Config)
	var before *Config
	if old != nil {
		before = &old.Config
	}
	path := in.Path + ".config"
	if before != nil && (before.Kind == KindEditor) != (f.Config.Kind == KindEditor) {
		// Plain text is not cleaned on write: as rich text it could run scripts.
		r.refuse(path+".type", fault.TypeChange, "the field %s cannot change between plain and rich text", text.Cut(old.Name, 100))
	}
	if len(f.Config.Extra) > maxExtra {
		r.refuse(path, fault.TooLong, "the unknown settings of a field have at most %d bytes", maxExtra)
	}
	r.details = append(r.details, f.Type.Configure(path, &f.Config, before)...)
	r.checkSources(path, &f.Config, before)
	catalogs := f.Config.SourceCatalogs()
	r.checkConditions(path, &f.Config, before)
	f.Config.Shown = slices.DeleteFunc(f.Config.Shown, func(s ShownField) bool {
		shown := r.st.Field(s.Field)
		return shown == nil || !slices.Contains(catalogs, shown.Catalog)
	})
}

// checkSources makes sure that what a link field begins to link exists and may
// be shown by whoever sets it up.
func (r *restructure) checkSources(path string, c, before *Config) {
	catalogs, views := 0, 0
	for _, source := range c.Sources {
		at := path + ".catalogs[" + strconv.Itoa(catalogs) + "]"
		if source.View == 0 {
			catalogs++
		} else {
			at = path + ".views[" + strconv.Itoa(views) + "]"
			views++
		}
		v := r.st.View(source.View)
		switch {
		case before != nil && slices.Contains(before.Sources, source), source == Source{Catalog: r.after.Num}:
		case r.st.Catalog(source.Catalog) == nil:
			r.refuse(at, fault.NotFound, "there is no such catalog")
		case source.View != 0 && (v == nil || v.Catalog != source.Catalog):
			r.refuse(at, fault.NotFound, "there is no such legal view")
		case !r.access.mayAdd(source):
			r.refuse(at, fault.Forbidden, "you have no right to this source")
		}
	}
}

// store writes the new fields, marks the dropped ones and moves values where a
// changed configuration asks for it.
func (r *restructure) store(ctx context.Context, fields []*Field) error {
	all := slices.Clone(fields)
	kept := map[query.Field]*Field{}
	for _, f := range fields {
		kept[f.Num] = f
	}
	for _, old := range r.before.Fields {
		if kept[old.Num] == nil {
			dropped := *old
			dropped.Removed = r.service.options.Now()
			all = append(all, &dropped)
		}
	}
	if err := r.w.SaveFields(ctx, r.after, all); err != nil {
		return err
	}
	titleBefore := r.before.title
	r.after.setFields(fields)
	for _, old := range r.before.Fields {
		if f := kept[old.Num]; f != nil {
			if err := r.moveValues(ctx, old, f); err != nil {
				return err
			}
		}
	}
	if r.before.Num == 0 || r.after.title == titleBefore || sameField(r.after.title, titleBefore) {
		return nil
	}
	return r.w.Retitle(ctx, r.after, r.after.title)
}

func sameField(a, b *Field) bool { return a != nil && b != nil && a.Num == b.Num }

// moveValues brings stored values in line with a changed configuration.
func (r *restructure) moveValues(ctx context.Context, old, f *Field) error {
	if old.Storage() != f.Storage() {
		if err := r.changeStorage(ctx, old, f); err != nil {
			return err
		}
	}
	var dropped []query.Item
	for _, item := range old.Config.Items {
		if f.Config.Item(item.Num) == nil {
			dropped = append(dropped, item.Num)
		}
	}
	if len(dropped) == 0 {
		return nil
	}
	return r.w.DropItems(ctx, r.after, f, dropped)
}

func (r *restructure) changeStorage(ctx context.Context, old, f *Field) error {
	if f.Storage() == ItemStorage {
		n, err := r.w.MultiValued(ctx, r.before, old)
		if err != nil {
			return err
		}
		if n > 0 {
			return fault.Invalid([]fault.Detail{fault.At("fields", fault.TooMany, "%s: %d records have several options; leave one in each first", f.Name, n)})
		}
	}
	return r.w.Reshape(ctx, r.after, old, f)
}
