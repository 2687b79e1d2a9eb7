package adminapi

import (
	"context"
	"errors"
	"fmt"

	"kartoteka/internal/table"
)

// rehearse tells what an import would do, and does nothing of it.
func (i *importer) rehearse(ctx context.Context) error {
	where, err := i.destination(ctx)
	if err != nil {
		return err
	}
	bad := make([]int, len(i.columns))
	rows, cells := int64(0), 0
	err = i.each(func(row table.Row) error {
		rows++
		for n := range i.columns {
			var problem *table.RowError
			if _, err := i.columns[n].Convert(row); errors.As(err, &problem) {
				bad[n]++
				cells++
				i.show(problem.In("en"))
			} else if err != nil {
				return err
			}
		}
		return ctx.Err()
	}, func(e *table.RowError) { i.show(e.In("en")) })
	if err != nil {
		return err
	}
	i.list(bad)
	fmt.Fprintf(i.c.Out, "%s: %d records of %d rows", where, rows, i.total)
	if int64(cells)+i.total-rows > 0 {
		fmt.Fprintf(i.c.Out, "; not taken: %d rows and %d cells", i.total-rows, cells)
	}
	fmt.Fprintln(i.c.Out)
	fmt.Fprintln(i.c.Out, "Nothing was changed (--dry-run)")
	return nil
}

// destination is where the rows would go. It fails as the import would.
func (i *importer) destination(ctx context.Context) (string, error) {
	fresh := fmt.Sprintf("New catalog %q in the new section %q", i.name, i.section)
	if i.t.Catalog == nil {
		return fresh, nil
	}
	section, there, err := i.find(ctx)
	switch {
	case err != nil:
		return "", err
	case section == "":
		return fresh, nil
	case there == nil:
		return fmt.Sprintf("New catalog %q in the section %q", i.name, i.section), nil
	}
	wanted, err := i.wanted()
	if err != nil {
		return "", err
	}
	state, err := i.waiting(ctx, there, wanted)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("Catalog %s %q after row %d", there.Key, there.Name, state.Done), nil
}
