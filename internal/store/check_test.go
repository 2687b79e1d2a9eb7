package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// damages are statements that break one promise each, and the part of a check
// that must find it.
var damages = []struct{ name, part, sql string }{
	{"a link that is in the list only", "links", `DELETE FROM refs WHERE field = {made} AND record = 1 AND position = 1`},
	{"a link that is in refs only", "links", `UPDATE r_5 SET l{made} = NULL WHERE id = 1`},
	{"a hole among positions", "links", `UPDATE refs SET position = 5 WHERE field = {made} AND record = 1 AND position = 1`},
	{"a link to a record that never was", "links", `DELETE FROM titles WHERE ref = {acme}`},
	{"entries of a record that is not there", "links", `INSERT INTO refs VALUES ({made}, 77, 0, {acme})`},
	{"entries of a field that is not there", "links", `INSERT INTO refs VALUES (999, 1, 0, {acme})`},
	{"another title", "titles", `UPDATE titles SET title = 'another' WHERE ref = {first}`},
	{"another fold of the title", "titles", `UPDATE titles SET fold = 'another' WHERE ref = {first}`},
	{"no sort key of the title", "titles", `UPDATE titles SET key = NULL WHERE ref = {first}`},
	{"another id in the title", "titles", `UPDATE titles SET code = 'other' WHERE ref = {first}`},
	{"a live record whose title is removed", "titles", `UPDATE titles SET removed = TRUE WHERE ref = {first}`},
	{"a title of no record", "titles", `INSERT INTO titles (ref, catalog, title, fold) VALUES ({first} + 900, 5, 'x', 'x')`},
	{"another sort key", "values", `UPDATE r_5 SET k{name} = k{note} WHERE id = 1`},
	{"a value that is not JSON", "values", `UPDATE r_5 SET f{phones} = 'nonsense' WHERE id = 1`},
	{"a missing search row", "search", `DELETE FROM s_5`},
	{"a search row of another text", "search", `UPDATE s_5 SET fold = 'other'`},
	{"an option that the field does not have", "options", `UPDATE r_5 SET f{status} = 99 WHERE id = 1`},
	{"a missing entry into an option", "options", `DELETE FROM option_times`},
	{"an option that was not left", "options", `INSERT INTO option_times (field, record, item, entered) VALUES ({status}, 1, 2, 5)`},
	{"history of no catalog", "history", `INSERT INTO history (catalog, record, at, actor, kind) VALUES (99, 1, 1, 1, 'CREATE')`},
	{"history of no record", "history", `INSERT INTO history (catalog, record, at, actor, kind) VALUES (5, 99, 1, 1, 'CREATE')`},
	{"a board of no catalog", "structure", `INSERT INTO boards VALUES (901, 99, 0, '', 0, '{}')`},
	{"a board of no view", "structure", `INSERT INTO boards VALUES (902, 5, 99, '', 0, '{}')`},
	{"a board of another catalog's view", "structure", `INSERT INTO views (num, key, catalog, owner, legal, name, origin_name, filters, options)
		VALUES (801, 'other', 7, 0, TRUE, 'x', 'x', '[]', '{}'); INSERT INTO boards VALUES (904, 5, 801, '', 0, '{}')`},
	{"a widget on no board", "structure", `INSERT INTO widgets VALUES (901, 99, 0, '{}')`},
	{"a message of no catalog", "messages", `INSERT INTO messages VALUES (901, 99, 1, 1, 'x', 0, '[]', '[]', NULL, 0, 1, NULL, NULL)`},
	{"a message of no record", "messages", `INSERT INTO messages VALUES (902, 5, 99, 1, 'x', 0, '[]', '[]', NULL, 0, 1, NULL, NULL)`},
	{"a message where none is said to be", "messages", `INSERT INTO messages VALUES (903, 5, 1, 1, 'x', 0, '[]', '[]', NULL, 0, 1, NULL, NULL)`},
	{"a mention by no message", "messages", `INSERT INTO mentions VALUES (5, 1, 1, 1)`},
	{"a chat that is not new", "messages", `INSERT INTO subscriptions VALUES (5, 1, 1, TRUE, 0, TRUE)`},
	{"an attachment of no message", "messages", `INSERT INTO files (id, storage, address, title, size, uploader, confirmed, catalog, field, record, made)
		VALUES (900, 'url', 'https://x.example', 'x', 0, 1, TRUE, 5, 0, 1, 1)`},
	{"a message without its attachment", "messages", `UPDATE catalogs SET chat = TRUE;
		INSERT INTO messages VALUES (904, 5, 1, 1, 'x', 0, '[]', '[]', '[{"id":901}]', 0, 1, NULL, NULL)`},
	{"attachments that are not JSON", "messages", `UPDATE catalogs SET chat = TRUE;
		INSERT INTO messages VALUES (905, 5, 1, 1, 'x', 0, '[]', '[]', 'nonsense', 0, 1, NULL, NULL)`},
	{"a hole among the changes", "changes", `UPDATE changes SET seq = seq + 10 WHERE seq = (SELECT max(seq) FROM changes)`},
	{"a change of no catalog", "changes", `UPDATE changes SET catalog = 99 WHERE seq = 1`},
	{"a missing index", "indexes", `DROP INDEX i_5_{amount}`},
	{"a catalog without its table", "structure", `DROP TABLE r_7`},
	{"a catalog without its section", "structure", `DELETE FROM sections`},
	{"a field without its column", "structure", `DROP INDEX i_5_{amount}; ALTER TABLE r_5 DROP COLUMN f{amount}`},
}

