package catalog_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"kartoteka/internal/account"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// scoped is a call of a method of the service about the orders, or about the
// view of them or the section that they are in, and what comes of it for tokens.
type scoped struct {
	call func(w *world, a catalog.Actor) error
	// outside is a token for the vendors only, reader one for reading, steerless
	// one that does all but administer.
	outside, reader, steerless fault.Code
}

const no = fault.Forbidden

// scopedCalls are all methods of the service that act for somebody.
var scopedCalls = map[string]scoped{
	"Apply": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Apply(w.Context(), a, []catalog.Op{w.change(1, "note", catalog.Text("by a token"))}, nil)
		return err
	}, no, no, ""},
	"Prepare": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Prepare(w.Context(), a, []catalog.Op{w.change(1, "note", catalog.Text("by a token"))})
		return err
	}, no, no, ""},
	"Rehearse": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Rehearse(w.Context(), a, []catalog.Op{w.change(1, "note", catalog.Text("by a token"))})
		return err
	}, no, no, ""},
	"Import": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Import(w.Context(), a, w.orders.Num)
		return err
	}, no, no, no},
	"CreateImport": {func(w *world, a catalog.Actor) error {
		section, name := "3", "Imported"
		_, err := w.s.CreateImport(w.Context(), a, catalog.CatalogInput{Name: &name, Section: &section}, catalog.Import{})
		return err
	}, no, no, no},
	"Request": {func(w *world, a catalog.Actor) error {
		return w.s.Request(w.Context(), a, "orders", func(catalog.Actor, *catalog.Scope) error { return nil })
	}, no, "", ""},
	"RemovedSince": {func(w *world, a catalog.Actor) error {
		_, err := w.s.RemovedSince(w.Context(), a, w.orders.Num, catalog.RemovedAsk{Limit: 1})
		return err
	}, no, "", ""},
	"Reserve": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Reserve(w.Context(), a, w.orders.Num, 1)
		return err
	}, no, no, ""},
	"Catalogs": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Catalogs(w.Context(), a, catalog.CatalogFilter{})
		return err
	}, "", "", ""},
	"Catalog": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Catalog(w.Context(), a, "orders")
		return err
	}, no, "", ""},
	"CreateCatalog": {func(w *world, a catalog.Actor) error {
		section, name := "3", "Made"
		_, err := w.s.CreateCatalog(w.Context(), a, catalog.CatalogInput{Name: &name, Section: &section})
		return err
	}, no, no, no},
	"UpdateCatalog": {func(w *world, a catalog.Actor) error {
		name := "Changed"
		_, err := w.s.UpdateCatalog(w.Context(), a, "orders", catalog.CatalogInput{Name: &name})
		return err
	}, no, no, no},
	"DeleteCatalog": {func(w *world, a catalog.Actor) error { return w.s.DeleteCatalog(w.Context(), a, "orders") }, no, no, no},
	"ClearCatalog": {func(w *world, a catalog.Actor) error {
		_, err := w.s.ClearCatalog(w.Context(), a, "orders", "Orders")
		return err
	}, no, no, no},
	"Employees": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Employees(w.Context(), a, catalog.EmployeesAsk{})
		return err
	}, no, "", ""},
	"Employee": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Employee(w.Context(), a)
		return err
	}, "", "", ""},
	"History": {func(w *world, a catalog.Actor) error {
		_, err := w.s.History(w.Context(), a, catalog.HistoryAsk{Catalog: w.orders.Num, Limit: 1})
		return err
	}, no, "", ""},
	"CountChats": {func(w *world, a catalog.Actor) error { // of catalogs that another method gave leave to
		return w.s.CountChats(w.Context(), a, &catalog.Scope{Catalog: w.orders})
	}, "", "", ""},
	"Messages": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Messages(w.Context(), a, chatOf(1), 1, 0)
		return err
	}, no, "", ""},
	"PostMessage": {func(w *world, a catalog.Actor) error {
		_, err := w.s.PostMessage(w.Context(), a, chatOf(1), said("by a token"))
		return err
	}, no, no, ""},
	"EditMessage": {func(w *world, a catalog.Actor) error {
		return w.s.EditMessage(w.Context(), a, chatOf(1), w.say(boss, 1, said("x")), said("by a token"))
	}, no, no, ""},
	"DeleteMessage": {func(w *world, a catalog.Actor) error {
		return w.s.DeleteMessage(w.Context(), a, chatOf(1), w.say(boss, 1, said("x")))
	}, no, no, ""},
	"MayEditMessage": {func(w *world, a catalog.Actor) error {
		return w.s.MayEditMessage(w.Context(), a, chatOf(1), w.say(boss, 1, said("x")))
	}, no, no, ""},
	"Subscribed": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Subscribed(w.Context(), a, chatOf(1))
		return err
	}, no, "", ""},
	"SetSubscription": {func(w *world, a catalog.Actor) error {
		_, err := w.s.SetSubscription(w.Context(), a, chatOf(1), &yes, true)
		return err
	}, no, no, ""},
	"AddIndex": {func(w *world, a catalog.Actor) error {
		return w.s.AddIndex(w.Context(), a, "orders", []string{"price"})
	}, no, no, no},
	"Indexes": {func(w *world, a catalog.Actor) error { // names and sizes, and no API serves them
		_, _, err := w.s.Indexes(w.Context(), a)
		return err
	}, "", "", ""},
	"Records": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Records(w.Context(), a, w.orders.Num, query.Query{Limit: 1}, nil)
		return err
	}, no, "", ""},
	"RecordsWithin": {func(w *world, a catalog.Actor) error {
		var err error
		if a.Under, err = w.s.Structure(w.Context()); err != nil {
			return err
		}
		_, err = w.s.Apply(w.Context(), boss, []catalog.Op{w.change(1, "note", catalog.Text("by the boss"))}, func(tx catalog.Writer, _ []catalog.Outcome) error {
			_, err := w.s.RecordsWithin(w.Context(), tx, a, w.orders.Num, query.Query{Limit: 1}, nil)
			return err
		})
		return err
	}, no, "", ""},
	"Aggregate": {func(w *world, a catalog.Actor) error {
		return w.s.Aggregate(w.Context(), a, catalog.AggregateAsk{Catalog: w.orders.Num}, func(*catalog.Groups) error { return nil })
	}, no, "", ""},
	"Record": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Record(w.Context(), a, w.orders.Num, query.Key{Record: 1}, nil)
		return err
	}, no, "", ""},
	"Rights": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Rights(w.Context(), a, []catalog.ObjectKey{{Catalog: "orders", Record: query.Key{Record: 1}}}, false)
		return err
	}, no, "", ""},
	"SetRights": {func(w *world, a catalog.Actor) error {
		_, err := w.s.SetRights(w.Context(), a, []catalog.RightsInput{{Object: catalog.ObjectKey{Catalog: "orders", Record: query.Key{Record: 1}}}})
		return err
	}, no, no, no},
	"Sections": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Sections(w.Context(), a)
		return err
	}, "", "", ""},
	"Section": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Section(w.Context(), a, "$settings")
		return err
	}, no, "", ""},
	"CreateSection": {func(w *world, a catalog.Actor) error {
		name := "Made"
		_, err := w.s.CreateSection(w.Context(), a, catalog.SectionInput{Name: &name})
		return err
	}, no, no, no},
	"UpdateSection": {func(w *world, a catalog.Actor) error {
		_, err := w.s.UpdateSection(w.Context(), a, "3", catalog.SectionInput{})
		return err
	}, no, no, no},
	"DeleteSection": {func(w *world, a catalog.Actor) error { return w.s.DeleteSection(w.Context(), a, "3") }, no, no, no},
	"Undelete": {func(w *world, a catalog.Actor) error {
		return w.s.Undelete(w.Context(), a, catalog.CatalogKind, "orders", "")
	}, no, no, no},
	"RegisterFile": {func(w *world, a catalog.Actor) error {
		_, err := w.s.RegisterFile(w.Context(), a, catalog.FileInput{Catalog: "orders", Field: "files"})
		return err
	}, no, no, ""},
	"ConfirmFile": {func(w *world, a catalog.Actor) error { // an own upload, which is in no catalog yet
		_, err := w.s.ConfirmFile(w.Context(), a, w.upload("a.txt", "a").ID, catalog.ConfirmInput{})
		return err
	}, "", no, ""},
	"File": {func(w *world, a catalog.Actor) error {
		_, err := w.s.File(w.Context(), a, w.attached("a.txt", "a").ID)
		return err
	}, no, "", ""},
	"FileAt": {func(w *world, a catalog.Actor) error {
		_, err := w.s.FileAt(w.Context(), a, w.attached("a.txt", "a").URL)
		return err
	}, no, "", ""},
	"Views": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Views(w.Context(), a, "orders")
		return err
	}, no, "", ""},
	"View": {func(w *world, a catalog.Actor) error {
		_, err := w.s.View(w.Context(), a, "orders", "own")
		return err
	}, no, "", ""},
	"CreateView": {func(w *world, a catalog.Actor) error {
		name := "Made"
		_, err := w.s.CreateView(w.Context(), a, "orders", catalog.ViewInput{Name: &name})
		return err
	}, no, no, no},
	"UpdateView": {func(w *world, a catalog.Actor) error {
		name := "Changed"
		_, err := w.s.UpdateView(w.Context(), a, "orders", "own", catalog.ViewInput{Name: &name})
		return err
	}, no, no, no},
	"Candidates": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Candidates(w.Context(), a, w.orders.Num, w.orders.FieldByKey("vendor").Num, catalog.CandidatesAsk{Limit: 1})
		return err
	}, no, "", ""},
	"FilterCandidates": {func(w *world, a catalog.Actor) error {
		_, err := w.s.FilterCandidates(w.Context(), a, w.orders.Num, w.orders.FieldByKey("vendor").Num, catalog.CandidatesAsk{Limit: 1})
		return err
	}, no, "", ""},
	"Contacts": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Contacts(w.Context(), a, catalog.ContactsAsk{Limit: 1})
		return err
	}, "", "", ""},
	"Relations": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Relations(w.Context(), a, w.orders.Num, query.Key{Record: 1}, catalog.RelationsAsk{Limit: 1})
		return err
	}, no, "", ""},
	"Explain": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Explain(w.Context(), a, catalog.ExplainAsk{User: query.Key{Record: 1}, Catalog: "orders"})
		return err
	}, no, "", ""},
	"MayCreateSection": {func(w *world, a catalog.Actor) error { return w.s.MayCreateSection(w.Context(), a) }, no, no, no},
	"MayChangeSection": {func(w *world, a catalog.Actor) error { return w.s.MayChangeSection(w.Context(), a, "3") }, no, no, no},
	"MayChangeCatalog": {func(w *world, a catalog.Actor) error { return w.s.MayChangeCatalog(w.Context(), a, "orders") }, no, no, no},
	"MayCreateRecord":  {func(w *world, a catalog.Actor) error { return w.s.MayCreateRecord(w.Context(), a, "orders") }, no, no, ""},
	"MayUseRecord": {func(w *world, a catalog.Actor) error {
		return w.s.MayUseRecord(w.Context(), a, "orders", query.Key{Record: 1}, catalog.DeletePrivilege)
	}, no, no, ""},
	"MayWriteView": {func(w *world, a catalog.Actor) error {
		return w.s.MayWriteView(w.Context(), a, "orders", "own", true)
	}, no, no, no},
	"MayEdit": {func(w *world, a catalog.Actor) error {
		return w.s.MayEdit(w.Context(), a, "orders", query.Key{Record: 1})
	}, no, no, ""},
	"Edit": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Edit(w.Context(), a, catalog.Card{Catalog: w.orders.Num, Record: query.Key{Record: 1}})
		return err
	}, no, no, ""},
	"Fill": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Fill(w.Context(), a, w.orders.Num, query.Key{}, nil)
		return err
	}, no, no, ""},
	"UseHook": {func(w *world, a catalog.Actor) error {
		_, err := w.s.UseHook(w.Context(), a, query.Key{Record: 1}, account.Updates)
		return err
	}, no, no, no},
	"Watch": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Watch(w.Context(), a, "orders", "")
		return err
	}, no, "", ""},
	"MaySetRights": {func(w *world, a catalog.Actor) error {
		return w.s.MaySetRights(w.Context(), a, catalog.ObjectKey{Catalog: "orders"})
	}, no, no, no},
	"AdministersServer":  {func(w *world, a catalog.Actor) error { return w.s.AdministersServer(w.Context(), a) }, no, no, no},
	"AdministersCompany": {func(w *world, a catalog.Actor) error { return w.s.AdministersCompany(w.Context(), a) }, no, no, no},
	"Configure": {func(w *world, a catalog.Actor) error {
		st, err := w.s.Current(w.Context())
		if err != nil {
			return err
		}
		return w.s.Configure(w.Context(), a, st, "sync.test", func() []any { return nil }, func(catalog.Writer) error { return nil })
	}, no, no, no},
	"InviteFounder": {func(w *world, a catalog.Actor) error {
		return w.s.InviteFounder(w.Context(), a, catalog.Founder{Name: "Fay", Email: "fay@example.com"})
	}, no, no, no},
	"Boards": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Boards(w.Context(), a, catalog.BoardFilter{})
		return err
	}, "", "", ""},
	"Board": {func(w *world, a catalog.Actor) error {
		_, err := w.s.Board(w.Context(), a, 2)
		return err
	}, no, "", ""},
	"CreateBoard": {func(w *world, a catalog.Actor) error {
		_, err := w.s.CreateBoard(w.Context(), a, "orders", "", catalog.BoardInput{})
		return err
	}, no, no, no},
	"UpdateBoard": {func(w *world, a catalog.Actor) error {
		_, err := w.s.UpdateBoard(w.Context(), a, 2, catalog.BoardInput{})
		return err
	}, no, no, no},
	"CreateWidget": {func(w *world, a catalog.Actor) error {
		_, err := w.s.CreateWidget(w.Context(), a, 2, noChange)
		return err
	}, no, no, no},
	"UpdateWidget":   {func(w *world, a catalog.Actor) error { return w.s.UpdateWidget(w.Context(), a, 2, 1, noChange) }, no, no, no},
	"DeleteWidget":   {func(w *world, a catalog.Actor) error { return w.s.DeleteWidget(w.Context(), a, 2, 1) }, no, no, no},
	"DeleteBoard":    {func(w *world, a catalog.Actor) error { return w.s.DeleteBoard(w.Context(), a, 2) }, no, no, no},
	"MayCreateBoard": {func(w *world, a catalog.Actor) error { return w.s.MayCreateBoard(w.Context(), a, "orders", "") }, no, no, no},
	"MayWriteBoard":  {func(w *world, a catalog.Actor) error { return w.s.MayWriteBoard(w.Context(), a, 2) }, no, no, no},
	"MayWriteWidget": {func(w *world, a catalog.Actor) error { return w.s.MayWriteWidget(w.Context(), a, 2, 1) }, no, no, no},
	"DeleteView":     {func(w *world, a catalog.Actor) error { return w.s.DeleteView(w.Context(), a, "orders", "own") }, no, no, no},
}

