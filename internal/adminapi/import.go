package adminapi

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
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

func runImport(ctx context.Context, t Tools, c Call) error {
	set := flag.NewFlagSet("import", flag.ContinueOnError)
	section := set.String("section", "", "the section's name; it is made when there is none")
	name := set.String("catalog", "", "the new catalog's name; the file's name when it is left out")
	format := set.String("format", "", "csv, json or ndjson, when the file's name does not tell")
	words, err := parse(c, set, "import FILE --section NAME --catalog NAME", 1, 1)
	if err != nil {
		return err
	}
	if *section == "" {
		fmt.Fprintln(c.Out, "--section is required")
		return ErrUsage
	}
	file, closeFile, err := table.Spool(c.In, t.TempDir)
	if err != nil {
		return err
	}
	defer closeFile()
	base := filepath.Base(words[0])
	if *name == "" {
		*name = strings.TrimSuffix(base, filepath.Ext(base))
	}
	i := &importer{t: t, c: c, file: file, options: table.Options{Name: base, Format: table.Format(*format)}}
	return i.run(ctx, *section, *name)
}

// importer loads one file.
type importer struct {
	t       Tools
	c       Call
	file    *os.File
	options table.Options

	reader   table.Reader // of the last pass
	columns  []table.Column
	rows     int // of the file, bad ones left out
	target   *catalog.Catalog
	progress *table.Progress
	chunk    []catalog.Op
	places   []table.Position // of the chunk's rows in the file
	size     int              // rows of the next chunk
	stored   int
	bad      int // rows not stored
	badCells int
}

func (i *importer) run(ctx context.Context, section, name string) error {
	if err := i.survey(); err != nil {
		return err
	}
	if err := i.create(ctx, section, name); err != nil {
		return err
	}
	i.progress = table.NewProgress(i.c.Out, i.c.Terminal, i.t.Now, "Importing", "rows", int64(i.rows))
	i.size = firstChunk
	err := i.each(func(row table.Row) error { return i.add(ctx, row) }, func(e *table.RowError) { i.reject(e) })
	if err == nil {
		err = i.flush(ctx)
	}
	i.progress.Finish()
	fmt.Fprintf(i.c.Out, "Catalog %s %q: %d records", i.target.Key, i.target.Name, i.stored)
	if i.bad+i.badCells > 0 {
		fmt.Fprintf(i.c.Out, ", %d rows and %d cells could not be read", i.bad, i.badCells)
	}
	fmt.Fprintln(i.c.Out)
	return err
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
func (i *importer) survey() error {
	var s table.Survey
	err := i.each(func(row table.Row) error { s.Add(row); return nil }, func(*table.RowError) {})
	if err != nil {
		return err
	}
	i.columns, i.rows = s.Columns(i.reader.Columns()), s.Rows()
	if len(i.columns) == 0 {
		return fault.New(fault.InvalidParameter, "The file has no columns")
	}
	return nil
}

// create makes the catalog, and the section when there is none of that name.
func (i *importer) create(ctx context.Context, section, name string) error {
	a := operator("import")
	sections, err := i.t.Catalog.Sections(ctx, a)
	if err != nil {
		return err
	}
	var key string
	for _, s := range sections {
		if s.Name == section {
			key = s.Key
		}
	}
	if key == "" {
		made, err := i.t.Catalog.CreateSection(ctx, a, catalog.SectionInput{Name: &section})
		if err != nil {
			return err
		}
		key = made.Key
	}
	in := catalog.CatalogInput{Name: &name, Section: &key}
	for n := range i.columns {
		in.Fields = append(in.Fields, fieldOf(&i.columns[n], n))
	}
	scope, err := i.t.Catalog.CreateCatalog(ctx, a, in)
	if err != nil {
		return err
	}
	i.target = scope.Catalog
	for n, f := range i.target.Fields {
		fmt.Fprintf(i.c.Out, "%4d  %-12s %s\n", n+1, i.columns[n].Type, f.Name)
	}
	return nil
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
			i.show(fmt.Sprintf("row %d: %s", i.places[n].Row, explain(err)))
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
	switch shown := i.bad + i.badCells; {
	case shown <= maxShown:
		fmt.Fprintln(i.c.Out, line)
	case shown == maxShown+1:
		fmt.Fprintln(i.c.Out, "further problems are only counted")
	}
}
