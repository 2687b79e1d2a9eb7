package adminapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"zombiezen.com/go/sqlite"

	"kartoteka/internal/adminapi"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

// BenchmarkImport compares an import with inserts written by hand: the same
// rows into the same tables with the same indexes, ready in memory and with
// prepared statements, 10,000 records in a transaction. The import reads,
// converts, checks, folds and makes keys and JSON besides. "ratio" is how many
// of the hand's rows a second the import reaches; "cpu" the same of processor
// time. KARTOTEKA_BENCH_FILE names another file.
//
//	scripts/pg.sh run -- go test -run '^$' -bench Import -benchtime 3x ./internal/adminapi
func BenchmarkImport(b *testing.B) {
	for _, source := range sources(b) {
		for _, place := range []struct {
			name  string
			make  func(testing.TB) testdb.Target
			alone bool
		}{{"sqlite", testdb.SQLite, true}, {"sqlite-served", testdb.SQLite, false}, {"postgres", testdb.Postgres, false}} {
			b.Run(source.name+"/"+place.name, func(b *testing.B) {
				var ours, hand spent
				for range b.N {
					target := place.make(b)
					took, rows := importOnce(b, target, source, place.alone)
					ours.add(took)
					hand.add(insertByHand(b, rows, place.make(b)))
				}
				b.ReportMetric(hand.wall.Seconds()/ours.wall.Seconds(), "ratio")
				b.ReportMetric(hand.cpu.Seconds()/ours.cpu.Seconds(), "cpu")
				n := float64(b.N * source.rows)
				b.ReportMetric(n/ours.wall.Seconds(), "rows/s")
				b.ReportMetric(n/hand.wall.Seconds(), "hand-rows/s")
				b.ReportMetric(float64(ours.cpu.Microseconds())/n, "cpu-µs/row")
				b.ReportMetric(float64(hand.cpu.Microseconds())/n, "hand-cpu-µs/row")
			})
		}
	}
}

// source is a file to import.
type source struct {
	name string
	rows int
	data []byte
}

// sources are the flights of vega-datasets, where the end-to-end tests have
// installed them, and a table with more texts.
func sources(b *testing.B) []source {
	path := os.Getenv("KARTOTEKA_BENCH_FILE")
	if path == "" {
		path = filepath.Join("..", "..", "e2e", "node_modules", "vega-datasets", "data", "flights-200k.json")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatalf("%v (scripts/deps.sh installs it)", err)
	}
	var texts bytes.Buffer
	texts.WriteString("Name,Note,Amount,State,Due\n")
	const words = "the quick brown fox jumps over the lazy dog and runs away from the crowd"
	for n := range 30_000 {
		fmt.Fprintf(&texts, "Order number %d,%s %d,%d.5,%s,2026-%02d-%02d\n", n, words[n%50:], n*7919, n, []string{"new", "done", "late"}[n%3], n%12+1, n%28+1)
	}
	return []source{
		{"flights", max(bytes.Count(data, []byte("},{"))+1, bytes.Count(data, []byte("\n"))), data},
		{"texts", 30_000, texts.Bytes()},
	}
}

// spent is time and processor time.
type spent struct{ wall, cpu time.Duration }

func (s *spent) add(other spent) { s.wall, s.cpu = s.wall+other.wall, s.cpu+other.cpu }

func measured(fn func()) spent {
	begun, before := time.Now(), processor()
	fn()
	return spent{time.Since(begun), processor() - before}
}

func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// tableRows are the rows of one table.
type tableRows struct {
	name    string
	columns []string
	rows    [][]any
}

// contents is an imported catalog and what is stored of it, in batches of
// records.
type contents struct {
	fields []catalog.FieldInput
	tables []tableRows
}