// noChange leaves a widget as it is.
func noChange(*catalog.Scope, *catalog.Widget) (catalog.WidgetInput, error) {
	return catalog.WidgetInput{}, nil
}

// TestScopeOfEveryMethod: no method acts for somebody without a word here on
// what his token narrows.
func TestScopeOfEveryMethod(t *testing.T) {
	var methods []string
	service := reflect.TypeFor[*catalog.Service]()
	for m := range service.Methods() {
		for in := range m.Type.Ins() {
			if in == reflect.TypeFor[catalog.Actor]() {
				methods = append(methods, m.Name)
			}
		}
	}
	if known := slices.Sorted(maps.Keys(scopedCalls)); !slices.Equal(known, methods) {
		t.Fatalf("the calls are %v,\nthe methods %v", known, methods)
	}
	oneWorld(t, func(t *testing.T, w *world) {
		w.order("name", catalog.Text("First"))
		key, name := "own", "Own"
		if _, err := w.s.CreateView(t.Context(), boss, "orders", catalog.ViewInput{Key: &key, Name: &name}); err != nil {
			t.Fatal(err)
		}
		with := func(s account.Scope) catalog.Actor {
			a := boss
			a.Scope = &s
			return a
		}
		outside := with(account.Scope{Catalogs: []int64{int64(w.vendors.Num)}, Verbs: account.AllVerbs})
		reader := with(account.Scope{Verbs: account.Reads})
		steerless := with(account.Scope{Verbs: account.AllVerbs &^ account.Administers})
		for _, name := range methods {
			c := scopedCalls[name]
			for what, got := range map[string][2]fault.Code{
				"outside":   {fault.CodeOf(c.call(w, outside)), c.outside},
				"reader":    {fault.CodeOf(c.call(w, reader)), c.reader},
				"steerless": {fault.CodeOf(c.call(w, steerless)), c.steerless},
			} {
				if got[0] != got[1] {
					t.Errorf("%s, %s: %q, want %q", name, what, got[0], got[1])
				}
			}
		}
	})
}

