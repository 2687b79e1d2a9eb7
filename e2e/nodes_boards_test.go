package e2e

import (
	"fmt"
	"slices"
	"testing"
)

// boardsOnTheOtherNode makes and changes boards and widgets on one node and asks
// the other one at once.
func boardsOnTheOtherNode(t *testing.T, nodes ...*server) {
	var callers []*caller
	for _, s := range nodes {
		callers = append(callers, s.admin())
	}
	k := callers[0].newCatalog(t, "Charted", object{"name": "Amount", "type": "number"}, object{"name": "Tag", "type": "text"})
	for i := range 3 {
		callers[0].call(t, 200, "POST", k.records(""), object{"values": object{k.fields["Amount"]: i + 1, k.fields["Tag"]: fmt.Sprint("tag ", i%2)}})
	}
	for i := range 10 {
		boardOnTheOtherNode(t, callers[i%2], callers[(i+1)%2], k, i)
	}
}

// boardOnTheOtherNode is the life of a board: here changes it, there reads it.
func boardOnTheOtherNode(t *testing.T, here, there *caller, k catalog, round int) {
	t.Helper()
	id := func(a answer) string { t.Helper(); return decode[struct{ ID string }](t, a).ID }
	listed := func(c *caller, path string) (ids []string) {
		t.Helper()
		for _, one := range decode[[]struct{ ID string }](t, c.call(t, 200, "GET", path, nil)) {
			ids = append(ids, one.ID)
		}
		return ids
	}
	board := "/api/v1/boards/" + id(here.call(t, 200, "POST", "/api/v1/boards", object{"catalogId": k.id, "name": fmt.Sprint("Board ", round)}))
	if got := decode[object](t, there.call(t, 200, "GET", board, nil)); got["name"] != fmt.Sprint("Board ", round) || got["catalogId"] != k.id {
		t.Errorf("round %d: the board is %v", round, got)
	}

	// A widget that the other node adds.
	sum := object{"chartType": "bars", "name": "Sums", "axis": object{"type": "field", "value": k.fields["Tag"]},
		"value": object{"type": "field", "value": k.fields["Amount"]}}
	num := id(there.call(t, 200, "POST", board+"/widgets", sum))
	widget := board + "/widgets/" + num
	if got := listed(here, board+"/widgets"); !slices.Equal(got, []string{num}) {
		t.Errorf("round %d: the widgets are %v, not %s", round, got, num)
	}
	values := func(c *caller) string { t.Helper(); return string(c.call(t, 200, "GET", widget+"/values", nil).body) }
	if got := values(here); got != `[{"axis":"tag 0","values":[{"value":4}]},{"axis":"tag 1","values":[{"value":2}]}]` {
		t.Errorf("round %d: the sums are %s", round, got)
	}

	// A stored setting, and the layout.
	here.call(t, 200, "PATCH", widget, object{"valueFn": "max", "name": "Most"})
	if got := decode[object](t, there.call(t, 200, "GET", widget, nil)); got["valueFn"] != "max" || got["name"] != "Most" {
		t.Errorf("round %d: the widget is %v", round, got)
	}
	if got := values(there); got != `[{"axis":"tag 0","values":[{"value":3}]},{"axis":"tag 1","values":[{"value":2}]}]` {
		t.Errorf("round %d: the greatest are %s", round, got)
	}
	there.call(t, 200, "PATCH", board, object{"name": "Renamed", "layouts": object{"xs": object{num: object{"x": 0, "y": 0, "w": round + 1, "h": 4}}}})
	got := decode[struct {
		Name    string
		Layouts map[string]map[string]map[string]int
	}](t, here.call(t, 200, "GET", board, nil))
	if got.Name != "Renamed" || got.Layouts["xs"][num]["w"] != round+1 {
		t.Errorf("round %d: the board is %+v", round, got)
	}

	// Deleted.
	there.call(t, 200, "DELETE", widget, nil)
	here.call(t, 404, "GET", widget, nil)
	here.call(t, 404, "GET", widget+"/values", nil)
	if got := listed(here, board+"/widgets"); got != nil {
		t.Errorf("round %d: the widgets are %v", round, got)
	}
	here.call(t, 200, "DELETE", board, nil)
	there.call(t, 404, "GET", board, nil)
	if got := listed(there, "/api/v1/boards?catalogId="+k.id); len(got) != 1 {
		t.Errorf("round %d: the boards are %v, not one", round, got)
	}
}
