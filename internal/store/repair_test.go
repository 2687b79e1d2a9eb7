package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

// lasting are the damages whose repair would invent something: a check goes on
// to find them.
var lasting = map[string]bool{
	"entries of a field that is not there":   true,
	"a value that is not JSON":               true,
	"an option that the field does not have": true,
	"a missing entry into an option":         true,
	"an option that was not left":            true,
	"history of no catalog":                  true,
	"history of no record":                   true,
	"a board of another catalog's view":      true,
	"a message of no catalog":                true,
	"a message of no record":                 true,
	"a message where none is said to be":     true,
	"a mention by no message":                true,
	"an attachment of no message":            true,
	"a message without its attachment":       true,
	"attachments that are not JSON":          true,
	"a hole among the changes":               true,
	"a change of no catalog":                 true,
	"a catalog without its table":            true,
	"a catalog without its section":          true,
	"a field without its column":             true,
}

// moreDamages are those that a check finds in a place of another damage.
var moreDamages = []struct{ name, sql string }{
	{"entries without a list, with a hole", `UPDATE r_5 SET l{made} = NULL WHERE id = 1;
		UPDATE refs SET position = 5 WHERE field = {made} AND record = 1 AND position = 1`},
	{"a list that cannot be read", `UPDATE r_5 SET l{made} = {broken} WHERE id = 1`},
	{"a title of another catalog", `UPDATE titles SET catalog = 7 WHERE ref = {first}`},
	{"a search row of a record that is not there", `{stray}`},
	{"boards and widgets of what is not there", `INSERT INTO boards VALUES (903, 99, 0, 'lost', 0, '{}'), (904, 5, 99, 'lost', 0, '{}');
		INSERT INTO widgets VALUES (902, 903, 0, '{}'), (903, 904, 0, '{}'), (904, 98, 0, '{}')`},
	{"everything at once", `DELETE FROM titles; DELETE FROM refs; DELETE FROM s_5; DELETE FROM s_7;
		UPDATE r_5 SET k{name} = NULL, k{note} = NULL`},
}

// state gives all rows that Repair may touch, by their tables' keys.
func state(t *testing.T, s *Company) string {
	t.Helper()
	var b strings.Builder
	err := s.engine.View(t.Context(), nil, func(c conn) error {
		b.Reset()
		dump := func(r row) error {
			fmt.Fprintf(&b, "%d %d %d %d|", r.Int(0), r.Int(1), r.Int(2), r.Int(3))
			for i := 4; i < 8; i++ {
				fmt.Fprintf(&b, "%x|", r.Bytes(i))
			}
			b.WriteByte('\n')
			return nil
		}
		batch := []statement{
			{SQL: `SELECT field, record, position, target, NULL, NULL, NULL, NULL FROM refs ORDER BY 1, 2, 3`, Each: dump},
			{SQL: `SELECT ref, catalog, CASE WHEN removed IS TRUE THEN 1 ELSE 0 END, 0, title, fold, key, code FROM titles ORDER BY ref`, Each: dump},
			{SQL: `SELECT num, catalog, view, priority, name, CAST(layouts AS text), NULL, NULL FROM boards ORDER BY num`, Each: dump},
			{SQL: `SELECT num, board, priority, 0, CAST(settings AS text), NULL, NULL, NULL FROM widgets ORDER BY num`, Each: dump},
			{SQL: damage.Replace(`SELECT id, version, updated, 0, l{made}, k{name}, k{note}, code FROM r_5 ORDER BY id`), Each: dump},
		}
		for _, n := range []query.Catalog{orders, clients} {
			batch = append(batch, statement{SQL: s.tables.SearchRows(n), Args: s.tables.RecordArgs(0, query.MaxRecord), Each: func(r row) error {
				fmt.Fprintf(&b, "%d %d %s\n", r.Int(0), r.Int(1), r.Bytes(2))
				return nil
			}})
		}
		for _, st := range batch {
			if err := c.Query(t.Context(), st.SQL, st.Args, st.Each); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func execute(t *testing.T, s *Company, sql string) {
	t.Helper()
	sql = damage.Replace(sql)
	broken, stray := `X'001122'`, `INSERT INTO s_5 (rowid, fold) VALUES (77 * 65536 + 4, 'stray')`
	if s.engine.Dialect().Name() == "postgres" {
		broken, stray = `'\x001122'::bytea`, `INSERT INTO s_5 (record, slot, fold) VALUES (77, 4, 'stray')`
	}
	sql = strings.NewReplacer("{broken}", broken, "{stray}", stray).Replace(sql)
	err := s.engine.Update(t.Context(), updateOptions{Class: classJob}, func(c conn) error { return c.Script(t.Context(), sql) })
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func mustRepair(t *testing.T, s *Company) []Repaired {
	t.Helper()
	done, err := s.Repair(t.Context())
	if err != nil {
		t.Fatalf("repair: %v", err)
	}
	return done
}

// TestRepair does every damage whose repair invents nothing; afterwards all is
// as it was.
func TestRepair(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		populate(t, s, st)
		execute(t, s, `INSERT INTO boards VALUES (801, 5, 0, 'kept', 0, '{}'); INSERT INTO widgets VALUES (801, 801, 0, '{}')`)
		before := state(t, s)
		if done := mustRepair(t, s); done != nil {
			t.Fatalf("without damage there is repaired %v", done)
		}
		test := func(name, sql string) {
			t.Run(name, func(t *testing.T) {
				settle(t, s)
				execute(t, s, sql)
				if found := mustCheck(t, s); found == nil {
					t.Error("the check finds nothing")
				}
				done := mustRepair(t, s)
				if found := mustCheck(t, s); found != nil || len(done) == 0 {
					t.Errorf("repaired %v; the check still finds %v", done, found)
				}
				execute(t, s, `DELETE FROM titles WHERE ref = {first} + 900 AND removed IS TRUE`)
				if after := state(t, s); after != before {
					t.Errorf("before\n%s\nafter\n%s", before, after)
				}
				if done := mustRepair(t, s); done != nil {
					t.Errorf("the second repair did %v", done)
				}
			})
		}
		for _, d := range damages {
			if !lasting[d.name] {
				test(d.name, d.sql)
			}
		}
		for _, d := range moreDamages {
			test(d.name, d.sql)
		}
	})
}

// TestRepairBoards: what was removed is told by its kind, and other nodes read the
// structure again, of which boards are a part.
func TestRepairBoards(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		populate(t, s, st)
		execute(t, s, `INSERT INTO boards VALUES (901, 5, 0, 'kept', 0, '{}'), (902, 99, 0, 'lost', 0, '{}'), (903, 5, 99, 'lost', 0, '{}');
			INSERT INTO widgets VALUES (901, 901, 0, '{}'), (902, 902, 0, '{}'), (903, 98, 0, '{}'), (904, 903, 0, '{}')`)
		done := mustRepair(t, s)
		if got := fmt.Sprint(done); got != "[boards of no catalog or of no view: 2 removed widgets on no board: 3 removed]" {
			t.Errorf("repaired %s", got)
		}
		d, err := s.Structure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Boards) != 1 || d.Boards[0].Num != 901 || len(d.Boards[0].Widgets) != 1 || d.Boards[0].Widgets[0].Num != 901 {
			t.Errorf("the boards are %+v", d.Boards)
		}
		if d.Version.Structure <= st.Version.Structure {
			t.Errorf("the structure's version is %d, as before", d.Version.Structure)
		}
		mustRepair(t, s)
		if again, err := s.Structure(t.Context()); err != nil || again.Version != d.Version {
			t.Errorf("a repair that did nothing made %+v of the version: %v", again.Version, err)
		}
	})
}