// TestScopeNarrowsAccess: what handlers and encoders ask is narrowed as well.
func TestScopeNarrowsAccess(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		tests := []struct {
			verbs                 account.Verbs
			privilege, ofEmployee catalog.Privilege
			creates               bool
			field                 catalog.FieldRight
		}{
			{account.AllVerbs, catalog.AdminPrivilege, catalog.AdminPrivilege, true, catalog.EditField},
			{account.Reads, catalog.ViewPrivilege, catalog.ViewPrivilege, false, catalog.ViewField},
			{account.Creates, catalog.CreatePrivilege, catalog.ViewPrivilege, true, catalog.EditField},
			{account.Updates, catalog.EditPrivilege, catalog.ViewPrivilege, false, catalog.EditField},
			{account.Reads | account.Deletes, catalog.DeletePrivilege, catalog.ViewPrivilege, false, catalog.ViewField},
			{account.Administers, catalog.AdminPrivilege, catalog.AdminPrivilege, false, catalog.ViewField},
		}
		for _, test := range tests {
			a := boss
			a.Scope = &account.Scope{Verbs: test.verbs}
			orders, err := w.s.Catalog(t.Context(), a, "orders")
			if err != nil {
				t.Fatal(err)
			}
			employees, err := w.s.Catalog(t.Context(), a, "$users")
			if err != nil {
				t.Fatal(err)
			}
			got := test
			got.privilege, got.ofEmployee = orders.Access.Catalog(orders.Catalog), employees.Access.Catalog(employees.Catalog)
			got.creates, got.field = orders.Access.Creates(orders.Catalog), orders.Access.Field(orders.Catalog.FieldByKey("name"))
			if got != test {
				t.Errorf("%v: %+v, want %+v", test.verbs.Names(), got, test)
			}
			vendors := orders.Structure.CatalogByKey("vendors")
			a.Scope = &account.Scope{Verbs: test.verbs, Catalogs: []int64{int64(w.orders.Num)}}
			if orders, err = w.s.Catalog(t.Context(), a, "orders"); err != nil {
				t.Fatal(err)
			}
			if p := orders.Access.Catalog(vendors); p != catalog.NoPrivilege || orders.Access.Creates(vendors) || orders.Access.Shown(vendors.FieldByKey("title")) {
				t.Errorf("%v: privilege %q on a catalog outside", test.verbs.Names(), p.Code())
			}
		}
	})
}
