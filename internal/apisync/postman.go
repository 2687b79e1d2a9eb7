package apisync

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// postman is a collection under construction.
type postman struct {
	base      string
	variables []any
	known     map[string]bool
}

// Postman makes a collection of Postman (v2.1) that tries endpoints (sync-api.md §9.3):
// every request says what must come back. base is the scheme and the host that they are
// served at. The result is for encoding/json; there are no secrets in it.
func (s *Service) Postman(ctx context.Context, base string, endpoints []Described) (any, error) {
	endpoints, err := s.described(ctx, endpoints)
	if err != nil {
		return nil, err
	}
	p := &postman{base: base, known: map[string]bool{}}
	first := tried(endpoints)
	name := ""
	if first != nil {
		name = first.Config.Endpoint.Endpoint
	}
	p.variable("base_url", base)
	for _, v := range []string{"bearer_token", "basic_auth_user", "basic_auth_password"} {
		p.variable(v, "")
	}
	p.variable("endpoint_name", name)
	folders := []any{folder("Authentication", "One request for each way in.", p.waysIn(endpoints))}
	for _, e := range endpoints {
		folders = append(folders, p.folder(e))
	}
	if first != nil {
		folders = append(folders, folder("Error scenarios", "Requests that must be refused.", p.errors(*first)))
	}
	return object{
		"info": object{
			"name": "Synchronisation API", "description": collectionText,
			"schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
		},
		"item": folders, "variable": p.variables, "auth": object{"type": "noauth"},
		"event": []any{event("prerequest", waitLines), event("test", remainingLines)},
	}, nil
}

const collectionText = "Fill in the variables bearer_token, or basic_auth_user and basic_auth_password. An endpoint that wants other " +
	"credentials than the rest has variables of its own, which begin with its name. Requests run in their order: what POST makes is read, " +
	"changed and deleted. A request whose variables are empty is passed over."

// waitLines wait when the requests of a minute are used up, which remainingLines notice.
var waitLines = []string{
	`const seconds = Number(pm.variables.get("wait_seconds") || 0);`,
	`pm.collectionVariables.set("wait_seconds", 0);`,
	`if (seconds > 0) { setTimeout(() => {}, seconds * 1000); }`,
}

var remainingLines = []string{
	`const left = pm.response.headers.get("RateLimit-Remaining");`,
	`if (left !== undefined && Number(left) < 1) { pm.collectionVariables.set("wait_seconds", Number(pm.response.headers.get("RateLimit-Reset")) + 1); }`,
}

func (p *postman) variable(name, value string) {
	if !p.known[name] {
		p.known[name] = true
		p.variables = append(p.variables, object{"key": name, "value": value, "type": "string"})
	}
}

// tried is the endpoint that the refusals are tried on: one that wants a credential and
// takes records, if there is one.
func tried(endpoints []Described) *Described {
	var best *Described
	most := -1
	for i := range endpoints {
		e, n := &endpoints[i], 0
		if !slices.Contains(e.Config.AuthTypes, AuthNone) {
			n += 4
		}
		if slices.Contains(e.Methods, http.MethodGet) {
			n += 2
		}
		if slices.Contains(e.Methods, http.MethodPost) {
			n++
		}
		if n > most {
			best, most = e, n
		}
	}
	return best
}

// request is a request of the collection under construction.
type request struct {
	name, method string
	endpoint     string // as the path has it
	record       string // as the path has it; "" for none
	query        []Pair
	headers      []Pair
	auth         object
	body         string
	status       []int    // that may come back
	before       []string // lines of JavaScript
	after        []string
}

func (r *request) item() object {
	path := append(strings.Split(strings.Trim(publicPath, "/"), "/"), r.endpoint)
	if r.record != "" {
		path = append(path, r.record)
	}
	raw := "{{base_url}}/" + strings.Join(path, "/")
	address := object{"host": []string{"{{base_url}}"}, "path": path}
	if len(r.query) > 0 {
		list, texts := []any{}, []string{}
		for _, q := range r.query {
			list, texts = append(list, object{"key": q.Key, "value": q.Value}), append(texts, q.Key+"="+q.Value)
		}
		address["query"] = list
		raw += "?" + strings.Join(texts, "&")
	}
	address["raw"] = raw
	headers := []any{object{"key": "Accept", "value": "application/json"}}
	if r.body != "" {
		headers = append(headers, object{"key": "Content-Type", "value": "application/json"})
	}
	for _, h := range r.headers {
		headers = append(headers, object{"key": h.Key, "value": h.Value})
	}
	ask := object{"method": r.method, "header": headers, "url": address, "auth": r.auth}
	if r.body != "" {
		ask["body"] = object{"mode": "raw", "raw": r.body, "options": object{"raw": object{"language": "json"}}}
	}
	events := []any{event("test", append(r.asserts(), r.after...))}
	if len(r.before) > 0 {
		events = append(events, event("prerequest", r.before))
	}
	return object{"name": r.name, "request": ask, "event": events}
}

// asserts are what each request says of its answer.
func (r *request) asserts() []string {
	texts := make([]string, len(r.status))
	for i, n := range r.status {
		texts[i] = strconv.Itoa(n)
	}
	return []string{
		`pm.test("Status is ` + strings.Join(texts, " or ") + `", () => pm.expect(pm.response.code).to.be.oneOf([` + strings.Join(texts, ", ") + `]));`,
		`pm.test("The body is JSON", () => { pm.expect(pm.response.headers.get("Content-Type")).to.include("application/json"); pm.response.json(); });`,
		`pm.test("Answered within 1000 ms", () => pm.expect(pm.response.responseTime).to.be.below(1000));`,
	}
}

func event(listen string, lines []string) object {
	return object{"listen": listen, "script": object{"type": "text/javascript", "exec": lines}}
}

func folder(name, description string, items []any) object {
	return object{"name": name, "description": description, "item": items}
}

// skipUnless passes a request over whose variables are empty.
func skipUnless(names ...string) (lines []string) {
	for _, name := range names {
		lines = append(lines, `if (!pm.variables.get(`+strconv.Quote(name)+`)) { pm.execution.skipRequest(); }`)
	}
	return lines
}
