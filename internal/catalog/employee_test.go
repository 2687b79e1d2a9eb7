package catalog_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

func (w *world) hire(name, email, password string) query.Record {
	w.Helper()
	return w.apply(catalog.Create{Catalog: catalog.Employees, Values: w.employee(name, email, password)})[0].Record
}

// edit changes one field of an employee.
func (w *world) edit(r query.Record, key string, v catalog.Value) catalog.Op {
	w.Helper()
	st, err := w.s.Structure(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return catalog.Update{Catalog: catalog.Employees, Record: query.Key{Record: r}, Values: values(st.Catalog(catalog.Employees), key, v)}
}

func TestLoginsFollowEmployees(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		r := w.hire("Bo", "bo@example.com", "password1")
		steps := []struct {
			name string
			op   catalog.Op
			want catalog.DirectoryMessage
		}{
			{"hired", nil, catalog.DirectoryMessage{Employee: r, Name: "Bo", Login: "bo@example.com", PasswordHash: "hash of password1"}},
			{"renamed", w.edit(r, "$name", catalog.Text("Bob")), catalog.DirectoryMessage{Employee: r, Name: "Bob", Login: "bo@example.com", PasswordHash: "hash of password1"}},
			{"new password", w.edit(r, "$password", catalog.Text("password2")), catalog.DirectoryMessage{Employee: r, Name: "Bob", Login: "bo@example.com", PasswordHash: "hash of password2"}},
			{"other case", w.edit(r, "$email", catalog.Text("BO@example.com")), catalog.DirectoryMessage{Employee: r, Name: "Bob", Login: "BO@example.com", PasswordHash: "hash of password2"}},
			{"login cleared", w.edit(r, "$email", nil), catalog.DirectoryMessage{Employee: r, Name: "Bob", PasswordHash: "hash of password2"}},
		}
		for _, s := range steps {
			if s.op != nil {
				w.apply(s.op)
			}
			if got := w.logins.known[r]; got != s.want {
				t.Errorf("%s: %+v", s.name, got)
			}
		}
		w.fails(fault.ValidationFailed, w.edit(r, "$email", catalog.Text("a:b")))
		w.fails(fault.LastAdmin, w.edit(1, "$email", nil))
		other := w.hire("Cy", "cy", "password3")
		w.fails(fault.LastAdmin, catalog.Delete{Catalog: catalog.Employees, Record: query.Key{Record: 1}})
		w.rules(catalog.ObjectKey{Section: "$settings"}, only(1, "admin"), only(other, "admin"))
		w.apply(catalog.Delete{Catalog: catalog.Employees, Record: query.Key{Record: 1}})
		if got := w.logins.known[1].Login; got != "" {
			t.Errorf("a removed employee has the login %q", got)
		}
		if got := w.logins.known[other].Login; got != "cy" {
			t.Error(got)
		}
	})
}

func TestPasswordIsNotStored(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		out := w.apply(catalog.Create{Catalog: catalog.Employees, Values: w.employee("Bo", "bo", "password1")})[0]
		if got := text(out.Row, 0); got != `$name="Bo" $email="bo" $type=["$user"]` {
			t.Error(got)
		}
		changed := w.apply(w.edit(out.Record, "$password", catalog.Text("password2")))[0]
		read := w.row(out.Row.Catalog, out.Record, nil)
		for name, rows := range map[string]*catalog.Rows{"created": out.Row, "changed": changed.Row, "read": read} {
			j := slices.Index(rows.Fields, rows.Catalog.FieldByKey("$password"))
			if j < 0 || !rows.Page.Cell(0, j).Empty() {
				t.Errorf("%s: the password is in column %d", name, j)
			}
		}
		short := w.fails(fault.ValidationFailed, w.edit(out.Record, "$password", catalog.Text("x")))
		if len(short.Details) != 1 || short.Details[0].Field != "$password" {
			t.Errorf("a short password is refused with %+v", short.Details)
		}
		h := strings.Join(w.history(out.Row.Catalog, catalog.HistoryAsk{}), "\n")
		if strings.Contains(h, "password") {
			t.Error(h)
		}
	})
}

