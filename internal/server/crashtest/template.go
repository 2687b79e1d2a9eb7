package crashtest

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/store/testdb"
)

// Template is a company as every world has it at first.
type Template struct {
	target testdb.Target
}

// NewTemplate makes a company that furnish has filled. It lives as long as the test.
func NewTemplate(t testing.TB, target testdb.Target, furnish func(*catalog.Service)) *Template {
	t.Helper()
	d := diskOf(target)
	if f, ok := d.(*files); ok {
		if err := os.MkdirAll(f.folder(), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	company, err := d.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := catalog.New(company, catalog.Options{
		Now: func() time.Time { return time.UnixMilli(begin) }, Log: slog.New(slog.DiscardHandler), Directory: anybody{},
		Filters: bpium.ViewFilters{}, FieldsMax: 300, TextMax: 1000, RecordsMax: 10_000, Zone: time.UTC,
	})
	if _, err := s.Open(t.Context(), catalog.First{Name: "Ada", Login: "ada", Password: "secret", Section: "Work"}); err != nil {
		t.Fatal(err)
	}
	furnish(s)
	if err := company.Close(); err != nil {
		t.Fatal(err)
	}
	if target.DSN != "" { // PostgreSQL copies what nobody is connected to
		if err := d.keep(); err != nil {
			t.Fatal(err)
		}
	}
	return &Template{target}
}

func diskOf(target testdb.Target) disk {
	if target.DSN != "" {
		return &schema{dsn: target.DSN}
	}
	return &files{base: target.Dir}
}

// copied gives a copy of the template for one world.
func (t *Template) copied(tb testing.TB) disk {
	tb.Helper()
	if t.target.DSN != "" {
		return diskOf(testdb.PostgresLike(tb, t.target))
	}
	d := &files{base: tb.TempDir()}
	if err := copyCompany((&files{base: t.target.Dir}).folder(), d.folder()); err != nil {
		tb.Fatal(err)
	}
	return d
}

// anybody lets the first employee be made. Nobody signs in to these worlds.
type anybody struct{}

func (anybody) HashPassword(context.Context, string) (string, error) { return "none", nil }
func (anybody) CheckLogin(string) error                              { return nil }
func (anybody) Apply(context.Context, catalog.DirectoryMessage) (account.Standing, error) {
	return account.Standing{}, nil
}
