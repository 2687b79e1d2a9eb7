package store

import (
	"errors"
	"io/fs"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"kartoteka/internal/catalog"
	"kartoteka/internal/store/testdb"
)

func file(sql string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(sql)} }

func TestMigrate(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		e := openEngine(t, target)
		mustUpdate(t, e, addNote(t.Context(), 1))
		if err := migrate(t.Context(), e, testFiles); err != nil {
			t.Fatalf("again: %v", err)
		}
		more := maps.Clone(testFiles)
		more["0003_more.sql"] = file("ALTER TABLE notes ADD COLUMN more text;")
		if err := migrate(t.Context(), e, more); err != nil {
			t.Fatalf("one more: %v", err)
		}
		if err := migrate(t.Context(), e, testFiles); !errors.Is(err, ErrNewer) {
			t.Errorf("an older program got %v", err)
		}
		changed := maps.Clone(more)
		changed["0002_notes.sql"] = file("SELECT 1")
		if err := migrate(t.Context(), e, changed); err == nil || !strings.Contains(err.Error(), "not the one applied") {
			t.Errorf("a changed file gave %v", err)
		}
		broken := maps.Clone(more)
		broken["0004_broken.sql"] = file("CREATE TABLE half (id bigint); INSERT INTO nowhere VALUES (1);")
		if err := migrate(t.Context(), e, broken); err == nil || !strings.Contains(err.Error(), "migration 4 (broken)") {
			t.Errorf("a broken file gave %v", err)
		}
		broken["0004_broken.sql"] = file("CREATE TABLE half (id bigint);\r\n")
		if err := migrate(t.Context(), e, broken); err != nil {
			t.Errorf("half of a migration stayed: %v", err)
		}
		broken["0004_broken.sql"] = file("CREATE TABLE half (id bigint);\n")
		if err := migrate(t.Context(), e, broken); err != nil {
			t.Errorf("line ends matter: %v", err)
		}
		wantNotes(t, e, 1)
	})
}

func TestMigrateTogether(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		e := openTarget(t, target)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				if err := migrate(t.Context(), e, testFiles); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		wantNotes(t, e)
	})
}

func TestMigrationNames(t *testing.T) {
	cases := map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"gap":       {fstest.MapFS{"0001_a.sql": file(""), "0003_b.sql": file("")}, "where 2 should"},
		"twice":     {fstest.MapFS{"0001_a.sql": file(""), "0001_b.sql": file("")}, "where 2 should"},
		"from zero": {fstest.MapFS{"0000_a.sql": file("")}, "where 1 should"},
		"no number": {fstest.MapFS{"first.sql": file("")}, "not named"},
		"no name":   {fstest.MapFS{"0001.sql": file("")}, "not named"},
		"short":     {fstest.MapFS{"1_a.sql": file("")}, "not named"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := readMigrations(tc.files); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// oldCompany are rows of a company from before there were rights: a section of
// users, one removed, those of the system, two employees and one removed, and a
// client.
const oldCompany = `
	INSERT INTO counters (name, value) VALUES ('section', 4);
	INSERT INTO sections (num, key, name, icon, priority, system, removed) VALUES
		(1, '$settings', 'Management', '', 1000, TRUE, NULL), (2, '$system', 'Server', '', 1001, TRUE, NULL),
		(3, '3', 'Sales', '', 1, FALSE, NULL), (4, '4', 'Gone', '', 2, FALSE, 1700000000000);
	INSERT INTO titles (ref, catalog, title, fold, removed) VALUES
		((3 * 1099511627776) + 1, 3, 'Ann', 'ann', FALSE), ((3 * 1099511627776) + 2, 3, 'Bob', 'bob', TRUE),
		((3 * 1099511627776) + 4, 3, '#4', '#4', FALSE), ((25 * 1099511627776) + 1, 25, 'Acme', 'acme', FALSE);`

// TestRightsOfOldCompany: after the migration everybody may do what they could.
func TestRightsOfOldCompany(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		s := migrated(t, target, 3, oldCompany)
		def, err := s.Structure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ann, four := catalog.EmployeeSubject(1), catalog.EmployeeSubject(4)
		want := []catalog.Rule{
			{Object: catalog.Object{Section: 1}, Subject: ann}, {Object: catalog.Object{Section: 1}, Subject: four},
			{Object: catalog.Object{Section: 2}, Subject: ann}, {Object: catalog.Object{Section: 2}, Subject: four},
			{Object: catalog.Object{Section: 3}}, {Object: catalog.Object{Section: 4}},
		}
		var got []catalog.Rule
		for i, r := range def.Rules {
			got = append(got, *r)
			want[i].ID, want[i].Privilege = int64(i+1), catalog.AdminPrivilege
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("rules %+v, want %+v", got, want)
		}
		next := &catalog.Rule{Subject: ann, Privilege: catalog.ViewPrivilege}
		err = s.Update(t.Context(), catalog.Plan{Version: def.Version}, func(w catalog.Writer) error {
			return w.SaveRules(t.Context(), catalog.Object{Catalog: 25}, []*catalog.Rule{next})
		})
		if err != nil || next.ID != 7 {
			t.Errorf("the next rule: %v, number %d", err, next.ID)
		}
	})
}

