package adminapi

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"kartoteka/internal/account"
	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

func defineRights(set *flag.FlagSet) func(words []string) (*Task, error) {
	field := set.String("field", "", "the `ID` of a field to explain as well")
	return func(words []string) (*Task, error) {
		if len(words) != 2 {
			return nil, usage("an employee and a catalog, or CATALOG/RECORD, are wanted")
		}
		ask := catalog.ExplainAsk{Field: *field}
		key, record, inside := strings.Cut(words[1], "/")
		if ask.Catalog = bpium.CatalogKey(key); inside {
			key := bpium.RecordKey(record)
			ask.Record = &key
		}
		return &Task{run: func(ctx context.Context, t Tools, c Call) error {
			var err error
			if ask.User, err = employee(ctx, t, words[0]); err != nil {
				return err
			}
			x, err := t.Catalog.Explain(ctx, operator("cli"), ask)
			if err != nil {
				return err
			}
			return printRights(c.Out, x)
		}}, nil
	}
}

// employee finds an employee by login, else takes the word for an id.
func employee(ctx context.Context, t Tools, word string) (query.Key, error) {
	a, err := t.Accounts.AccountByLogin(ctx, word)
	if fault.Is(err, fault.NotFound) {
		return bpium.RecordKey(word), nil
	}
	if err != nil {
		return query.Key{}, err
	}
	if n, ok := (&account.Principal{Links: a.Links}).Employee(t.Company); ok {
		return query.Key{Record: query.Record(n)}, nil
	}
	return bpium.RecordKey(word), nil
}

// printRights prints what an employee may do and the rules that say so.
func printRights(out io.Writer, x *catalog.Explanation) error {
	object := x.Catalog.Name
	if x.Record != 0 {
		object += ", " + titleOf(x, query.MakeRef(x.Catalog.Num, x.Record))
	}
	fmt.Fprintf(out, "%s on %s: %s\n", titleOf(x, query.MakeRef(catalog.Employees, x.User)), object, codeOf(x.Privilege))
	if x.Field != nil {
		fmt.Fprintf(out, "Field %s %s: %s\n", x.Field.Key, x.Field.Name, x.Right.Code())
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SUBJECT\tPRIVILEGE\tDECIDED BY")
	for i := range x.Subjects {
		s := &x.Subjects[i]
		fmt.Fprintf(w, "%s\t%s\t%s\n", subjectName(x, s.Subject), codeOf(s.Privilege), ruleNames(x, s.Rules))
		if x.Field != nil && len(s.Fields) > 0 {
			fmt.Fprintf(w, "  field %s\t%s\t%s\n", x.Field.Key, s.Right.Code(), ruleNames(x, s.Fields))
		}
	}
	for _, v := range x.Views {
		fmt.Fprintf(w, "The record is in the view %s %s\n", v.Key, v.OriginName)
	}
	return w.Flush()
}

func codeOf(p catalog.Privilege) string {
	if p == catalog.NoPrivilege {
		return "-"
	}
	return p.Code()
}

func titleOf(x *catalog.Explanation, ref query.Ref) string {
	if t, ok := x.Titles[ref]; ok {
		return t.Text
	}
	return fmt.Sprintf("#%d", ref.Record())
}

func subjectName(x *catalog.Explanation, s catalog.Subject) string {
	switch _, name := x.Structure.SubjectAttr(s); {
	case s == catalog.Subject{}:
		return "everybody"
	case s.Field == 0:
		return titleOf(x, s.Ref)
	default:
		return name + " = " + titleOf(x, s.Ref)
	}
}

// ruleNames lists rules by number and the object that each is on.
func ruleNames(x *catalog.Explanation, rules []*catalog.Rule) string {
	var names []string
	for _, r := range rules {
		name := fmt.Sprintf("rule %d on ", r.ID)
		if r.Auto {
			name = "rules on what is inside of "
		}
		names = append(names, name+objectName(x, r))
	}
	if names == nil {
		return "-"
	}
	return strings.Join(names, ", ")
}

func objectName(x *catalog.Explanation, r *catalog.Rule) string {
	switch v := x.Structure.View(r.View); {
	case r.Section != 0:
		return "the section " + x.Structure.Section(r.Section).Name
	case v != nil:
		return "the view " + v.OriginName
	case r.Record != 0:
		return fmt.Sprintf("the record %s", titleOf(x, query.MakeRef(r.Catalog, r.Record)))
	}
	return "the catalog " + x.Catalog.Name
}
