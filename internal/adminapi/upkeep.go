package adminapi

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"
)

// ErrDamaged says that a check found something; what was written to Call.Out.
var ErrDamaged = errors.New("the data is damaged")

func runCheck(ctx context.Context, t Tools, c Call) error {
	if _, err := parse(c, flag.NewFlagSet("check", flag.ContinueOnError), "check", 0, 0); err != nil {
		return err
	}
	problems, err := t.Check(ctx)
	if err != nil {
		return err
	}
	for _, p := range problems {
		fmt.Fprintln(c.Out, p)
	}
	if len(problems) > 0 {
		return ErrDamaged
	}
	fmt.Fprintln(c.Out, "No problems found")
	return nil
}

func runIndexes(ctx context.Context, t Tools, c Call) error {
	words, err := parse(c, flag.NewFlagSet("indexes", flag.ContinueOnError), "indexes [add CATALOG FIELD[,FIELD]]", 0, 3)
	if err != nil {
		return err
	}
	switch {
	case len(words) == 0:
		return listIndexes(ctx, t, c)
	case len(words) == 3 && words[0] == "add":
		if err := t.Catalog.AddIndex(ctx, operator("cli"), words[1], strings.Split(words[2], ",")); err != nil {
			return err
		}
		fmt.Fprintf(c.Out, "Catalog %s has an index over %s\n", words[1], words[2])
		return nil
	}
	fmt.Fprintln(c.Out, "Usage: kartoteka indexes [add CATALOG FIELD[,FIELD]]")
	return ErrUsage
}

func listIndexes(ctx context.Context, t Tools, c Call) error {
	st, all, err := t.Catalog.Indexes(ctx, operator("cli"))
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CATALOG\tFIELDS\tINDEX")
	for _, index := range all {
		cat := st.Catalog(index.Catalog)
		if cat == nil {
			continue
		}
		var fields []string
		for _, n := range index.Fields {
			if f := cat.Field(n); f != nil {
				fields = append(fields, f.Key+" "+f.Name)
			}
		}
		fmt.Fprintf(w, "%s %s\t%s\t%s\n", cat.Key, cat.Name, strings.Join(fields, ", "), index.Name)
	}
	return w.Flush()
}

func runUndelete(ctx context.Context, t Tools, c Call) error {
	const usage = "undelete section|catalog ID, or undelete field CATALOG ID"
	words, err := parse(c, flag.NewFlagSet("undelete", flag.ContinueOnError), usage, 2, 3)
	if err != nil {
		return err
	}
	kind, id, cat := words[0], words[len(words)-1], ""
	if len(words) == 3 {
		cat = words[1]
	}
	if err := t.Catalog.Undelete(ctx, operator("cli"), kind, id, cat); err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "The %s %s is back\n", kind, id)
	return nil
}