func TestSecretsAreForAdministrators(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		st, err := w.s.Structure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c := st.CatalogByKey("$authServices")
		out := w.apply(catalog.Create{Catalog: c.Num, Values: values(c, "$name", catalog.Text("Mail"), "$codes", catalog.Text("k3y"))})[0]
		if got := text(w.row(c, out.Record, nil), 0); got != `$name="Mail" $codes="k3y"` {
			t.Error(got)
		}
		found, err := w.s.Records(t.Context(), boss, c.Num, query.Query{Limit: 9, Search: query.Search{Fold: "k3y"}}, nil)
		if err != nil || found.Page.Len() != 0 {
			t.Errorf("a search for a secret finds %d records, %v", found.Page.Len(), err)
		}
		if h := strings.Join(w.history(c, catalog.HistoryAsk{}), "\n"); strings.Contains(h, "k3y") {
			t.Error(h)
		}
	})
}

// A login that a directory out of order did not learn of waits in the outbox.
func TestDirectoryCatchesUp(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		w.logins.refuses = true
		r := w.hire("Bo", "bo", "password1")
		w.logins.refuses = false
		if _, ok := w.logins.known[r]; ok {
			t.Fatal("applied at once")
		}
		other := w.hire("Cy", "cy", "password1")
		if w.logins.known[r].Login != "bo" || w.logins.known[other].Login != "cy" {
			t.Errorf("%+v", w.logins.known)
		}
	})
}

func TestOneLoginForManyAtOnce(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		var wg sync.WaitGroup
		results := make([]error, 8)
		for i := range results {
			op := catalog.Create{Catalog: catalog.Employees, Values: w.employee("Bo", "bo", "")}
			wg.Go(func() { _, results[i] = w.s.Apply(t.Context(), boss, []catalog.Op{op}, nil) })
		}
		wg.Wait()
		made := 0
		for _, err := range results {
			switch {
			case err == nil:
				made++
			case !fault.Is(err, fault.Duplicate):
				t.Error(err)
			}
		}
		if made != 1 {
			t.Errorf("%d employees have the login", made)
		}
	})
}

func TestEmployees(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, name := range []string{"Zoe", "bob", "Élan"} {
			w.hire(name, "", "")
		}
		w.apply(catalog.Delete{Catalog: catalog.Employees, Record: query.Key{Record: w.hire("Gone", "", "")}})
		tests := []struct {
			name string
			ask  catalog.EmployeesAsk
			want string
			code fault.Code
		}{
			{"all by name", catalog.EmployeesAsk{}, "Ada bob Élan Zoe", ""},
			{"page", catalog.EmployeesAsk{Limit: 2, Offset: 1}, "bob Élan", ""},
			{"search", catalog.EmployeesAsk{Search: "BO"}, "bob", ""},
			{"not by login", catalog.EmployeesAsk{Search: "ada@"}, "", ""},
			{"ids", catalog.EmployeesAsk{IDs: []query.Key{{Record: 1}, {Record: 2}, {Record: 99}}}, "Ada Zoe", ""},
			{"no ids", catalog.EmployeesAsk{IDs: []query.Key{}}, "", ""},
			{"too many", catalog.EmployeesAsk{Limit: 10_001}, "", fault.LimitTooLarge},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				rows, err := w.s.Employees(t.Context(), boss, tt.ask)
				if fault.CodeOf(err) != tt.code {
					t.Fatal(err)
				}
				if err != nil {
					return
				}
				var names []string
				for i := range rows.Page.Len() {
					names = append(names, title(rows, i))
				}
				if got := strings.Join(names, " "); got != tt.want || len(rows.Fields) != 0 {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		}
	})
}

func TestOwnCard(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		rows, err := w.s.Employee(t.Context(), boss)
		if err != nil {
			t.Fatal(err)
		}
		if got := text(rows, 0); got != `$name="Ada" $email="ada" $type=["$user"]` {
			t.Error(got)
		}
		if _, err := w.s.Employee(t.Context(), catalog.Actor{System: true}); !fault.Is(err, fault.NotFound) {
			t.Errorf("the system has a card: %v", err)
		}
	})
}
