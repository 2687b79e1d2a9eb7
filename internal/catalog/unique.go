package catalog

import (
	"context"
	"fmt"
	"strings"

	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// claim is a text that a step writes to a field where it must be unique.
type claim struct {
	field  *Field
	record query.Record
	text   string
}

// claims lists what the steps write to fields with unique texts.
func (p *planner) claims() (list []claim) {
	for _, s := range p.steps {
		if !s.subject.catalog.System || s.kind == deleteStep {
			continue
		}
		for _, c := range s.changes {
			if r := c.field.rules(); r == nil || !r.unique {
				continue
			}
			if t, _ := c.new.(Text); t != "" {
				list = append(list, claim{c.field, s.subject.record, string(t)})
			}
		}
	}
	return list
}

// checkClaims fails with Duplicate if another record has one of the texts, as
// the transaction leaves them. Transactions with claims exclude each other.
func (w *writing) checkClaims(ctx context.Context, tx Writer) error {
	for _, c := range w.claimed {
		found, err := w.withText(ctx, tx, c.field, c.text)
		if err != nil {
			return err
		}
		for _, r := range found.records() {
			if r != c.record {
				return taken(c.field)
			}
		}
	}
	return nil
}

// textRows are some rows of a catalog.
type textRows struct {
	shown *mirrorRows
	rows  []int
}

func (t *textRows) records() []query.Record {
	list := make([]query.Record, len(t.rows))
	for i, row := range t.rows {
		list[i] = t.shown.page.Record(row)
	}
	return list
}

func (w *writing) withText(ctx context.Context, r Reader, f *Field, s string) (*textRows, error) {
	return withText(ctx, r, w.st, f, s)
}

// withText finds the records of a system catalog that have a text in a field;
// letters' case and blanks around it do not matter.
func withText(ctx context.Context, r Reader, st *Structure, f *Field, s string) (*textRows, error) {
	fold := text.Fold(strings.TrimSpace(s))
	where := query.Cond{Field: f.Num, Test: query.Substring{Fold: fold}}
	shown, err := readRows(ctx, r, st, st.Catalog(f.Catalog), where)
	if err != nil {
		return nil, fmt.Errorf("look for a text of field %s: %w", f.Key, err)
	}
	found := &textRows{shown: shown}
	column := shown.page.Column(f.Num)
	for i := range shown.page.Len() {
		if text.Fold(strings.TrimSpace(string(shown.page.Bytes(shown.page.Cell(i, column))))) == fold {
			found.rows = append(found.rows, i)
		}
	}
	return found, nil
}