// TestRepairInventsNothing: what follows from nothing stays as it is and is
// found by the next check.
func TestRepairInventsNothing(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		populate(t, s, st)
		for _, d := range damages {
			if !lasting[d.name] {
				continue
			}
			t.Run(d.name, func(t *testing.T) {
				execute(t, s, d.sql)
				found := mustCheck(t, s)
				if done := mustRepair(t, s); done != nil || found == nil {
					t.Errorf("found %v, repaired %v", found, done)
				}
				if again := mustCheck(t, s); !slices.Equal(found, again) {
					t.Errorf("before the repair\n%v\nafter\n%v", found, again)
				}
			})
		}
	})
}

// TestRepairWhileWriting: records that change meanwhile keep what they became.
func TestRepairWhileWriting(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		const writers, changes = 4, 30
		errs := make(chan error, writers)
		for range writers {
			go func() { errs <- writeTexts(t.Context(), s, st, changes) }()
		}
		for left := writers; left > 0; {
			select {
			case err := <-errs:
				if left--; err != nil {
					t.Error(err)
				}
			default:
				execute(t, s, `UPDATE titles SET title = 'another' WHERE ref IN (SELECT ref FROM titles WHERE catalog = 5 LIMIT 3);
					UPDATE r_5 SET k{name} = NULL WHERE id IN (SELECT id FROM r_5 LIMIT 3)`)
				mustRepair(t, s)
			}
		}
		mustRepair(t, s)
		if err := s.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		if found := mustCheck(t, s); found != nil {
			t.Errorf("the check finds %v", found)
		}
	})
}

// writeTexts makes a record and changes its texts and links.
func writeTexts(ctx context.Context, s *Company, st *catalog.Structure, changes int) error {
	n, err := s.Reserve(ctx, orders, 1)
	for i := range changes {
		r := &testRecord{catalog: orders, id: n, values: map[query.Field]catalog.Value{
			fName: catalog.Text(fmt.Sprintf("name %d", i)), fNote: catalog.Text(fmt.Sprintf("note %d", i))}}
		m := r.mutation(st)
		m.Version = int64(i)
		if i > 0 {
			m.Kind = catalog.UpdateRecord
		}
		if err == nil {
			err = s.Update(ctx, catalog.Plan{Version: st.Version, Catalogs: []query.Catalog{orders}},
				func(w catalog.Writer) error { return w.Write(ctx, []catalog.Mutation{m}) })
		}
	}
	return err
}

// TestRepairDatabase: a broken index of the database itself is built anew.
func TestRepairDatabase(t *testing.T) {
	s := openTestCompany(t, testdb.SQLite(t))
	populate(t, s, saveStructure(t, s))
	before := state(t, s)
	execute(t, s, `DELETE FROM s_5_idx; DELETE FROM s_5_data WHERE id > 10`)
	if found := mustCheck(t, s); !slices.ContainsFunc(found, func(p Problem) bool { return p.Part == "database" }) {
		t.Fatalf("the check finds %v", found)
	}
	done := mustRepair(t, s)
	if found := mustCheck(t, s); found != nil || state(t, s) != before {
		t.Errorf("repaired %v; the check still finds %v", done, found)
	}
}