// importOnce imports and gives the time it took and what is stored then.
func importOnce(b *testing.B, target testdb.Target, source source, alone bool) (spent, contents) {
	tools := newTools(b, target)
	tools.Alone = alone
	path := filepath.Join(b.TempDir(), "file")
	if err := os.WriteFile(path, source.data, 0o600); err != nil {
		b.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	task, err := prepare("import", path, "--section", "S", "--catalog", "C")
	if err != nil {
		b.Fatal(err)
	}
	var out bytes.Buffer
	took := measured(func() { err = task.Run(b.Context(), tools, adminapi.Call{In: f, Out: &out}) })
	if want := fmt.Sprintf("%d records of %d rows", source.rows, source.rows); err != nil || !strings.Contains(out.String(), want) {
		b.Fatalf("%v\n%s", err, &out)
	}
	var all contents
	c := imported(b, tools, "C").Catalog
	for n, field := range c.Fields {
		config := field.Config
		config.NextItem = 0
		config.Items = slices.Clone(config.Items)
		for i := range config.Items {
			config.Items[i] = catalog.Item{Name: config.Items[i].Name}
		}
		all.fields = append(all.fields, catalog.FieldInput{Path: fmt.Sprintf("fields[%d]", n), Type: field.Type.Name(), Name: &field.Name, Config: &config})
	}
	where := map[string]string{
		fmt.Sprintf("r_%d", c.Num): "", fmt.Sprintf("s_%d", c.Num): "", "titles": fmt.Sprintf("WHERE catalog = %d", c.Num),
		"changes": fmt.Sprintf("WHERE catalog = %d", c.Num), "history": fmt.Sprintf("WHERE catalog = %d", c.Num),
		"option_times": "", "refs": "",
	}
	for _, name := range []string{fmt.Sprintf("r_%d", c.Num), "titles", fmt.Sprintf("s_%d", c.Num), "option_times", "refs", "changes", "history"} {
		t := tableRows{name: name}
		if target.DSN != "" {
			t.readPostgres(b, target, where[name])
		} else {
			t.readSQLite(b, target, where[name])
		}
		all.tables = append(all.tables, t)
	}
	return took, all
}

// insertByHand makes the same catalog in an empty company and inserts the rows.
func insertByHand(b *testing.B, all contents, target testdb.Target) spent {
	tools := newTools(b, target)
	section, err := tools.Catalog.CreateSection(b.Context(), boss, catalog.SectionInput{Name: new("S")})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := tools.Catalog.CreateCatalog(b.Context(), boss, catalog.CatalogInput{Name: new("C"), Section: &section.Key, Fields: all.fields}); err != nil {
		b.Fatal(err)
	}
	insert := all.insertSQLite
	if target.DSN != "" {
		insert = all.insertPostgres
	}
	took := measured(func() { err = insert(b.Context(), target) })
	if err != nil {
		b.Fatal(err)
	}
	page, err := tools.Catalog.Records(b.Context(), boss, imported(b, tools, "C").Catalog.Num, query.Query{Limit: 1, WithTotal: true}, nil)
	if err != nil || page.Total != int64(len(all.tables[0].rows)) {
		b.Fatalf("%v, %v", page, err)
	}
	return took
}

// handBatch is how many records the hand inserts in one transaction.
const handBatch = 10_000

// batches calls insert for the rows of all tables, some records at a time:
// tables have rows in proportion to the records.
func (c contents) batches(insert func(tables []tableRows) error) error {
	records := len(c.tables[0].rows)
	for from := 0; from < records; from += handBatch {
		to := min(from+handBatch, records)
		part := make([]tableRows, len(c.tables))
		for i, t := range c.tables {
			n := len(t.rows)
			part[i] = tableRows{t.name, t.columns, t.rows[n*from/records : n*to/records]}
		}
		if err := insert(part); err != nil {
			return err
		}
	}
	return nil
}

func (t *tableRows) insertSQL(placeholder func(n int) string) string {
	marks := make([]string, len(t.columns))
	for i := range marks {
		marks[i] = placeholder(i + 1)
	}
	return "INSERT INTO " + t.name + " (" + strings.Join(t.columns, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")"
}

func (t *tableRows) readSQLite(b *testing.B, target testdb.Target, where string) {
	conn, err := sqlite.OpenConn(filepath.Join(target.Dir, "1.db"), sqlite.OpenReadOnly)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	what, order := "*", "1"
	if strings.HasPrefix(t.name, "s_") {
		what = "rowid, fold"
	}
	stmt, _, err := conn.PrepareTransient("SELECT " + what + " FROM " + t.name + " " + where + " ORDER BY " + order)
	if err != nil {
		b.Fatal(err)
	}
	defer stmt.Finalize()
	for i := range stmt.ColumnCount() {
		t.columns = append(t.columns, stmt.ColumnName(i))
	}
	for {
		more, err := stmt.Step()
		if err != nil {
			b.Fatal(err)
		}
		if !more {
			return
		}
		row := make([]any, stmt.ColumnCount())
		for i := range row {
			switch stmt.ColumnType(i) {
			case sqlite.TypeInteger:
				row[i] = stmt.ColumnInt64(i)
			case sqlite.TypeFloat:
				row[i] = stmt.ColumnFloat(i)
			case sqlite.TypeText:
				row[i] = stmt.ColumnText(i)
			case sqlite.TypeBlob:
				blob := make([]byte, stmt.ColumnLen(i))
				stmt.ColumnBytes(i, blob)
				row[i] = blob
			}
		}
		t.rows = append(t.rows, row)
	}
}

func (c contents) insertSQLite(_ context.Context, target testdb.Target) (err error) {
	conn, err := sqlite.OpenConn(filepath.Join(target.Dir, "1.db"), sqlite.OpenReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	run := func(sql string) error {
		stmt, err := conn.Prepare(sql)
		if err == nil {
			_, err = stmt.Step()
			err = errors.Join(err, stmt.Reset())
		}
		return err
	}
	if err := run("PRAGMA synchronous = FULL"); err != nil {
		return err
	}
	return c.batches(func(tables []tableRows) error {
		if err := run("BEGIN IMMEDIATE"); err != nil {
			return err
		}
		for i := range tables {
			stmt, err := conn.Prepare(tables[i].insertSQL(func(int) string { return "?" }))
			if err != nil {
				return err
			}
			for _, row := range tables[i].rows {
				for n, v := range row {
					switch v := v.(type) {
					case nil:
						stmt.BindNull(n + 1)
					case int64:
						stmt.BindInt64(n+1, v)
					case float64:
						stmt.BindFloat(n+1, v)
					case string:
						stmt.BindText(n+1, v)
					case []byte:
						stmt.BindBytes(n+1, v)
					}
				}
				if _, err := stmt.Step(); err != nil {
					return err
				}
				if err := stmt.Reset(); err != nil {
					return err
				}
			}
		}
		return run("COMMIT")
	})
}

func openPostgres(ctx context.Context, target testdb.Target) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, target.DSN)
	if err == nil {
		_, err = conn.Exec(ctx, "SET search_path TO company_1, public")
	}
	return conn, err
}

func (t *tableRows) readPostgres(b *testing.B, target testdb.Target, where string) {
	ctx := b.Context()
	conn, err := openPostgres(ctx, target)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, "SELECT * FROM "+t.name+" "+where+" ORDER BY 1")
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	var kept []int // changes and history number themselves
	for i, d := range rows.FieldDescriptions() {
		if (t.name == "changes" || t.name == "history") && (d.Name == "id" || d.Name == "seq") {
			continue
		}
		kept = append(kept, i)
		t.columns = append(t.columns, d.Name)
	}
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			b.Fatal(err)
		}
		row := make([]any, len(kept))
		for i, n := range kept {
			row[i] = values[n]
		}
		t.rows = append(t.rows, row)
	}
	if rows.Err() != nil {
		b.Fatal(rows.Err())
	}
}

func (c contents) insertPostgres(ctx context.Context, target testdb.Target) error {
	conn, err := openPostgres(ctx, target)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return c.batches(func(tables []tableRows) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			for i := range tables {
				var batch pgx.Batch
				sql := tables[i].insertSQL(func(n int) string { return fmt.Sprint("$", n) })
				for _, row := range tables[i].rows {
					batch.Queue(sql, row...)
				}
				if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
