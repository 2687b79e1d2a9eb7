package server

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"kartoteka/internal/catalog"
)

// furnish makes a company: sections, catalogs that link each other, employees in
// role groups, records, legal views and, at last, rules.
func (w *rightsWorld) furnish() {
	w.sections = []*section{{key: "3"}}
	w.createSection()
	settings := &section{key: "$settings"}
	name := &field{id: 1, key: "$name", typ: "text", name: "Name"}
	w.users = &cat{num: 3, key: "$users", name: "Employees", icon: "users-1", section: settings, system: true, fields: []*field{name}}
	w.boss = &person{card: &record{of: w.users, num: 1, values: map[*field]any{name: "Administrator"}}}
	w.users.add(w.boss.card)
	w.groups = w.newCatalog(w.sections[0], "Teams")
	main := w.newCatalog(w.sections[0], "Orders")
	other := w.newCatalog(pick(w.rng, w.sections...), "Vendors")
	w.newLinks(main, other, w.groups)
	w.newLinks(other, main, pick(w.rng, main, other, w.groups))
	w.teamField()
	for range 3 {
		w.newRecord(w.groups)
	}
	for range 3 {
		w.newPerson()
	}
	for range 5 + w.rng.IntN(6) {
		w.newRecord(other)
		w.newRecord(main)
	}
	for _, c := range []*cat{main, main, other, w.groups} {
		w.newView(c)
	}
	for _, p := range w.people {
		w.newToken(p)
	}
	w.watchCards()
	w.firstRules()
}

func (w *rightsWorld) newCatalog(s *section, name string) *cat {
	c := &cat{section: s, name: name, icon: "box-1"}
	w.must(http.MethodPost, "/catalogs", map[string]any{"name": name, "sectionId": s.key, "icon": c.icon}, func(a answer) {
		c.key = parse[struct{ ID string }](w.world, a).ID
	})
	c.num, _ = strconv.Atoi(c.key)
	kinds := []field{
		{key: "name", typ: "text", kind: "text"}, {key: "note", typ: "text", kind: "text"}, {key: "sum", typ: "number"},
		{key: "day", typ: "date", kind: "date"}, {key: "on", typ: "switch"}, {key: "mail", typ: "contact"}, {key: "owner", typ: "user", multi: w.chance(50), subscribe: w.chance(50)},
		{key: "state", typ: "dropdown", multi: w.chance(50), items: []item{{name: "New"}, {name: "Done"}, {name: "Gone"}}},
	}
	var edits []*edit
	for _, f := range kinds {
		f.name, f.history = strings.ToUpper(f.key), true
		edits = append(edits, &edit{f: f, key: f.key})
	}
	w.structure(c, edits)
	w.catalogs = append(w.catalogs, c)
	return c
}

// must is a request of the administrator that must succeed.
func (w *rightsWorld) must(method, path string, body any, learn func(answer)) {
	w.t.Helper()
	a := w.do(method, path, nil, body)
	w.expect(a, true)
	if learn != nil {
		learn(a)
	}
}

func (w *rightsWorld) structure(c *cat, edits []*edit) {
	w.t.Helper()
	w.must(http.MethodPatch, "/catalogs/"+c.key, map[string]any{"fields": fieldsJSON(edits)}, func(a answer) {
		w.adopt(c, edits, parse[shownCatalog](w.world, a))
	})
}

// newLinks gives a catalog two link fields, whose cards show some of what is
// linked.
func (w *rightsWorld) newLinks(c, first, second *cat) {
	edits := editsOf(c)
	for i, to := range []*cat{first, second} {
		f := field{typ: "object", history: true, sources: []*cat{to}, multi: w.chance(70), accessOnly: w.chance(40)}
		f.key = []string{"link", "other"}[i]
		f.name = strings.ToUpper(f.key)
		for _, s := range to.fields {
			if s.typ != "object" && w.chance(40) {
				f.shown = append(f.shown, shown{field: s, of: to, edit: w.chance(60)})
			}
		}
		edits = append(edits, &edit{f: f, key: f.key})
	}
	w.structure(c, edits)
}

// teamField gives the employees' card the field that makes role groups.
func (w *rightsWorld) teamField() {
	a := w.get("/catalogs/$users", url.Values{"skipPrevId": {"true"}})
	w.expect(a, true)
	fields := parse[struct{ Fields []json.RawMessage }](w.world, a).Fields
	w.team = &field{key: "team", name: "Team", typ: "object", history: true, multi: true, sources: []*cat{w.groups}}
	w.users.fields = append(w.users.fields, w.team)
	raw, err := json.Marshal((&edit{f: *w.team, key: w.team.key}).json())
	if err != nil {
		w.t.Fatal(err)
	}
	w.must(http.MethodPatch, "/catalogs/$users", map[string]any{"fields": append(fields, raw)}, nil)
}

func (w *rightsWorld) newPerson() {
	login, values := w.newKey("person")+"@example.com", map[string]any{}
	p := &person{card: &record{of: w.users, values: map[*field]any{}}}
	w.newValue(p.card, w.users.fields[0], values)
	values["$email"], values["$password"], values["team"] = login, modelPassword, w.newTeam(p)
	w.must(http.MethodPost, "/catalogs/$users/records", map[string]any{"values": values}, func(a answer) {
		p.card.num, _ = strconv.Atoi(parse[shownRecord](w.world, a).ID)
	})
	w.users.add(p.card)
	for _, s := range w.sides {
		p.cookies = append(p.cookies, s.signIn(w.t, login))
	}
	w.people = append(w.people, p)
}

