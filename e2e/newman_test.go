package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The credentials of the endpoints under test.
const (
	syncToken  = "a-bearer-of-the-partners"
	ordersKey  = "a-key-of-the-orders-endpoint"
	signedWith = "a-secret-that-signs-bodies"
)

// withEndpoints gives a server endpoints in front of catalogs; created is what the one
// of partners answers to a POST that makes a record.
func withEndpoints(t *testing.T, s *server, created int) {
	t.Helper()
	admin := s.admin()
	partners := admin.newCatalog(t, "Partners", object{"name": "Name", "type": "text"}, object{"name": "E-mail", "type": "contact", "config": object{"contactType": "email"}},
		object{"name": "Phone", "type": "contact", "config": object{"contactType": "phone"}}, object{"name": "Ref", "type": "text"},
		object{"name": "One", "type": "text"}, object{"name": "Two", "type": "text"})
	admin.call(t, 200, "POST", partners.records(""), object{"values": object{partners.fields["Name"]: "Oak", partners.fields["Ref"]: "123"}})
	orders := admin.newCatalog(t, "Orders", object{"name": "Subject", "type": "text", "required": true},
		object{"name": "Number", "type": "number"}, object{"name": "Sum", "type": "number", "config": object{"minValue": 0}},
		object{"name": "State", "type": "dropdown", "config": object{"items": []object{{"name": "Draft"}, {"name": "Done"}}}},
		object{"name": "Day", "type": "date"}, object{"name": "Paid", "type": "switch"},
		object{"name": "Partner", "type": "object", "config": object{"catalogs": []object{{"id": partners.id}}}})
	line := func(k catalog, field, key string, more object) object {
		l := object{"field": k.fields[field], "external_key": key}
		for name, v := range more {
			l[name] = v
		}
		return l
	}
	off, id := object{"per_minute_ip": 0, "per_hour_key": 0}, object{"is_record_identifier": true}
	lines := []object{line(partners, "Name", "name", nil), line(partners, "E-mail", "email", nil), line(partners, "Phone", "phone", nil),
		line(partners, "Ref", "ref", id), line(partners, "One", "field1", nil), line(partners, "Two", "field2", nil)}
	endpoint := func(name string, model catalog, more object) {
		c := object{"code": name, "name": name, "request_type": "in", "endpoint": name, "model": model.id, "run_as": 1, "rate_limit": off,
			"methods": []string{"GET", "POST", "PUT", "DELETE"}}
		for key, v := range more {
			c[key] = v
		}
		admin.call(t, 200, "POST", "/api/v1/sync/configs", c)
	}
	endpoint("partners", partners, object{"auth_types": []string{"basic", "bearer"}, "created_status": created, "path_id": "identifier", "lines": lines,
		"credentials": []object{{"label": "admin", "type": "basic", "login": "admin", "secret": "admin"}, {"label": "shop", "type": "bearer", "secret": syncToken}}})
	reader := admin.call(t, 200, "POST", "/api/v1/catalogs/$users/records", object{"values": object{"$name": "Reader", "$email": "reader@example.com"}})
	who := decode[record](t, reader).ID
	admin.call(t, 200, "POST", "/api/v1/rights", object{"object": object{"catalogId": partners.id}, "rules": []object{
		{"rightSubject": object{"userAttr": "id", "catalogId": "$users", "recordId": who}, "privilegeCode": "view"}}})
	endpoint("public", partners, object{"auth_types": []string{"none"}, "methods": []string{"GET"}, "lines": lines, "run_as": json.Number(who)})
	admin.call(t, 200, "POST", "/api/v1/sync/configs", object{"code": "by-ref", "name": "By ref", "request_type": "mapping", "model": partners.id, "run_as": 1, "lines": lines})
	endpoint("orders", orders, object{
		"auth_types": []string{"header"}, "credentials": []object{{"label": "key", "type": "header", "login": "X-Shop-Key", "secret": ordersKey}},
		"filter_domain": []any{[]any{"sum", ">=", 0}}, "body_path": "order", "headers": []object{{"key": "X-Channel", "value": "web", "role": "require"}},
		"lines": []object{line(orders, "Subject", "subject", object{"required": true}), line(orders, "Sum", "totals.sum", nil),
			line(orders, "State", "state", object{"value_map": object{"new": "Draft", "closed": "Done"}}), line(orders, "Day", "day", object{"format": "%d.%m.%Y"}),
			line(orders, "Paid", "flags[0].paid", nil),
			line(orders, "Partner", "partner", object{"required": true, "value_type": "relational_mapping", "mapping_config": "by-ref"}),
			line(orders, "Number", "number", id),
			line(orders, "Subject", "subject_again", object{"direction": "out"})},
	})
	endpoint("signed", partners, object{
		"auth_types": []string{"hmac"}, "response_format": "bare", "methods": []string{"POST", "PUT", "DELETE"},
		"hmac":        object{"header": "X-Signature", "algorithm": "sha256", "encoding": "hex", "prefix": "sha256=", "timestamp_header": "X-Time", "tolerance_seconds": 300},
		"credentials": []object{{"label": "signs", "type": "hmac", "secret": signedWith}}, "lines": lines,
	})
}

