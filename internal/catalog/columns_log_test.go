package catalog_test

import (
	"slices"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

// TestColumnsOfAnOlderStructure: an option that is taken away and made again under
// the same id is another one, also to columns that get the change into the first of
// them after that.
func TestColumnsOfAnOlderStructure(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target)
		node := w.columnsNode(target)
		items := func(keys ...string) {
			t.Helper()
			inputs := same(w.orders)
			config := w.orders.FieldByKey("state").Config
			config.Items = slices.DeleteFunc(slices.Clone(config.Items), func(i catalog.Item) bool { return i.Key == "again" })
			for _, key := range keys {
				config.Items = append(config.Items, catalog.Item{Key: key, Name: key})
			}
			inputs[at(w.orders, "state")].Config = &config
			w.orders = w.rebuild(w.orders, inputs)
		}
		items("again")
		first := w.order("name", catalog.Text("a"), "state", catalog.Items{1})
		w.order("name", catalog.Text("b"), "state", catalog.Items{2})
		ask := catalog.AggregateAsk{Catalog: w.orders.Num, Explain: true}
		ask.Axis = query.Grouping{By: query.GroupsOfField, Field: w.num("state")}
		agrees := func() {
			t.Helper()
			want, _ := groupsOf(t, w.s, boss, ask)
			got, engines := groupsOf(t, node, boss, ask)
			if !slices.Equal(got, want) || !engines[0].Columns {
				t.Fatalf("%q of %+v, want %q", got, engines, want)
			}
		}
		fill := func() {
			t.Helper()
			for range 2 { // the first request may be of the structure before
				groupsOf(t, node, boss, ask)
				if err := node.TendColumns(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		sequence := func() {
			t.Helper()
			if err := w.db.Sequence(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		sequence()
		fill()
		agrees()
		item := w.orders.FieldByKey("state").Config.ItemByKey("again").Num
		w.patch(first, "state", catalog.Items{item}) // on PostgreSQL without a number
		items()
		items("again")
		fill()
		agrees()
		sequence()
		agrees()
		told, _ := node.ColumnsUsed()
		w.patch(first, "state", catalog.Items{2})
		sequence()
		agrees()
		if after, _ := node.ColumnsUsed(); after != told+1 {
			t.Errorf("%d changes came from the log, then %d", told, after)
		}
	})
}
