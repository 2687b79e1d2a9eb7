package store

import (
	"crypto/rand"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

// eachPostgresPair runs a test with two nodes on one company.
func eachPostgresPair(t *testing.T, test func(t *testing.T, a, b *Company, st *catalog.Structure)) {
	target := testdb.Postgres(t)
	a, b := openTestCompany(t, target), openTestCompany(t, target)
	test(t, a, b, saveStructure(t, a))
}

func TestOtherNodeObeysStructure(t *testing.T) {
	eachPostgresPair(t, func(t *testing.T, a, b *Company, st *catalog.Structure) {
		plan := catalog.Plan{Version: st.Version, Class: catalog.Reshape, Catalogs: []query.Catalog{orders}}
		err := a.Update(t.Context(), plan, func(w catalog.Writer) error {
			_, err := w.BumpStructure(t.Context())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		err = b.View(t.Context(), st.Version, func(catalog.Reader) error { return nil })
		if !errors.Is(err, catalog.ErrStale) {
			t.Errorf("a view gives %v, want ErrStale", err)
		}
		err = b.Update(t.Context(), catalog.Plan{Version: st.Version, Catalogs: []query.Catalog{orders}},
			func(catalog.Writer) error { return nil })
		if !errors.Is(err, catalog.ErrStale) {
			t.Errorf("an update gives %v, want ErrStale", err)
		}
	})
}

func TestTwoNodesReserve(t *testing.T) {
	eachPostgresPair(t, func(t *testing.T, a, b *Company, st *catalog.Structure) {
		type taken struct {
			first query.Record
			n     int
			err   error
		}
		results := make(chan taken)
		const each = 40
		for _, s := range []*Company{a, b} {
			for start := range 2 {
				go func() {
					for i := range each {
						n := 1 + (start+i)%2*9
						first, err := s.Reserve(t.Context(), orders, n)
						results <- taken{first, n, err}
					}
				}()
			}
		}
		seen := map[query.Record]bool{}
		for range 4 * each {
			r := <-results
			if r.err != nil {
				t.Error(r.err)
			}
			for i := range r.n {
				if n := r.first + query.Record(i); seen[n] {
					t.Errorf("number %d was given twice", n)
				} else {
					seen[n] = true
				}
			}
		}
	})
}

func TestReserveRefuses(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, _ *catalog.Structure) {
		if _, err := s.Reserve(t.Context(), orders, 0); err == nil {
			t.Error("no numbers were reserved")
		}
	})
}

// On SQLite 300 filled text fields fit into a record; on PostgreSQL some 220,
// and more are refused with a message.
func TestWideRecord(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		s := openTestCompany(t, target)
		st := saveWide(t, s, 300)
		mutate(t, s, st, wideRecord(st, 1, 200).mutation(st))
		m := wideRecord(st, 2, 300).mutation(st)
		err := s.Update(t.Context(), catalog.Plan{Version: st.Version}, func(w catalog.Writer) error {
			return w.Write(t.Context(), []catalog.Mutation{m})
		})
		if refused := (*fault.Error)(nil); target.Name == "sqlite" && err != nil ||
			target.Name == "postgres" && !errors.As(err, &refused) {
			t.Errorf("300 fields: %v", err)
		}
		if found := mustCheck(t, s); found != nil {
			t.Errorf("the check finds %v", found)
		}
	})
}

// saveWide makes a catalog of text fields.
func saveWide(t *testing.T, s *Company, fields int) *catalog.Structure {
	t.Helper()
	def := &catalog.Definition{Version: firstVersion, Sections: []*catalog.Section{{Num: 1, Key: "1"}},
		Catalogs: []*catalog.Catalog{{Num: orders, Key: "5", Section: 1, Name: "Wide"}}}
	for i := range fields {
		key := numbered("t", int64(i))
		def.Fields = append(def.Fields, field(orders, query.Field(i+1), i+1, "text", key, catalog.Config{}))
	}
	err := s.Update(t.Context(), catalog.Plan{Version: firstVersion, Class: catalog.Reshape}, func(w catalog.Writer) error {
		return errors.Join(w.SaveSection(t.Context(), def.Sections[0]), w.SaveCatalog(t.Context(), def.Catalogs[0]),
			w.SaveFields(t.Context(), def.Catalogs[0], def.Fields))
	})
	if err != nil {
		t.Fatal(err)
	}
	return structureOf(t, def)
}

func wideRecord(st *catalog.Structure, id query.Record, filled int) *testRecord {
	r := &testRecord{catalog: orders, id: id, values: map[query.Field]catalog.Value{}}
	for _, f := range st.Catalog(orders).Fields[:filled] {
		r.values[f.Num] = catalog.Text("a value of some thirty letters")
	}
	return r
}

// Without the right to add pg_trgm the operator is told what to do, and when it
// is there in whatever schema the company opens.
func TestTrigramExtension(t *testing.T) {
	target := testdb.Postgres(t)
	role := "role_" + strings.ToLower(rand.Text())
	admin := func(sql string) {
		t.Helper()
		c, err := pgx.Connect(t.Context(), target.DSN)
		if err == nil {
			_, err = c.Exec(t.Context(), sql)
			err = errors.Join(err, c.Close(t.Context()))
		}
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	admin(`CREATE ROLE ` + role + ` LOGIN; CREATE SCHEMA company_1 AUTHORIZATION ` + role)
	defer admin(`DROP OWNED BY ` + role + `; DROP ROLE ` + role)
	dsn, err := url.Parse(target.DSN)
	if err != nil {
		t.Fatal(err)
	}
	dsn.User = url.User(role)
	_, err = OpenPostgres(t.Context(), dsn.String(), "company_1", Options{})
	if err == nil || !strings.Contains(err.Error(), "CREATE EXTENSION pg_trgm") {
		t.Fatalf("without the extension: %v", err)
	}
	admin(`CREATE SCHEMA extensions; GRANT USAGE ON SCHEMA extensions TO ` + role + `; CREATE EXTENSION pg_trgm SCHEMA extensions`)
	s, err := OpenPostgres(t.Context(), dsn.String(), "company_1", Options{})
	if err != nil {
		t.Fatal(err)
	}
	populate(t, s, saveStructure(t, s))
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