// collectionVariables are what newman is told besides the collection.
func collectionVariables() map[string]string {
	return map[string]string{
		"bearer_token": syncToken, "basic_auth_user": "admin", "basic_auth_password": "admin", "api_key": ordersKey,
		"signed_hmac_secret": signedWith, "orders_header_x-channel": "web", "orders_partner": "123",
	}
}

// newmanReport is what newman tells of a run.
type newmanReport struct {
	Run struct {
		Stats struct {
			Requests, Assertions struct{ Total, Failed int }
		}
		Executions []struct {
			Item     struct{ Name string }
			Response *struct{ Code int }
		}
		Failures []struct {
			Source struct{ Name string }
			Error  struct{ Name, Test, Message string }
		}
	}
}

// slow is what assertions of time are called: they tell of the machine, not of the
// program.
func slow(assertion string) bool { return strings.Contains(assertion, "1000") }

// newman runs a collection and gives the report, and the assertions that failed, as
// "request: assertion", without those of time.
func newman(t *testing.T, collection []byte, variables map[string]string) (report newmanReport, failed []string) {
	t.Helper()
	dir := t.TempDir()
	file, out := filepath.Join(dir, "collection.json"), filepath.Join(dir, "report.json")
	if err := os.WriteFile(file, collection, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{filepath.Join("node_modules", "newman", "bin", "newman.js"), "run", file, "--reporters", "json", "--reporter-json-export", out}
	for name, v := range variables {
		args = append(args, "--env-var", name+"="+v)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	printed, ran := exec.CommandContext(ctx, "node", args...).CombinedOutput()
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatalf("newman: %v %v: run make test, or npm ci in e2e\n%s", ran, err, printed)
	}
	if err := json.Unmarshal(data, &report); err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Run.Failures {
		if slow(f.Error.Test) {
			t.Logf("%s: %s", f.Source.Name, f.Error.Message)
			continue
		}
		if f.Error.Test == "" {
			t.Errorf("%s: %s %s", f.Source.Name, f.Error.Name, f.Error.Message)
		}
		failed = append(failed, f.Source.Name+": "+f.Error.Test)
	}
	return report, failed
}

// TestPostmanCollection runs the generated collection against the server that made it,
// twice: the second run finds what the first one left.
func TestPostmanCollection(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db)
		withEndpoints(t, s, 200)
		collection := s.admin().call(t, 200, "GET", "/api/v1/sync/postman.json", nil).body
		for _, secret := range []string{syncToken, ordersKey, signedWith} {
			if strings.Contains(string(collection), secret) {
				t.Errorf("the collection has the secret %s", secret)
			}
		}
		for range 2 {
			report, failed := newman(t, collection, collectionVariables())
			if len(failed) > 0 {
				t.Errorf("failed:\n%s", strings.Join(failed, "\n"))
			}
			var sent []string
			for _, e := range report.Run.Executions {
				if e.Response != nil {
					sent = append(sent, fmt.Sprintf("%s %d", e.Item.Name, e.Response.Code))
				}
			}
			if n := report.Run.Stats.Assertions.Total; n != 3*len(sent) {
				t.Errorf("%d assertions of %d requests", n, len(sent))
			}
			want := []string{
				"Bearer token 200", "Login and password 200", "Key in a header 200", "Without a credential 200",
				"List records 200", "Create a record 201", "Read a record 200", "Change a record by its identifier 200", "Change a record 200", "Delete a record 200", // orders
				"List records 200", "Create a record 200", "Read a record 200", "Change a record by its identifier 200", "Change a record 200", "Delete a record 200",
				"List records 200", "Read a record 200", // public
				"Create a record 201", "Change a record by its identifier 200", "Change a record 200", "Delete a record 200", // signed
				"Unknown endpoint 404", "Wrong token 401", "No credential 401", "Method that is not enabled 405", "Unknown record 404", "Unknown filter 400",
				"Negative limit 400", "Domain that is none 400", "Unknown version 400", "Invalid JSON 400", "Empty list 400",
			}
			if !slices.Equal(sent, want) {
				t.Errorf("the requests\n%s\nare not\n%s", strings.Join(sent, "\n"), strings.Join(want, "\n"))
			}
		}
		s.stop()
	})
}