// newTeam chooses role groups for an employee and gives what is to be sent.
func (w *rightsWorld) newTeam(p *person) any {
	p.groups = nil
	team := []any{}
	for _, g := range w.groups.records {
		if w.chance(45) {
			p.groups = append(p.groups, g)
			team = append(team, map[string]any{"catalogId": w.groups.key, "recordId": g.id()})
		}
	}
	delete(p.card.values, w.team)
	if p.groups != nil {
		p.card.values[w.team] = p.groups
	}
	return team
}

// newRecord makes a record as the administrator.
func (w *rightsWorld) newRecord(c *cat) {
	r := &record{of: c, values: map[*field]any{}}
	send := map[string]any{}
	for _, f := range c.fields {
		if w.chance(80) {
			w.newValue(r, f, send)
		}
	}
	w.must(http.MethodPost, "/catalogs/"+c.key+"/records", map[string]any{"values": send}, func(a answer) { w.adoptRecord(w.boss, r, a) })
}

// adoptRecord makes a new record the model's.
func (w *rightsWorld) adoptRecord(by *person, r *record, a answer) {
	r.num, _ = strconv.Atoi(parse[shownRecord](w.world, a).ID)
	r.created = w.clock.Now().UnixMilli()
	r.of.add(r)
	w.follow(r, &record{of: r.of}, r)
	e := &pastEntry{r: r, kind: "CREATE", by: by}
	for _, f := range r.of.fields {
		if r.values[f] != nil {
			e.fields = append(e.fields, f)
		}
	}
	w.past = append(w.past, e)
}

// newValue gives a field of a record a random value and adds it to what is sent.
// Values are marks as far as they can be.
func (w *rightsWorld) newValue(r *record, f *field, send map[string]any) {
	w.marks++
	w.marks %= 9000
	n := w.marks
	own := func(text string) { w.owners[text] = mark{r, f} }
	switch f.typ {
	case "text":
		send[f.key], r.values[f] = markText(n), markText(n)
		own(markText(n))
	case "number":
		send[f.key], r.values[f] = markNumber(n), float64(markNumber(n))
		own(strconv.Itoa(markNumber(n)))
	case "date":
		day := markDate(n)
		send[f.key], r.values[f] = day.Format("2006-01-02"), day.UnixMilli()
		own(day.Format("2006-01-02T"))
	case "switch":
		send[f.key] = true
		r.values[f] = true
	case "contact":
		text := markText(n) + "@example.com"
		send[f.key], r.values[f] = []any{text}, []contact{{id: "1", contact: text}}
		own(markText(n))
	case "dropdown":
		i := pick(w.rng, f.items...)
		send[f.key], r.values[f] = []any{i.key}, []int{i.num}
	case "user":
		who := pick(w.rng, w.users.records...)
		send[f.key], r.values[f] = []any{who.id()}, []*record{who}
	case "object":
		w.newLinked(r, f, send)
	}
}

func (w *rightsWorld) newLinked(r *record, f *field, send map[string]any) {
	var list []any
	var linked []*record
	for range 2 {
		to := w.someRecord(f.sources[0])
		if to == nil || len(linked) == 1 && (!f.multi || linked[0] == to) {
			continue
		}
		list, linked = append(list, map[string]any{"catalogId": to.of.key, "recordId": to.id()}), append(linked, to)
	}
	delete(r.values, f)
	send[f.key] = []any{}
	if len(linked) > 0 {
		send[f.key], r.values[f] = list, linked
	}
}

// newToken makes a token of a person's, while he sees every catalog.
func (w *rightsWorld) newToken(p *person) {
	b := &bearer{of: p}
	b.verbs = pick(w.rng, []string{"read"}, []string{"read", "update"}, []string{"create"}, []string{"read", "delete"},
		[]string{"read", "create", "update", "delete"}, []string{"read", "create", "update", "delete", "admin"})
	body := map[string]any{"name": "a program", "verbs": b.verbs}
	if len(b.verbs) < 5 && w.chance(50) {
		c := w.anyCatalog()
		b.cats = []*cat{c}
		body["catalogs"] = []string{c.key}
	}
	for i, s := range w.sides {
		got := s.send("Cookie", p.cookies[i], http.MethodPost, "/api/v1/tokens", asJSON(body))
		if got.status != http.StatusOK {
			w.fail("no token: %d %s", got.status, got.body)
		}
		b.secrets = append(b.secrets, parse[struct{ Token string }](w.world, got).Token)
	}
	w.tokens = append(w.tokens, b)
}

// firstRules gives everything random rules. The administrator keeps his own.
func (w *rightsWorld) firstRules() {
	for _, s := range w.sections {
		w.rules = append(w.rules, &rightRule{thing: thing{section: s}, privilege: catalog.AdminPrivilege})
		w.setRules(thing{section: s})
	}
	for _, c := range w.catalogs {
		w.setRules(thing{cat: c})
		for _, r := range c.records {
			if w.chance(20) {
				w.setRules(thing{record: r})
			}
		}
	}
	for _, v := range w.views {
		w.setRules(thing{view: v})
	}
	if w.chance(50) {
		w.setRules(thing{cat: w.users})
	}
}
