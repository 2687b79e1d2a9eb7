package catalog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// relations shows who refers to a record: "catalog.field privilege total: titles".
func (w *world) relations(a catalog.Actor, c *catalog.Catalog, n query.Record, ask catalog.RelationsAsk) string {
	w.Helper()
	if ask.Limit == 0 {
		ask.Limit = 100
	}
	list, err := w.s.Relations(w.Context(), a, c.Num, query.Key{Record: n}, ask)
	if err != nil {
		return string(fault.CodeOf(err))
	}
	var lines []string
	for _, r := range list {
		line := fmt.Sprintf("%s.%s %s %d:", r.Rows.Catalog.Key, r.Field.Key, r.Privilege.Code(), r.Rows.Total)
		for i := range r.Rows.Page.Len() {
			line += " " + shownTitle(r.Rows, i)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// shownTitle is a title as answers show it.
func shownTitle(rows *catalog.Rows, i int) string {
	text := ""
	if rows.Title >= 0 {
		text = title(rows, i)
	}
	return catalog.TitleText(text, rows.Page.Record(i), string(rows.Page.Code(i)))
}

func TestRelations(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo, cy := w.employed("Bo"), w.employed("Cy")
		vendor := func() *catalog.Config {
			return &catalog.Config{Multi: true, Sources: []catalog.Source{{Catalog: w.vendors.Num}}}
		}
		unseen := field("unseen", "object", vendor())
		yes := true
		unseen.Hidden = &yes
		bills := w.make("Bills", field("number", "text", nil), field("payer", "object", vendor()), unseen)
		acme := w.vendor("Acme")
		to := catalog.Links{link(w.vendors, acme)}
		for i := range 5 {
			w.order("name", catalog.Text(fmt.Sprint("o", i)), "vendor", to, "price", catalog.Number(-i), "state", catalog.Items{query.Item(1 + i%2)})
		}
		w.apply(catalog.Create{Catalog: bills.Num, Values: values(bills, "number", catalog.Text("b"), "payer", to, "unseen", to)})
		done := w.legal(w.orders, "done", "state", fmt.Sprintf("[%q]", w.orders.FieldByKey("state").Config.Items[1].Key))
		w.rules(of(w.vendors), only(bo.Employee, "view"), only(cy.Employee, "view"))
		w.rules(done, only(bo.Employee, "edit"))
		w.rules(of(bills), only(cy.Employee, "view", "number=hide"))
		tests := []struct {
			name string
			who  catalog.Actor
			ask  catalog.RelationsAsk
			want string
		}{
			{"all of them", boss, catalog.RelationsAsk{}, "bills.payer admin 1: b\norders.vendor admin 5: o4 o3 o2 o1 o0"},
			{"a page", boss, catalog.RelationsAsk{Catalogs: []string{"orders"}, Limit: 2, Offset: 1}, "orders.vendor admin 5: o3 o2"},
			{"hidden fields", boss, catalog.RelationsAsk{Catalogs: []string{"bills", "none"}, Hidden: true}, "bills.payer admin 1: b\nbills.unseen admin 1: b"},
			{"a field", boss, catalog.RelationsAsk{Catalogs: []string{"bills", "orders"}, Fields: []string{"vendor"}}, "orders.vendor admin 5: o4 o3 o2 o1 o0"},
			{"sorted where there is such a field", boss, catalog.RelationsAsk{Sort: &catalog.SortAsk{By: query.ByField, Field: "price", Desc: true}}, "bills.payer admin 1: b\norders.vendor admin 5: o0 o1 o2 o3 o4"},
			{"by views", bo, catalog.RelationsAsk{}, "orders.vendor search 2: o3 o1"},
			{"with hidden titles", cy, catalog.RelationsAsk{}, "bills.payer view 1: #1"},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				if got := w.relations(tt.who, w.vendors, acme, tt.ask); got != tt.want {
					t.Errorf("got\n%s\nwant\n%s", got, tt.want)
				}
			})
		}
		w.rules(done, only(bo.Employee, "edit", "vendor=hide"))
		if got := w.relations(bo, w.vendors, acme, catalog.RelationsAsk{}); got != "" {
			t.Errorf("a hidden field: %s", got)
		}
		w.rules(of(w.vendors))
		for n, want := range map[query.Record]string{acme: "forbidden", 99: "forbidden"} {
			if got := w.relations(bo, w.vendors, n, catalog.RelationsAsk{}); got != want {
				t.Errorf("record %d: %s", n, got)
			}
		}
		if got := w.relations(boss, w.vendors, 99, catalog.RelationsAsk{}); got != "not_found" {
			t.Errorf("no record: %s", got)
		}
		w.rules(of(w.users()), only(bo.Employee, "view"))
		w.order("name", catalog.Text("mine"), "owner", catalog.Links{link(w.users(), bo.Employee)}, "state", catalog.Items{2})
		if got := w.relations(bo, w.users(), bo.Employee, catalog.RelationsAsk{}); got != "orders.owner search 1: mine" {
			t.Errorf("an employee's: %s", got)
		}
	})
}