// exchange is a request and its answer, by the path of the document.
type exchange struct {
	Method   string          `json:"method"`
	Path     string          `json:"path"`
	Status   int             `json:"status"`
	Sent     json.RawMessage `json:"sent"`
	Answered json.RawMessage `json:"answered"`
}

// TestOpenAPIDocuments checks the documents of all and of one credential against the
// schema of OpenAPI 3.1, and what endpoints take and answer against the documents.
func TestOpenAPIDocuments(t *testing.T) {
	s := serve(t, sqlite)
	withEndpoints(t, s, 200)
	admin, shop, orders := s.admin(), s.admin(), s.admin()
	shop.token, orders.login = syncToken, ""
	var all []exchange
	try := func(c *caller, status int, method, endpoint, rest, body string, headers ...string) {
		t.Helper()
		sent := any(nil)
		if body != "" {
			sent = body
		}
		a := c.call(t, status, method, "/bj_api_sync/v1/"+endpoint+rest, sent, headers...)
		e := exchange{Method: method, Path: "/bj_api_sync/v1/" + endpoint, Status: status, Answered: a.body}
		if strings.HasPrefix(rest, "/") {
			e.Path += "/{id}"
		}
		if status < 400 && body != "" {
			e.Sent = json.RawMessage(body)
		}
		all = append(all, e)
	}
	try(shop, 200, "GET", "partners", "", "")
	try(shop, 200, "GET", "partners", "/123", "")
	try(shop, 200, "POST", "partners", "", `{"name":"Ash","ref":"A","email":"ash@example.com","phone":null}`)
	try(shop, 200, "PUT", "partners", "", `{"ref":"A","phone":"+380441234567"}`)
	try(shop, 200, "PUT", "partners", "/A", `{"field1":"x"}`)
	try(shop, 207, "PUT", "partners", "", `[{"ref":"A","name":"Elm"},{"name":"Fir"}]`)
	try(shop, 200, "DELETE", "partners", "/A", "")
	try(shop, 409, "POST", "partners", "", `{"ref":"123"}`)
	try(shop, 400, "POST", "partners", "", `{"name":{}}`)
	try(shop, 404, "DELETE", "partners", "?ref=none", "")
	try(shop, 401, "GET", "partners", "", "", "Authorization", "Bearer none")
	key := []string{"X-Shop-Key", ordersKey, "X-Channel", "web"}
	try(orders, 201, "POST", "orders", "", `{"order":{"number":7,"subject":"Chairs","totals":{"sum":2.5},"state":"new","day":"09.03.2026","flags":[{"paid":true}],"partner":"123"}}`, key...)
	try(orders, 201, "POST", "orders", "", `{"order":[{"number":8,"subject":"Tables","totals":{"sum":1},"partner":{"ref":"123"}},{"number":9,"subject":"Lamps","totals":{"sum":1},"partner":"123","state":null}]}`, key...)
	try(orders, 200, "GET", "orders", "", "", key...)
	try(orders, 200, "DELETE", "orders", "", `[8,{"number":9}]`, key...)
	dir := t.TempDir()
	args := []string{filepath.Join("js", "openapi.mjs")}
	keep := func(name string, data []byte) {
		args = append(args, filepath.Join(dir, name))
		if err := os.WriteFile(args[len(args)-1], data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	exchanged, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	keep("exchanges.json", exchanged)
	keep("all.json", admin.call(t, 200, "GET", "/api/v1/sync/openapi.json", nil).body)
	keep("orders.json", admin.call(t, 200, "GET", "/api/v1/sync/configs/orders/openapi.json", nil).body)
	keep("shop.json", shop.call(t, 200, "GET", "/bj_api_sync/v1/_openapi.json", nil).body)
	if out, err := exec.CommandContext(t.Context(), "node", args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	s.stop()
}

// TestReferenceCollection runs what the module's public collection asks, written anew:
// 14 requests, of which each says that the status is 200, the body JSON and the time
// short. Four of these statuses cannot be right.
func TestReferenceCollection(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db)
		withEndpoints(t, s, 200)
		data, err := json.Marshal(referenceCollection("http://" + s.addr))
		if err != nil {
			t.Fatal(err)
		}
		report, failed := newman(t, data, collectionVariables())
		if r := report.Run.Stats; r.Requests.Total != 14 || r.Assertions.Total != 42 {
			t.Errorf("%d requests, %d assertions", r.Requests.Total, r.Assertions.Total)
		}
		var codes []int
		for _, e := range report.Run.Executions {
			codes = append(codes, e.Response.Code)
		}
		if want := []int{200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 401, 404, 405, 400}; !slices.Equal(codes, want) {
			t.Errorf("answered %v, not %v", codes, want)
		}
		want := []string{"Invalid token: Status code is 200", "Unknown endpoint: Status code is 200", "PATCH: Status code is 200", "Invalid JSON: Status code is 200"}
		if !slices.Equal(failed, want) {
			t.Errorf("failed:\n%s\nnot:\n%s", strings.Join(failed, "\n"), strings.Join(want, "\n"))
		}
		s.stop()
	})
}