// TestRightsOfNewCompany: a company that is made now begins with no rule.
func TestRightsOfNewCompany(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		s := openTestCompany(t, target)
		def, err := s.Structure(t.Context())
		if err != nil || len(def.Rules) != 0 || len(def.Views) != 0 {
			t.Errorf("%v; rules %v, views %v", err, def.Rules, def.Views)
		}
	})
}

// TestChatsOfOldCompany: a catalog with a field that subscribes, be it removed, has
// chats.
func TestChatsOfOldCompany(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		s := migrated(t, target, 6, `
			INSERT INTO catalogs (num, key, section, name, icon, priority, history, instruction, system, mirror, next_field) VALUES
				(25, '25', 3, 'A', '', 1, TRUE, '', FALSE, FALSE, 2), (26, '26', 3, 'B', '', 2, TRUE, '', FALSE, FALSE, 2);
			INSERT INTO fields (num, catalog, id, key, type, name, position, removed, def) VALUES
				(1, 25, 1, '1', 'user', 'Who', 1, 1700000000000, '{"config":{"multi":true,"subscribe":true}}'),
				(2, 26, 1, '1', 'user', 'Who', 1, NULL, '{"config":{"multi":true}}');`)
		def, err := s.Structure(t.Context())
		if err != nil || !def.Catalogs[0].Chat || def.Catalogs[1].Chat {
			t.Errorf("%+v: %v", def, err)
		}
	})
}

// Catalogs and views of an older company get the boards that they are made with
// now.
func TestBoardsOfAnOlderCompany(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		s := migrated(t, target, 7, `INSERT INTO sections (num, key, name, icon, priority, system) VALUES (3, '3', 'Work', '', 1, FALSE);
			INSERT INTO catalogs (num, key, section, name, icon, priority, history, instruction, system, mirror, next_field) VALUES
				(3, '$users', 3, 'Users', '', 1, FALSE, '', TRUE, FALSE, 1), (25, '25', 3, 'Orders', '', 1, FALSE, '', FALSE, FALSE, 1);
			INSERT INTO views (num, key, catalog, owner, legal, name, origin_name, filters) VALUES
				(1, '1', 25, 7, FALSE, 'Mine', 'Mine', '[]'), (2, '2', 25, 1, TRUE, 'All', 'All', '[]');`)
		d, err := s.Structure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := []*catalog.Board{{Num: 1, Catalog: 25, Layouts: catalog.Layouts{}}, {Num: 3, Catalog: 25, View: 2, Layouts: catalog.Layouts{}}}
		if !reflect.DeepEqual(d.Boards, want) {
			t.Errorf("the boards are %+v", d.Boards)
		}
		var own []*catalog.Board
		var next int64
		err = s.Update(t.Context(), catalog.Plan{Version: d.Version, Class: catalog.Reshape}, func(w catalog.Writer) (err error) {
			if next, err = w.Next(t.Context(), catalog.BoardCounter); err != nil {
				return err
			}
			own, err = w.PersonalBoards(t.Context(), 7)
			return err
		})
		if err != nil || next != 4 || !reflect.DeepEqual(own, []*catalog.Board{{Num: 2, Catalog: 25, View: 1, Layouts: catalog.Layouts{}}}) {
			t.Errorf("the next is %d, the personal ones are %+v; %v", next, own, err)
		}
	})
}

// migrated is a company of the first migrations with some rows, brought to now.
func migrated(t *testing.T, target testdb.Target, count int, rows string) *Company {
	t.Helper()
	before := firstMigrations(t, target.Name, count)
	e := openTarget(t, target)
	if err := migrate(t.Context(), e, before); err != nil {
		t.Fatal(err)
	}
	mustUpdate(t, e, func(c conn) error { return c.Script(t.Context(), rows) })
	s, err := openCompany(t.Context(), e, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// firstMigrations are the first files of a company's.
func firstMigrations(t *testing.T, dialect string, count int) fstest.MapFS {
	t.Helper()
	files, err := fs.Sub(companyMigrations, "migrations/"+dialect+"/company")
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) < count {
		t.Fatal(names, err)
	}
	first := fstest.MapFS{}
	for _, name := range names[:count] {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		first[name] = &fstest.MapFile{Data: data}
	}
	return first
}
