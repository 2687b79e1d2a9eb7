package adminapi

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"kartoteka/internal/catalog"
)

// ErrDamaged says that a check found something; what was written to Call.Out.
var ErrDamaged = errors.New("the data is damaged")

func defineCheck(set *flag.FlagSet) func(words []string) (*Task, error) {
	repair := set.Bool("repair", false, "first rebuild what follows from other data: titles, sort keys, search rows, links, indexes; and remove boards and widgets of what is not there")
	return func(words []string) (*Task, error) {
		if len(words) > 0 {
			return nil, usage("unexpected argument %q", words[0])
		}
		return &Task{run: func(ctx context.Context, t Tools, c Call) error {
			if *repair {
				if err := mend(ctx, t, c); err != nil {
					return err
				}
			}
			return check(ctx, t, c)
		}}, nil
	}
}

func check(ctx context.Context, t Tools, c Call) error {
	problems, err := t.Check(ctx)
	if err != nil {
		return err
	}
	return reportProblems(c.Out, problems)
}

// reportProblems gives ErrDamaged when there are any.
func reportProblems(w io.Writer, problems []string) error {
	for _, p := range problems {
		fmt.Fprintln(w, p)
	}
	if len(problems) > 0 {
		return ErrDamaged
	}
	fmt.Fprintln(w, "No problems found")
	return nil
}

func mend(ctx context.Context, t Tools, c Call) error {
	done, err := t.Repair(ctx)
	for _, text := range done {
		fmt.Fprintln(c.Out, text)
	}
	if err == nil && len(done) == 0 {
		fmt.Fprintln(c.Out, "Nothing to repair")
	}
	return err
}

func defineUndelete(*flag.FlagSet) func(words []string) (*Task, error) {
	return func(words []string) (*Task, error) {
		wanted := map[string]int{catalog.SectionKind: 2, catalog.CatalogKind: 2, catalog.FieldKind: 3}
		switch {
		case len(words) == 0:
			return nil, usage("what is to come back?")
		case wanted[words[0]] == 0:
			return nil, usage("%q is no section, catalog or field", words[0])
		case len(words) != wanted[words[0]] && words[0] == catalog.FieldKind:
			return nil, usage("the ids of the catalog and of the field are wanted")
		case len(words) != wanted[words[0]]:
			return nil, usage("the id of the %s is wanted", words[0])
		}
		return &Task{run: func(ctx context.Context, t Tools, c Call) error {
			return undelete(ctx, t, c, words[0], words[1:])
		}}, nil
	}
}

// undelete brings back what ids name: itself, or its catalog first.
func undelete(ctx context.Context, t Tools, c Call, kind string, ids []string) error {
	id, cat := ids[len(ids)-1], ""
	if len(ids) > 1 {
		cat = ids[0]
	}
	if err := t.Catalog.Undelete(ctx, operator("cli"), kind, id, cat); err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "The %s %s is back\n", kind, id)
	return nil
}
