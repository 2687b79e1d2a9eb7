package adminapi

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"kartoteka/internal/catalog"
)

func defineIndexes(*flag.FlagSet) func(words []string) (*Task, error) {
	return func(words []string) (*Task, error) {
		switch {
		case len(words) == 0:
			return &Task{run: listIndexes}, nil
		case words[0] != "add":
			return nil, usage("%q is not \"add\"", words[0])
		case len(words) != 3:
			return nil, usage("\"add\" wants the id of a catalog and those of its fields, joined by commas")
		}
		return &Task{run: func(ctx context.Context, t Tools, c Call) error {
			return addIndex(ctx, t, c, words[1], strings.Split(words[2], ","))
		}}, nil
	}
}

func addIndex(ctx context.Context, t Tools, c Call, cat string, fields []string) error {
	if err := t.Catalog.AddIndex(ctx, operator("cli"), cat, fields); err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "Catalog %s has an index over %s\n", cat, strings.Join(fields, ", "))
	return nil
}

func listIndexes(ctx context.Context, t Tools, c Call) error {
	st, all, err := t.Catalog.Indexes(ctx, operator("cli"))
	if err != nil {
		return err
	}
	if len(all) == 0 {
		fmt.Fprintln(c.Out, "There are no indexes yet")
		return nil
	}
	w := tabwriter.NewWriter(c.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CATALOG\tFIELDS\tREASON\tUSES\tLAST USE\tSIZE\tINDEX")
	for _, i := range all {
		cat := st.Catalog(i.Catalog)
		if cat == nil {
			continue // it is removed, but may come back
		}
		fmt.Fprintf(w, "%s %s\t%s\t%s\t%d\t%s\t%s\t%s\n", cat.Key, cat.Name, indexFields(cat, i), indexReason(i),
			i.Uses, day(i.Last), bytesText(i.Size), i.Name)
	}
	return w.Flush()
}

func indexFields(cat *catalog.Catalog, i catalog.Index) string {
	var fields []string
	for _, n := range i.Fields {
		switch f := cat.Field(n); {
		case n == catalog.CreatedTime:
			fields = append(fields, "$createdTime")
		case n == catalog.UpdatedTime:
			fields = append(fields, "$updatedTime")
		case f != nil:
			fields = append(fields, f.Key+" "+f.Name)
		}
	}
	return strings.Join(fields, ", ")
}

// indexReason tells who made an index, when and why.
func indexReason(i catalog.Index) string {
	if i.Operator {
		return "operator"
	}
	return fmt.Sprintf("automatic since %s, %d slow requests", day(i.Since), i.Slow)
}

// day is the day of a time in Unix milliseconds, "-" for none.
func day(ms int64) string {
	if ms == 0 {
		return "-"
	}
	return time.UnixMilli(ms).UTC().Format(time.DateOnly)
}

func bytesText(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d kB", (n+1023)>>10)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}