func TestContacts(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo := w.employed("Bo")
		people := w.make("People", field("title", "text", nil), field("phone", "contact", nil), field("mail", "contact", nil))
		made := func(c *catalog.Catalog, pairs ...any) {
			w.now = w.now.Add(1e9)
			w.apply(catalog.Create{Catalog: c.Num, Values: values(c, pairs...)})
		}
		contact := func(list ...string) catalog.Contacts {
			var contacts catalog.Contacts
			for _, s := range list {
				contacts = append(contacts, catalog.Contact{Contact: s, Comment: "about " + s + " secretly"})
			}
			return contacts
		}
		made(people, "title", catalog.Text("Ann"), "phone", contact("+1 555 0100", "+1 555 0199"), "mail", contact("ann@example.com"))
		made(w.vendors, "title", catalog.Text("Acme"), "mail", contact("sales@example.com"))
		made(people, "title", catalog.Text("Zed"), "phone", contact("8 (900) 123-45-67"))
		made(w.vendors, "title", catalog.Text("None"))
		find := func(a catalog.Actor, s query.Search, sort *catalog.SortAsk, limit, offset int) string {
			page, err := w.s.Contacts(t.Context(), a, catalog.ContactsAsk{Search: s, Sort: sort, Limit: limit, Offset: offset})
			if err != nil {
				return string(fault.CodeOf(err))
			}
			var list []string
			for _, r := range page.Records {
				one := page.Titles[r.Ref].Text
				for _, f := range r.Found {
					one += " " + f.Field.Key + "=" + f.Contact
				}
				list = append(list, one)
			}
			return strings.Join(list, "; ")
		}
		all := "Zed phone=8 (900) 123-45-67; Acme mail=sales@example.com; Ann phone=+1 555 0100 mail=ann@example.com"
		tests := []struct {
			name          string
			search        query.Search
			sort          *catalog.SortAsk
			limit, offset int
			want          string
		}{
			{"all, newest first", query.Search{}, nil, 10, 0, all},
			{"a page", query.Search{}, nil, 1, 1, "Acme mail=sales@example.com"},
			{"none", query.Search{}, nil, 0, 0, ""},
			{"by text", query.Search{Fold: "example.com"}, nil, 10, 0, "Acme mail=sales@example.com; Ann mail=ann@example.com"},
			{"by digits", query.Search{Fold: "0199", Digits: "0199"}, nil, 10, 0, "Ann phone=+1 555 0199"},
			{"a whole phone", query.Search{Fold: "+7 900", Digits: "79001234567"}, nil, 10, 0, "Zed phone=8 (900) 123-45-67"},
			{"not by comments", query.Search{Fold: "secretly"}, nil, 10, 0, ""},
			{"by title", query.Search{}, &catalog.SortAsk{By: query.ByTitle}, 10, 0, "Acme mail=sales@example.com; Ann phone=+1 555 0100 mail=ann@example.com; Zed phone=8 (900) 123-45-67"},
			{"by a field of one catalog", query.Search{}, &catalog.SortAsk{By: query.ByField, Field: "phone", Desc: true}, 10, 0, all[:strings.Index(all, "; Acme")] + "; Ann phone=+1 555 0100 mail=ann@example.com; Acme mail=sales@example.com"},
			{"too large a page is cut", query.Search{}, nil, 5000, 0, all},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				if got := find(boss, tt.search, tt.sort, tt.limit, tt.offset); got != tt.want {
					t.Errorf("got  %s\nwant %s", got, tt.want)
				}
			})
		}
		if got := find(bo, query.Search{}, nil, 10, 0); got != "" {
			t.Errorf("without rights: %s", got)
		}
		w.rules(of(people), only(bo.Employee, "view", "mail=hide", "title=hide"))
		if got := find(bo, query.Search{}, nil, 10, 0); got != "#2 phone=8 (900) 123-45-67; #1 phone=+1 555 0100" {
			t.Errorf("with hidden fields: %s", got)
		}
		if got := find(bo, query.Search{Fold: "ann@"}, nil, 10, 0); got != "" {
			t.Errorf("by a hidden contact: %s", got)
		}
		if got := find(boss, query.Search{}, nil, -1, 0); got != "invalid_parameter" {
			t.Error(got)
		}
	})
}

func TestEmployeesNamesMayBeHidden(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		bo, cy := w.employed("Bo"), w.employed("Cy")
		list := func(a catalog.Actor, ask catalog.EmployeesAsk) string {
			rows, err := w.s.Employees(t.Context(), a, ask)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for i := range rows.Page.Len() {
				names = append(names, shownTitle(rows, i))
			}
			return strings.Join(names, " ")
		}
		w.rules(of(w.users()), only(bo.Employee, "search", "$name=hide"))
		if a, b := list(bo, catalog.EmployeesAsk{}), list(cy, catalog.EmployeesAsk{}); a != "#1 #2 #3" || b != "Ada Bo Cy" {
			t.Errorf("%s; %s", a, b)
		}
		if a, b := list(bo, catalog.EmployeesAsk{Search: "ada"}), list(cy, catalog.EmployeesAsk{Search: "ADA"}); a != "" || b != "Ada" {
			t.Errorf("found: %q %q", a, b)
		}
	})
}

func TestHistoryHidesTitlesOfLinks(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo := w.employed("Bo")
		acme := w.vendor("Acme")
		w.order("name", catalog.Text("a"), "vendor", catalog.Links{link(w.vendors, acme)})
		w.rules(of(w.orders), only(bo.Employee, "view"))
		ref := query.MakeRef(w.vendors.Num, acme)
		hides := func() bool {
			page, err := w.s.History(t.Context(), bo, catalog.HistoryAsk{Catalog: w.orders.Num, Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			return page.HidesTitle(ref)
		}
		if hides() {
			t.Error("hidden without a rule")
		}
		w.rules(of(w.vendors), only(bo.Employee, "search", "title=hide"))
		if !hides() {
			t.Error("shown against the rule")
		}
	})
}
