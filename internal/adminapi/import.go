package adminapi

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/table"
)

// The rows of a transaction: as many as it takes to stay near chunkTime, so
// that people who write at the same time hardly wait.
const (
	firstChunk = 50
	maxChunk   = 1000
	chunkTime  = 50 * time.Millisecond
	// maxShown bounds the bad cells that are listed one by one.
	maxShown = 50
)

func defineImport(set *flag.FlagSet) func(words []string) (*Task, error) {
	section := set.String("section", "", "the `NAME` of the section, which is made when there is none")
	name := set.String("catalog", "", "the new catalog's `NAME`; the file's when it is left out")
	format := set.String("format", "", "the `FORMAT` csv, json or ndjson, when the file's name does not tell")
	var types columnTypes
	set.Var(&types, "type", "`COLUMN=TYPE`: the type of a column is text, multiline, number, date or datetime, whatever its cells look like; may be repeated")
	return func(words []string) (*Task, error) {
		if len(words) != 1 {
			return nil, usage("one file is wanted; \"-\" is standard input")
		}
		i := importer{section: strings.TrimSpace(*section), name: strings.TrimSpace(*name), types: types}
		base := filepath.Base(words[0])
		if i.name == "" && words[0] != "-" {
			i.name = strings.TrimSuffix(base, filepath.Ext(base))
		}
		i.options = table.Options{Name: base, Format: table.Format(*format)}
		switch {
		case i.section == "":
			return nil, usage("--section is required")
		case i.name == "":
			return nil, usage("--catalog is required with standard input")
		case !slices.Contains(formats, i.options.Format):
			return nil, usage("--format must be csv, json or ndjson")
		}
		return &Task{File: words[0], Fresh: true, run: func(ctx context.Context, t Tools, c Call) error {
			run := i
			run.t, run.c = t, c
			return run.load(ctx)
		}}, nil
	}
}

var formats = []table.Format{table.Auto, table.CSV, table.JSON, table.Lines}

// importer loads one file.
type importer struct {
	section string // the name
	name    string // of the catalog
	options table.Options
	types   columnTypes
	t       Tools
	c       Call
	file    *os.File

	reader   table.Reader // of the last pass
	columns  []table.Column
	rows     int // of the file
	target   *catalog.Catalog
	progress *table.Progress
	chunk    []catalog.Op
	places   []table.Position // of the chunk's rows in the file
	size     int              // rows of the next chunk
	stored   int
	bad      int // rows not stored
	badCells int
}

func (i *importer) load(ctx context.Context) error {
	closeFile, err := i.open()
	if err != nil {
		return err
	}
	defer closeFile()
	if err := i.survey(ctx); err != nil {
		return err
	}
	if err := i.create(ctx); err != nil {
		return err
	}
	i.progress = table.NewProgress(i.c.Out, i.c.Terminal, i.t.Now, "Importing", "rows", int64(i.rows))
	i.size = firstChunk
	err = i.each(func(row table.Row) error { return i.add(ctx, row) }, i.reject)
	if err == nil {
		err = i.flush(ctx)
	}
	i.progress.Finish()
	i.report()
	return err
}

// open makes the input one that can be read twice.
func (i *importer) open() (closeFile func(), err error) {
	if f, ok := i.c.In.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			i.file = f
			return func() {}, nil
		}
	}
	f, remove, err := table.Spool(i.c.In, i.t.TempDir)
	if err != nil {
		return nil, err
	}
	i.file = f
	return func() { _ = remove() }, nil // nothing depends on a temporary file
}

func (i *importer) report() {
	fmt.Fprintf(i.c.Out, "Catalog %s %q: %d records of %d rows", i.target.Key, i.target.Name, i.stored, i.rows)
	if i.bad+i.badCells > 0 {
		fmt.Fprintf(i.c.Out, "; not taken: %d rows and %d cells", i.bad, i.badCells)
	}
	fmt.Fprintln(i.c.Out)
}

// each reads the file from its start.
func (i *importer) each(row func(table.Row) error, bad func(*table.RowError)) error {
	if _, err := i.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the file again: %w", err)
	}
	r, err := table.Open(i.file, i.options)
	if err != nil {
		return err
	}
	i.reader = r
	return table.Each(r, row, bad)
}

// survey reads the whole file to learn its columns.
func (i *importer) survey(ctx context.Context) error {
	var s table.Survey
	bad := 0
	err := i.each(func(row table.Row) error { s.Add(row); return ctx.Err() }, func(*table.RowError) { bad++ })
	if err != nil {
		return err
	}
	i.columns, i.rows = s.Columns(i.reader.Columns()), s.Rows()+bad
	if len(i.columns) == 0 {
		return fault.New(fault.InvalidParameter, "The file has no columns")
	}
	for n := range i.columns {
		i.columns[n].Zone = i.t.Zone
	}
	return i.types.apply(i.columns)
}

