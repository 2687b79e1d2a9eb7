package apisync

import (
	"net/http"
	"slices"
	"strconv"

	"kartoteka/internal/query/tree"
)

// chain is the folder of one endpoint: what is made first is what is worked on.
type chain struct {
	*postman
	Described
	id    string // the variable with what paths call the record by
	key   string // the one with its identifier, "" for none
	items []any
}

// folder makes the folder of an endpoint.
func (p *postman) folder(e Described) object {
	c := &chain{postman: p, Described: e, id: variableName(e.Config, "id")}
	made := exampleOf(e.Config, false, e.sees)
	for _, v := range made.variables {
		p.variable(v.name, "")
		if v.fresh != "" {
			c.key = v.name
		}
	}
	p.variable(c.id, "")
	if c.has(http.MethodGet) {
		c.list()
	}
	upserts := c.has(http.MethodPut) && c.key != "" && e.Config.PutUpsert
	creates := made.body.Len() > 0 && (c.has(http.MethodPost) || upserts)
	if made.body.Len() > 0 && c.has(http.MethodPost) {
		c.create("Create a record", http.MethodPost, e.Config.CreatedStatus, &made)
	}
	if c.has(http.MethodGet) {
		c.get(creates)
	}
	if made.body.Len() > 0 && upserts {
		status := e.Config.CreatedStatus
		if c.has(http.MethodPost) {
			status = http.StatusOK
		}
		c.upsert(status, &made)
	}
	c.change()
	name := e.Config.Endpoint.Endpoint
	return folder(name, e.Config.Name, c.items)
}

func (c *chain) has(method string) bool { return slices.Contains(c.Methods, method) }

func (c *chain) add(r *request) {
	c.signIn(r, c.Config, c.Config.wayIn())
	c.items = append(c.items, r.item())
}

func (c *chain) path() string { return c.Config.Endpoint.Endpoint }

func (c *chain) record() string { return "{{" + c.id + "}}" }

// list asks for records; an endpoint that makes none reads the first one of it then.
func (c *chain) list() {
	first := []string{
		`const rows = [].concat(pm.response.json().data || pm.response.json());`,
		`if (rows.length && rows[0].id !== undefined) { pm.collectionVariables.set(` + strconv.Quote(c.id+"_read") + `, String(rows[0].id)); }`,
	}
	c.variable(c.id+"_read", "")
	if c.Config.PathID == "identifier" {
		first = nil
	}
	c.add(&request{name: "List records", method: http.MethodGet, endpoint: c.path(), query: []Pair{{"limit", "10"}, {"offset", "0"}}, status: []int{200}, after: first})
}

// create makes a record and keeps what paths call it by.
func (c *chain) create(name, method string, status int, made *example) {
	var before []string
	for _, v := range made.variables {
		if v.fresh == "" {
			before = append(before, skipUnless(v.name)...)
			continue
		}
		before = append(before, `pm.collectionVariables.set(`+strconv.Quote(v.name)+`, `+v.fresh+`);`)
	}
	c.add(&request{
		name: name, method: method, endpoint: c.path(), body: made.raw(), status: []int{status}, before: before, after: c.keep(),
	})
}

// keep notes what paths call the record by that was made.
func (c *chain) keep() []string {
	id := strconv.Quote(c.id)
	if c.Config.PathID == "identifier" {
		if c.key == "" {
			return nil
		}
		return []string{`if (pm.response.code < 300) { pm.collectionVariables.set(` + id + `, pm.variables.get(` + strconv.Quote(c.key) + `)); }`}
	}
	return []string{
		`const place = pm.response.headers.get("Location");`,
		`if (place) { pm.collectionVariables.set(` + id + `, place.split("/").pop()); }`,
	}
}

// get reads a record: the one that was made, or the first of the list.
func (c *chain) get(creates bool) {
	status := []int{200}
	id := c.id
	if !creates {
		id += "_read"
	} else if c.narrow() {
		status = append(status, 404) // the example may be outside of what the endpoint shows
	}
	c.add(&request{name: "Read a record", method: http.MethodGet, endpoint: c.path(), record: "{{" + id + "}}", status: status, before: skipUnless(id)})
}

// narrow tells whether the endpoint shows some of the model's records only.
func (c *chain) narrow() bool {
	if raw, err := tree.ParseJSON(c.Config.FilterDomain, tree.Limits{}); err == nil && raw.Len() > 0 || raw.Kind == tree.String && raw.Str() != "" {
		return true
	}
	return slices.ContainsFunc(c.Config.Params, func(p Param) bool { return p.Enabled })
}

// upsert writes by identifier: the record that was made, or a new one.
func (c *chain) upsert(status int, made *example) {
	if !c.has(http.MethodPost) {
		c.create("Create a record by its identifier", http.MethodPut, status, made)
		return
	}
	c.add(&request{
		name: "Change a record by its identifier", method: http.MethodPut, endpoint: c.path(), body: made.raw(), status: c.found(status),
		before: skipUnless(c.id, c.key),
	})
}

// found is a status, and that of records which the endpoint does not show.
func (c *chain) found(status int) []int {
	if c.narrow() {
		return []int{status, 404}
	}
	return []int{status}
}

// change changes and deletes the record that was made, or one whose id somebody filled
// in.
func (c *chain) change() {
	if changed := exampleOf(c.Config, true, c.sees); c.has(http.MethodPut) && changed.body.Len() > 0 {
		c.add(&request{
			name: "Change a record", method: http.MethodPut, endpoint: c.path(), record: c.record(), body: changed.raw(), status: c.found(200),
			before: skipUnless(c.id),
		})
	}
	if c.has(http.MethodDelete) {
		c.add(&request{
			name: "Delete a record", method: http.MethodDelete, endpoint: c.path(), record: c.record(), status: c.found(200), before: skipUnless(c.id),
			after: []string{`pm.collectionVariables.set(` + strconv.Quote(c.id) + `, "");`},
		})
	}
}
