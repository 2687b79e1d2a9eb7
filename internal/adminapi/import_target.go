package adminapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/table"
)

// target is the field that a column's values go to.
type target struct {
	field *catalog.Field
	items map[string]query.Item // of a choice, by name in the file
}

// planned is what a column became, as it is kept for a later run.
type planned struct {
	Name     string         `json:"name"`
	Type     table.Type     `json:"type"`
	DateOnly bool           `json:"dateOnly,omitempty"`
	Order    table.DayOrder `json:"order,omitempty"`
	Options  int            `json:"options,omitempty"`
}

// digest names the file's content and how it is read.
func (i *importer) digest() (string, error) {
	if _, err := i.file.Seek(0, io.SeekStart); err != nil {
		return "", fmt.Errorf("read the file again: %w", err)
	}
	h := sha256.New()
	if _, err := io.Copy(h, i.file); err != nil {
		return "", fmt.Errorf("read the file again: %w", err)
	}
	fmt.Fprintf(h, "\x00%s\x00%s", i.options.Format, i.options.Sheet)
	return hex.EncodeToString(h.Sum(nil)), nil
}

// wanted is the state of an import that begins.
func (i *importer) wanted() (catalog.Import, error) {
	file, err := i.digest()
	if err != nil {
		return catalog.Import{}, err
	}
	list := make([]planned, len(i.columns))
	for n, c := range i.columns {
		list[n] = planned{c.Name, c.Type, c.DateOnly, c.Order, len(c.Options)}
	}
	plan, err := json.Marshal(list)
	return catalog.Import{File: file, Plan: plan, Total: i.total}, err
}

// begin makes the catalog for the file's rows, or finds the one that an
// interrupted import has made.
func (i *importer) begin(ctx context.Context) error {
	wanted, err := i.wanted()
	if err != nil {
		return err
	}
	section, there, err := i.find(ctx)
	switch {
	case err != nil:
		return err
	case there == nil:
		return i.create(ctx, section, wanted)
	}
	state, err := i.waiting(ctx, there, wanted)
	if err != nil {
		return err
	}
	i.target, i.state = there, *state
	fmt.Fprintf(i.c.Out, "Going on with the catalog %s %q after row %d of %d\n", there.Key, there.Name, state.Done, state.Total)
	return i.bind()
}

// find looks for the section and for a catalog of that name in it; section is
// "" when there is none.
func (i *importer) find(ctx context.Context) (section string, there *catalog.Catalog, err error) {
	sections, err := i.t.Catalog.Sections(ctx, operator("import"))
	if err != nil {
		return "", nil, err
	}
	n := slices.IndexFunc(sections, func(s catalog.SectionInfo) bool { return s.Name == i.section })
	if n < 0 {
		return "", nil, nil
	}
	section = sections[n].Key
	scopes, err := i.t.Catalog.Catalogs(ctx, operator("import"), catalog.CatalogFilter{Sections: []string{section}, Hidden: true})
	if err != nil {
		return "", nil, err
	}
	for _, scope := range scopes {
		if scope.Catalog.Name == i.name {
			return section, scope.Catalog, nil
		}
	}
	return section, nil, nil
}

// create makes the catalog, and the section when there is none of that name.
func (i *importer) create(ctx context.Context, section string, state catalog.Import) error {
	made := section == ""
	if made {
		info, err := i.t.Catalog.CreateSection(ctx, operator("import"), catalog.SectionInput{Name: &i.section})
		if err != nil {
			return err
		}
		section = info.Key
	}
	in := catalog.CatalogInput{Name: &i.name, Section: &section}
	for n := range i.columns {
		in.Fields = append(in.Fields, fieldOf(&i.columns[n], n))
	}
	scope, err := i.t.Catalog.CreateImport(ctx, operator("import"), in, state)
	if err != nil {
		var refused *fault.Error
		if made && errors.As(err, &refused) { // an empty section is nothing that was asked for
			_ = i.t.Catalog.DeleteSection(context.WithoutCancel(ctx), operator("import"), section)
		}
		return err
	}
	i.target, i.state = scope.Catalog, state
	i.state.Catalog = i.target.Num
	i.list(nil)
	return i.bind()
}

// waiting is the state of the import that a catalog was made for, if it waits
// for the rest of this very file.
func (i *importer) waiting(ctx context.Context, c *catalog.Catalog, wanted catalog.Import) (*catalog.Import, error) {
	state, err := i.t.Catalog.Import(ctx, operator("import"), c.Num)
	if err != nil {
		return nil, err
	}
	there := fmt.Sprintf("the section %q has a catalog %q already (%s)", i.section, c.Name, c.Key)
	const other = "give another name with --catalog"
	switch {
	case state == nil || state.Done >= state.Total && state.File != wanted.File:
		return nil, fmt.Errorf("%s; %s", there, other)
	case state.Done >= state.Total:
		return nil, fmt.Errorf("%s, and this file is in it: %d records of %d rows; %s", there, state.Stored, state.Total, other)
	case state.File != wanted.File:
		return nil, fmt.Errorf("%s, into which another file is to go on after row %d of %d; run the command with that file, or %s",
			there, state.Done, state.Total, other)
	case string(state.Plan) != string(wanted.Plan):
		return nil, fmt.Errorf("%s, into which this file is to go on after row %d of %d, but with other types of columns; give the same --type as before, or %s",
			there, state.Done, state.Total, other)
	}
	return state, nil
}