// create makes the catalog, and the section when there is none of that name.
func (i *importer) create(ctx context.Context) error {
	key, err := i.place(ctx)
	if err != nil {
		return err
	}
	in := catalog.CatalogInput{Name: &i.name, Section: &key}
	for n := range i.columns {
		in.Fields = append(in.Fields, fieldOf(&i.columns[n], n))
	}
	scope, err := i.t.Catalog.CreateCatalog(ctx, operator("import"), in)
	if err != nil {
		return err
	}
	i.target = scope.Catalog
	for n, f := range i.target.Fields {
		fmt.Fprintf(i.c.Out, "%4d  %-12s %s\n", n+1, i.columns[n].Type, f.Name)
	}
	return nil
}

// place gives the section, in which no catalog may have the new one's name:
// who imports twice by mistake would not find out which one is whole.
func (i *importer) place(ctx context.Context) (key string, err error) {
	sections, err := i.t.Catalog.Sections(ctx, operator("import"))
	if err != nil {
		return "", err
	}
	n := slices.IndexFunc(sections, func(s catalog.SectionInfo) bool { return s.Name == i.section })
	if n < 0 {
		made, err := i.t.Catalog.CreateSection(ctx, operator("import"), catalog.SectionInput{Name: &i.section})
		if err != nil {
			return "", err
		}
		return made.Key, nil
	}
	key = sections[n].Key
	there, err := i.t.Catalog.Catalogs(ctx, operator("import"), catalog.CatalogFilter{Sections: []string{key}, Hidden: true})
	if err != nil {
		return "", err
	}
	for _, scope := range there {
		if scope.Catalog.Name == i.name {
			return "", fmt.Errorf("the section %q has a catalog %q already (%s); give another name with --catalog",
				i.section, i.name, scope.Catalog.Key)
		}
	}
	return key, nil
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
	case table.MultilineType:
		in.Type, in.Config.Kind = "text", catalog.KindMultiline
	default:
		in.Type = "text"
	}
	return in
}

// add puts a row into the chunk; a cell that cannot be read is left empty and
// reported.
func (i *importer) add(ctx context.Context, row table.Row) error {
	op := catalog.Create{Catalog: i.target.Num}
	for n := range i.columns {
		v, err := i.columns[n].Convert(row)
		var bad *table.RowError
		if errors.As(err, &bad) {
			i.badCells++
			i.show(bad.In("en"))
			continue
		}
		if err != nil {
			return err
		}
		if value := valueOf(i.target.Fields[n], v); value != nil {
			op.Values = append(op.Values, catalog.FieldValue{Field: i.target.Fields[n].Num, Value: value})
		}
	}
	i.chunk, i.places = append(i.chunk, op), append(i.places, row.Position)
	if len(i.chunk) < i.size {
		return nil
	}
	return i.flush(ctx)
}

// valueOf is a converted cell as a value of its field.
func valueOf(f *catalog.Field, v any) catalog.Value {
	switch v := v.(type) {
	case float64:
		return catalog.Number(v)
	case table.Date:
		return catalog.Time(v.Millis)
	case string:
		if !f.Storage().HasItems() {
			return catalog.Text(v)
		}
		for _, item := range f.Config.Items {
			if item.Name == v {
				return catalog.Items{item.Num}
			}
		}
	}
	return nil
}

// flush stores the chunk in one transaction. When a row of it is refused, each
// is stored alone, and the refused ones are reported.
func (i *importer) flush(ctx context.Context) error {
	if len(i.chunk) == 0 {
		return nil
	}
	start := i.t.Now()
	_, err := i.t.Catalog.Apply(ctx, operator("import"), i.chunk, nil)
	var refused *fault.Error
	switch {
	case err == nil:
		i.stored += len(i.chunk)
	case errors.As(err, &refused):
		if err := i.oneByOne(ctx); err != nil {
			return err
		}
	default:
		return fmt.Errorf("store rows: %w", err)
	}
	i.adapt(i.t.Now().Sub(start))
	i.chunk, i.places = i.chunk[:0], i.places[:0]
	i.progress.Set(int64(i.stored + i.bad))
	return nil
}

func (i *importer) oneByOne(ctx context.Context) error {
	for n, op := range i.chunk {
		_, err := i.t.Catalog.Apply(ctx, operator("import"), []catalog.Op{op}, nil)
		var refused *fault.Error
		switch {
		case err == nil:
			i.stored++
		case errors.As(err, &refused):
			i.bad++
			i.show(fmt.Sprintf("row %d: %s", i.places[n].Row, Explain(err)))
		default:
			return fmt.Errorf("store row %d: %w", i.places[n].Row, err)
		}
	}
	return nil
}

// adapt sets the size of the next chunk by the time of the last.
func (i *importer) adapt(took time.Duration) {
	switch {
	case took > chunkTime:
		i.size = max(i.size/2, 1)
	case took < chunkTime/2:
		i.size = min(i.size*2, maxChunk)
	}
}

func (i *importer) reject(e *table.RowError) {
	i.bad++
	i.show(e.In("en"))
}

func (i *importer) show(line string) {
	shown := i.bad + i.badCells
	if shown > maxShown+1 {
		return
	}
	if shown == maxShown+1 {
		line = "Further problems are only counted"
	}
	if i.c.Terminal {
		line = "\r\x1b[K" + line // instead of the progress, which comes again
	}
	fmt.Fprintln(i.c.Out, line)
}
