package adminapi_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/adminapi"
	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/store"
	"kartoteka/internal/store/testdb"
)

// directory is the accounts as the catalogs see them.
type directory struct{ accounts *account.Service }

func (d directory) HashPassword(ctx context.Context, password string) (string, error) {
	return d.accounts.HashPassword(ctx, password)
}

func (d directory) CheckLogin(login string) error { return d.accounts.CheckLogin(login) }

func (d directory) Apply(ctx context.Context, m catalog.DirectoryMessage) (account.Standing, error) {
	return d.accounts.SetEmployee(ctx, account.Employee{
		Link: account.Link{Company: 1, Employee: int64(m.Employee)}, Name: m.Name, Login: m.Login, Password: m.PasswordHash,
	})
}

// newTools opens the services over a fresh database, with an administrator.
func newTools(t testing.TB, target testdb.Target) adminapi.Tools {
	t.Helper()
	return newToolsWith(t, target, 300)
}

// newToolsWith is newTools with a bound for one-line texts, in characters.
func newToolsWith(t testing.TB, target testdb.Target, textMax int) adminapi.Tools {
	t.Helper()
	ctx, log := t.Context(), slog.New(slog.DiscardHandler)
	control, company, err := stores(ctx, target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := company.Close(); err != nil {
			t.Error(err)
		}
		if err := control.Close(); err != nil {
			t.Error(err)
		}
	})
	kyiv, err := time.LoadLocation("Europe/Kyiv")
	if err != nil {
		t.Fatal(err)
	}
	accounts := account.New(control, account.Options{Secret: []byte("a secret of sixteen bytes"), Now: time.Now, Logger: log, SessionTTL: time.Hour})
	service := catalog.New(company, catalog.Options{Now: time.Now, Log: log, Directory: directory{accounts}, Filters: bpium.ViewFilters{}, FieldsMax: 300, TextMax: textMax, RecordsMax: 1000, Zone: kyiv})
	if _, err := service.Open(ctx, catalog.First{Name: "Boss", Login: "boss@example.com", Password: "first password", Section: "Main"}); err != nil {
		t.Fatal(err)
	}
	return adminapi.Tools{
		Catalog: service, Accounts: accounts, Company: 1, Log: log, Now: time.Now, Zone: kyiv, TempDir: t.TempDir(),
		Check: func(ctx context.Context) (texts []string, err error) {
			problems, err := company.Check(ctx)
			for _, p := range problems {
				texts = append(texts, p.String())
			}
			return texts, err
		},
	}
}

func stores(ctx context.Context, target testdb.Target) (control *store.Control, company *store.Company, err error) {
	if target.DSN != "" {
		if control, err = store.OpenControlPostgres(ctx, target.DSN, 4); err != nil {
			return nil, nil, err
		}
		company, err = store.OpenPostgres(ctx, target.DSN, "company_1", store.Options{})
		return control, company, err
	}
	if control, err = store.OpenControlSQLite(ctx, filepath.Join(target.Dir, "control.db")); err != nil {
		return nil, nil, err
	}
	company, err = store.OpenSQLite(ctx, filepath.Join(target.Dir, "1.db"), store.Options{})
	return control, company, err
}

// prepare understands the arguments of an operation as the command does.
func prepare(args ...string) (*adminapi.Task, error) {
	for _, op := range adminapi.Operations() {
		if op.Name == args[0] {
			set := flag.NewFlagSet(op.Name, flag.ContinueOnError)
			set.SetOutput(io.Discard)
			set.String("data", "", "a flag that all commands share")
			return op.Prepare(set, args[1:])
		}
	}
	return nil, fmt.Errorf("no operation %s", args[0])
}

// run carries an operation out with an input and gives what it printed.
func run(t *testing.T, tools adminapi.Tools, in string, args ...string) (string, error) {
	t.Helper()
	task, err := prepare(args...)
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	var out bytes.Buffer
	err = task.Run(t.Context(), tools, adminapi.Call{In: strings.NewReader(in), Out: &out})
	return out.String(), err
}

// must is run for what may not fail.
func must(t *testing.T, tools adminapi.Tools, in string, args ...string) string {
	t.Helper()
	out, err := run(t, tools, in, args...)
	if err != nil {
		t.Fatalf("%s: %s\n%s", strings.Join(args, " "), adminapi.Explain(err), out)
	}
	return out
}

// boss is who looks at the results.
var boss = catalog.Actor{System: true, Origin: "test"}