// bind finds the columns' fields, whose ids count from 1 in the order of the
// columns. Somebody may have changed them since an interrupted import began.
func (i *importer) bind() error {
	i.fields = make([]target, len(i.columns))
	for n := range i.columns {
		c := &i.columns[n]
		at := slices.IndexFunc(i.target.Fields, func(f *catalog.Field) bool { return f.ID == n+1 })
		want := fieldOf(c, n)
		if at < 0 || i.target.Fields[at].Type.Name() != want.Type || i.target.Fields[at].Config.Kind != want.Config.Kind {
			return fmt.Errorf("the field of the column %q is not in the catalog %q (%s) any more as the import made it; delete the catalog and begin again",
				c.Name, i.target.Name, i.target.Key)
		}
		i.fields[n] = target{field: i.target.Fields[at]}
		if c.Type == table.ChoiceType {
			i.fields[n].items = itemsOf(c, i.fields[n].field)
		}
	}
	return nil
}

// itemsOf gives the options by their names in the file: their numbers count
// from 1 in its order. Those that somebody has removed since are left out.
func itemsOf(c *table.Column, f *catalog.Field) map[string]query.Item {
	items := make(map[string]query.Item, len(c.Options))
	for n, name := range c.Options {
		if f.Config.Item(query.Item(n+1)) != nil {
			items[name] = query.Item(n + 1)
		}
	}
	return items
}

// fieldOf is the field that a column becomes.
func fieldOf(col *table.Column, n int) catalog.FieldInput {
	in := catalog.FieldInput{Path: fmt.Sprintf("fields[%d]", n), Name: &col.Name, Config: &catalog.Config{}}
	switch col.Type {
	case table.NumberType:
		in.Type = "number"
	case table.DateType:
		in.Type, in.Config.Mode = "date", catalog.ModeDateTime
		if col.DateOnly {
			in.Config.Mode = catalog.ModeDate
		}
	case table.ChoiceType:
		in.Type = "dropdown"
		for _, option := range col.Options {
			in.Config.Items = append(in.Config.Items, catalog.Item{Name: option})
		}
	case table.EmailType:
		in.Type, in.Config.Kind = "contact", "email"
	case table.PhoneType:
		in.Type, in.Config.Kind = "contact", "phone"
	case table.LinkType:
		in.Type, in.Config.Kind = "contact", "site"
	case table.MultilineType:
		in.Type, in.Config.Kind = "text", catalog.KindMultiline
	default:
		in.Type = "text"
	}
	return in
}

// value is a converted cell as a value of the field.
func (t *target) value(v any) catalog.Value {
	switch v := v.(type) {
	case float64:
		return catalog.Number(v)
	case table.Date:
		return catalog.Time(v.Millis)
	case []string:
		contacts := make(catalog.Contacts, len(v))
		for n, s := range v {
			contacts[n].Contact = s
		}
		return contacts
	case string:
		if t.items == nil {
			return catalog.Text(v)
		}
		if item, ok := t.items[v]; ok {
			return catalog.Items{item}
		}
	}
	return nil
}

// list prints the columns with what they become, and the bad cells of each when
// these are known.
func (i *importer) list(bad []int) {
	for n := range i.columns {
		c := &i.columns[n]
		kind := string(c.Type)
		if c.Type == table.DateType && !c.DateOnly {
			kind = "datetime"
		}
		line := fmt.Sprintf("%4d  %-12s %s", n+1, kind, c.Name)
		if bad != nil {
			line += fmt.Sprintf(": %d filled", c.Filled)
			if bad[n] > 0 {
				line += fmt.Sprintf(", %d bad", bad[n])
			}
		}
		if c.Type == table.ChoiceType {
			line += ": " + optionList(c.Options)
		}
		if c.Unsure {
			line += fmt.Sprintf("  (dates whose day and month cannot be told apart? --type %q or %q)", c.Name+"=date-dmy", c.Name+"=date-mdy")
		}
		fmt.Fprintln(i.c.Out, line)
	}
}

// optionList names the first options.
func optionList(options []string) (s string) {
	for n, option := range options {
		if n == 5 {
			return s + fmt.Sprintf(", ... (%d options)", len(options))
		}
		if n > 0 {
			s += ", "
		}
		s += option
	}
	return s
}