func TestCheckFindsDamage(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		populate(t, s, st)
		if found := mustCheck(t, s); found != nil {
			t.Fatalf("before any damage the check finds %v", found)
		}
		for _, d := range damages {
			t.Run(d.name, func(t *testing.T) {
				found := checkDamaged(t, s, d.sql)
				if !slices.ContainsFunc(found, func(p Problem) bool { return p.Part == d.part }) {
					t.Errorf("the check finds %v, nothing of %s", found, d.part)
				}
			})
		}
	})
}

// checkDamaged does the damage, checks, and undoes it.
func checkDamaged(t *testing.T, s *Company, sql string) []Problem {
	t.Helper()
	k := &checker{company: s}
	undo := errors.New("undo")
	err := s.engine.Update(t.Context(), updateOptions{Class: classJob}, func(c conn) error {
		k.conn = c
		if err := c.Script(t.Context(), damage.Replace(sql)); err != nil {
			return err
		}
		if err := k.run(t.Context()); err != nil {
			return err
		}
		return undo
	})
	if !errors.Is(err, undo) {
		t.Fatalf("check: %v", err)
	}
	return k.problems
}

// damage puts the numbers into the statements.
var damage = strings.NewReplacer("{name}", fmt.Sprint(fName), "{note}", fmt.Sprint(fNote),
	"{phones}", fmt.Sprint(fPhones), "{made}", fmt.Sprint(fClients), "{status}", fmt.Sprint(fStatus),
	"{amount}", fmt.Sprint(fAmount), "{acme}", fmt.Sprint(int64(query.MakeRef(clients, 1))),
	"{first}", fmt.Sprint(int64(query.MakeRef(orders, 1))))

func mustCheck(t *testing.T, s *Company) []Problem {
	t.Helper()
	found, err := s.Check(t.Context())
	if err != nil {
		t.Fatalf("check: %v", err)
	}
	return found
}

// populate writes a client and an order with values of every kind that is
// stored twice.
func populate(t *testing.T, s *Company, st *catalog.Structure) {
	t.Helper()
	records := []*testRecord{
		{catalog: clients, id: 1, values: map[query.Field]catalog.Value{fTitle: catalog.Text("Acme")}},
		{catalog: clients, id: 2, values: map[query.Field]catalog.Value{fTitle: catalog.Text("Bolts")}},
		{catalog: orders, id: 1, code: "one", values: map[query.Field]catalog.Value{
			fName: catalog.Text("First"), fNote: catalog.Text("a note"), fStatus: catalog.Items{1},
			fClients: links(clients, 1, 2), fPhones: catalog.Contacts{{ID: "1", Contact: "900 123"}},
		}},
	}
	var list []catalog.Mutation
	for _, r := range records {
		m := r.mutation(st)
		m.History = &catalog.HistoryRow{Kind: catalog.Created, Payload: []byte(`{}`)}
		if r.catalog == orders {
			m.Times = []catalog.ItemTime{{Field: fStatus, Item: 1, Enter: true}}
		}
		list = append(list, m)
	}
	mutate(t, s, st, list...)
	addTestIndex(t, s, st, orders, fAmount)
	if err := s.Sequence(t.Context()); err != nil {
		t.Fatalf("populate: %v", err)
	}
	settle(t, s)
}

// Two nodes on one database write and number at once; every change has its
// place, in the order in which each record changed.
func TestSequenceOfTwoNodes(t *testing.T) {
	eachPostgresPair(t, func(t *testing.T, a, b *Company, st *catalog.Structure) {
		const each = 60
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 2)
		for _, s := range []*Company{a, b} {
			go func() { ended <- s.RunSequence(ctx) }()
		}
		errs := make(chan error, 4)
		for _, s := range []*Company{a, b, a, b} {
			go func() { errs <- writeChain(t.Context(), s, st, each) }()
		}
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		cancel()
		<-ended
		<-ended
		if err := a.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		checkSequence(t, a, 4*each)
		if found := mustCheck(t, b); found != nil {
			t.Errorf("the check finds %v", found)
		}
	})
}

// writeChain makes a record and changes it, one change each transaction.
func writeChain(ctx context.Context, s *Company, st *catalog.Structure, changes int) error {
	n, err := s.Reserve(ctx, orders, 1)
	for i := range changes {
		m := catalog.Mutation{Kind: catalog.UpdateRecord, Catalog: st.Catalog(orders), Record: n, Version: int64(i), At: 1}
		if i == 0 {
			m.Kind = catalog.InsertRecord
		}
		if err == nil {
			err = s.Update(ctx, catalog.Plan{Version: st.Version, Catalogs: []query.Catalog{orders}},
				func(w catalog.Writer) error { return w.Write(ctx, []catalog.Mutation{m}) })
		}
	}
	return err
}

func checkSequence(t *testing.T, s *Company, want int64) {
	t.Helper()
	err := s.engine.View(t.Context(), nil, func(c conn) error {
		next := int64(1)
		versions := map[int64]int64{}
		err := c.Query(t.Context(), `SELECT seq, record, version FROM changes ORDER BY seq`, nil, func(r row) error {
			if r.Null(0) || r.Int(0) != next || r.Int(2) != versions[r.Int(1)]+1 {
				t.Errorf("change %d is number %d, version %d of record %d", r.Int(0), next, r.Int(2), r.Int(1))
			}
			versions[r.Int(1)] = r.Int(2)
			next++
			return nil
		})
		if next-1 != want {
			t.Errorf("%d changes, want %d", next-1, want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
