package catalog_test

import (
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// condition compares a field of a catalog's records with the card's.
func condition(c *catalog.Catalog, field, value string) catalog.LinkCondition {
	return catalog.LinkCondition{Source: catalog.Source{Catalog: c.Num}, Field: c.FieldByKey(field).Num, Value: value}
}

// TestConditionsOfLinkFields: candidates for a card are those that have what the
// card has.
func TestConditionsOfLinkFields(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo := w.employed("Bo")
		to := func(c *catalog.Catalog, more func(*catalog.Config)) *catalog.Config {
			config := &catalog.Config{Multi: true, Sources: []catalog.Source{{Catalog: c.Num}}}
			if more != nil {
				more(config)
			}
			return config
		}
		states := &catalog.Config{Items: []catalog.Item{{Name: "New", Key: "new"}, {Name: "Old", Key: "old"}}}
		swapped := &catalog.Config{Multi: true, Items: []catalog.Item{{Name: "Old", Key: "old"}, {Name: "New", Key: "new"}}}
		people := w.make("People", field("name", "text", nil), field("firm", "object", to(w.vendors, nil)), field("rank", "number", nil),
			field("state", "dropdown", swapped), field("since", "date", nil), field("active", "switch", nil), field("boss", "user", nil))
		with := func(conditions ...catalog.LinkCondition) *catalog.Config {
			return to(people, func(c *catalog.Config) { c.Conditions = conditions })
		}
		deals := w.make("Deals", field("what", "text", nil), field("firm", "object", to(w.vendors, nil)), field("rank", "stars", nil),
			field("state", "dropdown", states), field("since", "date", nil), field("active", "switch", nil), field("owner", "user", nil),
			field("byfirm", "object", with(condition(people, "firm", "firm"))), field("byrank", "object", with(condition(people, "rank", "rank"))),
			field("bystate", "object", with(condition(people, "state", "state"))), field("bysince", "object", with(condition(people, "since", "since"))),
			field("byactive", "object", with(condition(people, "active", "active"))), field("byboss", "object", with(condition(people, "boss", "owner"))),
			field("byname", "object", with(condition(people, "name", "what"))), field("byother", "object", with(condition(people, "rank", "what"))),
			field("bygone", "object", with(condition(people, "rank", "later"))),
			field("byall", "object", with(condition(people, "firm", "firm"), condition(people, "rank", "rank"))))
		acme, beta := w.vendor("Acme"), w.vendor("Beta")
		for name, v := range map[string][]any{
			"Ann": {"firm", catalog.Links{link(w.vendors, acme)}, "rank", catalog.Number(2), "state", catalog.Items{2}, "since", catalog.Time(86_400_000), "boss", catalog.Links{link(w.users(), 1)}},
			"Ben": {"firm", catalog.Links{link(w.vendors, beta), link(w.vendors, acme)}, "rank", catalog.Number(3), "state", catalog.Items{1}, "active", catalog.Bool(true)},
			"Cid": {"firm", catalog.Links{link(w.vendors, beta)}, "rank", catalog.Number(2)},
		} {
			w.apply(catalog.Create{Catalog: people.Num, Values: values(people, append(v, "name", catalog.Text(name))...)})
		}
		full := w.apply(catalog.Create{Catalog: deals.Num, Values: values(deals, "what", catalog.Text("an"), "firm", catalog.Links{link(w.vendors, acme)}, "rank", catalog.Whole(2),
			"state", catalog.Items{1}, "since", catalog.Time(86_400_000), "active", catalog.Bool(true), "owner", catalog.Links{link(w.users(), 1)})})[0].Record
		empty := w.apply(catalog.Create{Catalog: deals.Num, Values: nil})[0].Record
		offers := func(who catalog.Actor, key string, card query.Record) string {
			return w.candidates(who, deals, key, catalog.CandidatesAsk{Record: query.Key{Record: card}})
		}
		const everyone = "Ann Ben Cid"
		for key, want := range map[string]string{
			"byfirm": "Ann Ben", "byrank": "Ann Cid", "bystate": "Ann", "bysince": "Ann", "byactive": "Ben", "byboss": "Ann", "byname": "Ann",
			"byother": "", "bygone": everyone, "byall": "Ann",
		} {
			if got := offers(boss, key, full); got != want {
				t.Errorf("%s: %s, want %s", key, got, want)
			}
			if got := offers(boss, key, empty); got != everyone {
				t.Errorf("%s, nothing on the card: %s", key, got)
			}
			if got := offers(boss, key, 0); got != everyone {
				t.Errorf("%s, no card: %s", key, got)
			}
		}
		if got := w.candidates(boss, deals, "byfirm", catalog.CandidatesAsk{Record: query.Key{Record: full}, Title: "b"}); got != "Ben" {
			t.Errorf("with a title: %s", got)
		}
		if got := offers(boss, "byfirm", 99); got != "not_found" {
			t.Errorf("no such card: %s", got)
		}
		// They look at everything in the source, at the card as the actor sees it.
		w.rules(of(deals), only(bo.Employee, "search"))
		if got := offers(bo, "byfirm", full); got != "forbidden" {
			t.Errorf("a card that he may not view: %s", got)
		}
		w.rules(of(deals), only(bo.Employee, "view"))
		if got := offers(bo, "byfirm", full); got != "Ann Ben" {
			t.Errorf("without a right on the source: %s", got)
		}
		w.rules(of(deals), only(bo.Employee, "view", "firm=hide"))
		if got := offers(bo, "byfirm", full); got != everyone {
			t.Errorf("by a hidden value: %s", got)
		}
	})
}

// A condition tells what the records that are offered have, so whoever sets it
// up must see that.
func TestConditionsMustBeSeen(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo := w.employed("Bo")
		own := w.make("Own", field("name", "text", nil))
		sets := func(conditions ...catalog.LinkCondition) fault.Code {
			config := &catalog.Config{Sources: []catalog.Source{{Catalog: w.vendors.Num}, {Catalog: own.Num}}, Conditions: conditions}
			in := catalog.CatalogInput{Fields: []catalog.FieldInput{{Num: own.Fields[0].Num}, field("to", "object", config)}}
			_, err := w.s.UpdateCatalog(t.Context(), bo, own.Key, in)
			return fault.CodeOf(err)
		}
		byMail, byTitle := condition(w.vendors, "mail", "name"), condition(w.vendors, "title", "name")
		for _, row := range []struct {
			name, privilege string
			field           []string
			condition       catalog.LinkCondition
			want            fault.Code
		}{
			{"no record of it", "search", nil, byMail, fault.ValidationFailed}, {"every record of it", "view", nil, byMail, ""},
			{"not the field", "view", []string{"mail=hide"}, byMail, fault.ValidationFailed}, {"another field", "view", []string{"mail=hide"}, byTitle, ""},
			{"its own catalog", "search", nil, condition(own, "name", "name"), ""}, {"of no source", "search", nil, condition(w.orders, "price", "name"), ""},
		} {
			w.rules(of(own), only(bo.Employee, "admin"))
			w.rules(of(w.vendors), only(bo.Employee, row.privilege, row.field...))
			if code := sets(row.condition); code != row.want {
				t.Errorf("%s: %q", row.name, code)
			}
		}
		st, err := w.s.Current(t.Context())
		if err != nil || len(st.CatalogByKey("own").FieldByKey("to").Config.Conditions) != 0 {
			t.Errorf("a condition on what is no source stays: %v", err)
		}
	})
}