// referenceCollection are its requests, in the order of its folders.
func referenceCollection(base string) object {
	bearer := func(token string) object {
		return object{"type": "bearer", "bearer": []object{{"key": "token", "value": token}}}
	}
	basic := object{"type": "basic", "basic": []object{{"key": "username", "value": "{{basic_auth_user}}"}, {"key": "password", "value": "{{basic_auth_password}}"}}}
	none, ours := object{"type": "noauth"}, bearer("{{bearer_token}}")
	item := func(name, method, path string, auth object, body string) object {
		r := object{"method": method, "url": "{{base_url}}/bj_api_sync/v1/" + path, "auth": auth, "header": []object{}}
		if body != "" {
			r["header"], r["body"] = []object{{"key": "Content-Type", "value": "application/json"}}, object{"mode": "raw", "raw": body}
		}
		return object{"name": name, "request": r}
	}
	return object{
		"info":     object{"name": "API Sync", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
		"variable": []object{{"key": "base_url", "value": base}, {"key": "endpoint_name", "value": "partners"}},
		"event": []object{{"listen": "test", "script": object{"type": "text/javascript", "exec": []string{
			`pm.test("Status code is 200", function () { pm.response.to.have.status(200); });`,
			`pm.test("Response is JSON", function () { pm.response.to.be.json; });`,
			`pm.test("Response time is less than 1000ms", function () { pm.expect(pm.response.responseTime).to.be.below(1000); });`,
		}}}},
		"item": []object{
			item("Public", "GET", "public", none, ""), item("Basic", "GET", "partners", basic, ""), item("Bearer", "GET", "partners", ours, ""),
			item("List", "GET", "partners?limit=10", ours, ""), item("Single", "GET", "partners/123", ours, ""),
			item("Create", "POST", "partners", ours, `{"name": "New Partner", "email": "new@example.com", "phone": "+1234567890"}`),
			item("Update", "PUT", "partners/123", ours, `{"name": "Updated Partner", "email": "updated@example.com"}`),
			item("Delete", "DELETE", "partners/123", ours, ""),
			item("Any list", "GET", "{{endpoint_name}}", ours, ""),
			item("Any create", "POST", "{{endpoint_name}}", ours, `{"field1": "value1", "field2": "value2"}`),
			item("Invalid token", "GET", "partners", bearer("invalid_token"), ""), item("Unknown endpoint", "GET", "nonexistent", ours, ""),
			item("PATCH", "PATCH", "partners", ours, ""), item("Invalid JSON", "POST", "partners", ours, `{"name": "Broken", "email":}`),
		},
	}
}
