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

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/table"
)

func defineImport(set *flag.FlagSet) func(words []string) (*Task, error) {
	section := set.String("section", "", "the `NAME` of the section, which is made when there is none")
	name := set.String("catalog", "", "the new catalog's `NAME`; the file's when it is left out")
	format := set.String("format", "", "the `FORMAT` csv, xlsx, json or ndjson, when the file does not tell")
	sheet := set.String("sheet", "", "the `NAME` of the workbook's sheet; the first one when it is left out")
	dry := set.Bool("dry-run", false, "only tell what would be done")
	var types columnTypes
	set.Var(&types, "type", "`COLUMN=TYPE`: the type of a column is "+typeHelp+", whatever its cells look like; may be repeated")
	return func(words []string) (*Task, error) {
		if len(words) != 1 {
			return nil, usage("one file is wanted; \"-\" is standard input")
		}
		i := importer{section: strings.TrimSpace(*section), name: strings.TrimSpace(*name), types: types, dry: *dry}
		base := filepath.Base(words[0])
		if i.name == "" && words[0] != "-" {
			i.name = strings.TrimSuffix(base, filepath.Ext(base))
		}
		i.options = table.Options{Name: base, Format: table.Format(*format), Sheet: *sheet}
		switch {
		case i.section == "":
			return nil, usage("--section is required")
		case i.name == "":
			return nil, usage("--catalog is required with standard input")
		case !slices.Contains(formats, i.options.Format):
			return nil, usage("--format must be csv, xlsx, json or ndjson")
		}
		return &Task{File: words[0], Fresh: true, Harmless: *dry, run: func(ctx context.Context, t Tools, c Call) error {
			run := i
			run.t, run.c = t, c
			return run.run(ctx)
		}}, nil
	}
}

var formats = []table.Format{table.Auto, table.CSV, table.XLSX, table.JSON, table.Lines}

// importer loads one file.
type importer struct {
	section string // the name
	name    string // of the catalog
	options table.Options
	types   columnTypes
	dry     bool
	t       Tools
	c       Call
	file    *os.File

	reader  table.Reader // of the last pass
	columns []table.Column
	total   int64 // rows of the file
	target  *catalog.Catalog
	fields  []target // by column
	// state is what the database has.
	state    catalog.Import
	progress *table.Progress
	shown    int // bad rows and cells
}

func (i *importer) run(ctx context.Context) error {
	closeFile, err := i.open()
	if err != nil {
		return err
	}
	defer closeFile()
	if err := i.survey(ctx); err != nil {
		return err
	}
	if i.dry {
		return i.rehearse(ctx)
	}
	if err := i.begin(ctx); err != nil {
		return err
	}
	from := i.state.Done
	err = i.shownLoad(ctx)
	if errors.Is(err, errMoved) && i.state.Done == from {
		// A run that was killed has committed its last rows after all.
		if err = i.begin(ctx); err == nil {
			err = i.shownLoad(ctx)
		}
	}
	return err
}

// shownLoad loads with progress and a report.
func (i *importer) shownLoad(ctx context.Context) error {
	i.progress = table.NewProgress(i.c.Out, i.c.Terminal, i.t.Now, "Importing", "rows", i.total)
	i.progress.From(i.state.Done)
	err := i.load(ctx)
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

// report tells what came of it; after an interruption, that it can go on.
func (i *importer) report() {
	s := &i.state
	fmt.Fprintf(i.c.Out, "Catalog %s %q: %d records of %d rows", i.target.Key, i.target.Name, s.Stored, s.Total)
	if s.Refused+s.Cells > 0 {
		fmt.Fprintf(i.c.Out, "; not taken: %d rows and %d cells", s.Refused, s.Cells)
	}
	fmt.Fprintln(i.c.Out)
	if s.Done < s.Total {
		fmt.Fprintf(i.c.Out, "Not finished: the same command goes on after row %d\n", s.Done)
	}
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
	i.columns, i.total = s.Columns(i.reader.Columns()), int64(s.Rows()+bad)
	if len(i.columns) == 0 {
		return fault.New(fault.InvalidParameter, "The file has no columns")
	}
	for n := range i.columns {
		i.columns[n].Zone = i.t.Zone
	}
	if name, all := table.SheetOf(i.reader); all > 1 && i.options.Sheet == "" {
		fmt.Fprintf(i.c.Out, "Sheet %q of %d; --sheet names another\n", name, all)
	}
	return i.types.apply(i.columns)
}

// show prints a bad row or cell; after some of them only their number counts.
func (i *importer) show(line string) {
	i.shown++
	if i.shown > maxShown+1 {
		return
	}
	if i.shown == maxShown+1 {
		line = "Further problems are only counted"
	}
	if i.c.Terminal {
		line = "\r\x1b[K" + line // instead of the progress, which comes again
	}
	fmt.Fprintln(i.c.Out, line)
}

// maxShown bounds the bad rows and cells that are listed one by one.
const maxShown = 50
