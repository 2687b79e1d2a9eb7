package e2e

import (
	"net/url"
	"strings"
	"testing"
)

// TestOlderClient sends what the record-model client sends: Basic with every
// call, trailing slashes, a body with GET and DELETE.
func TestOlderClient(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		c := serve(t, db).admin()
		k := c.newCatalog(t, "Contacts", object{"name": "Name", "type": "text"}, object{"name": "Age", "type": "number"})
		name, age := k.fields["Name"], k.fields["Age"]
		headers := []string{"Accept", "application/json", "Content-Type", "application/json"}

		var cookies []string
		create := func(values object) string {
			a := c.call(t, 200, "POST", k.records("/"), object{"values": values}, headers...)
			cookies = append(cookies, a.header.Get("Set-Cookie"))
			return decode[record](t, a).ID
		}
		first := create(object{name: "Alice", age: 30})
		second := create(object{name: "Bob", age: "41"})

		t.Run("Basic gives a session each time", func(t *testing.T) {
			for _, cookie := range cookies {
				if !strings.HasPrefix(cookie, "connect.sid=") || !strings.Contains(cookie, "HttpOnly") {
					t.Errorf("cookie %q", cookie)
				}
			}
		})
		t.Run("findAll", func(t *testing.T) {
			all := decode[[]record](t, c.call(t, 200, "GET", k.records("/"), "{}", headers...))
			if len(all) != 2 || all[0].ID != second || all[1].ID != first {
				t.Errorf("records %+v", all)
			}
		})
		t.Run("findAll with scalars", func(t *testing.T) {
			for _, filter := range []string{`{"` + name + `":"ali"}`, `{"` + age + `":30}`} {
				got := decode[[]record](t, c.call(t, 200, "GET", k.records("/?filters=%s", url.QueryEscape(filter)), "{}", headers...))
				if len(got) != 1 || got[0].ID != first {
					t.Errorf("%s gives %+v", filter, got)
				}
			}
		})
		t.Run("findOne", func(t *testing.T) {
			got := decode[record](t, c.call(t, 200, "GET", k.records("/%s", first), "{}", headers...))
			if got.Values[name] != "Alice" || got.Values[age] != 30.0 || got.Title != "Alice" {
				t.Errorf("record %+v", got)
			}
		})
		t.Run("findOne of a missing record is 404", func(t *testing.T) {
			a := c.call(t, 404, "GET", k.records("/999999"), "{}", headers...)
			if code := decode[object](t, a)["code"]; code != "not_found" {
				t.Errorf("code %v", code)
			}
		})
		t.Run("update and remove", func(t *testing.T) {
			c.call(t, 200, "PATCH", k.records("/%s/", second), object{"values": object{age: 42}}, headers...)
			a := c.call(t, 200, "DELETE", k.records("/%s/", second), "{}", headers...)
			if len(a.body) != 0 {
				t.Errorf("body %q", a.body)
			}
			c.call(t, 404, "GET", k.records("/%s", second), "{}", headers...)
		})
		t.Run("slashes without redirects", func(t *testing.T) {
			for _, path := range []string{"/api/v1/catalogs", "/api/v1/catalogs/", "/api/v1/sections/", "/api/v1/catalogs/" + k.id + "/"} {
				c.call(t, 200, "GET", path, "{}", headers...)
			}
		})
	})
}

// TestCurlAndPHP posts a record as shell and PHP scripts do: Basic, values as
// they came from a form, a content type that nobody thought about.
func TestCurlAndPHP(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		c := serve(t, db).admin()
		k := c.newCatalog(t, "Requests",
			object{"name": "Text", "type": "text"},
			object{"name": "Choice", "type": "dropdown", "config": object{"items": []object{{"name": "New"}, {"name": "Old"}}}},
			object{"name": "Number", "type": "number"},
			object{"name": "Date", "type": "date", "config": object{"time": true}})
		body := object{"values": object{
			k.fields["Text"]: "", k.fields["Choice"]: []string{"1"}, k.fields["Number"]: 17, k.fields["Date"]: "2026-03-04T05:06:07+04:00",
		}}
		for _, contentType := range []string{"application/json", "application/x-www-form-urlencoded", "text/plain"} {
			made := decode[record](t, c.call(t, 200, "POST", k.records(""), body, "Content-Type", contentType))
			got := decode[record](t, c.call(t, 200, "GET", k.records("/%s", made.ID), nil))
			choice, _ := got.Values[k.fields["Choice"]].([]any)
			if got.Title != "#"+made.ID || got.Values[k.fields["Text"]] != "" || len(choice) != 1 || choice[0] != "1" ||
				got.Values[k.fields["Number"]] != 17.0 || got.Values[k.fields["Date"]] != "2026-03-04T01:06:07.000Z" {
				t.Errorf("%s: record %+v", contentType, got)
			}
		}
	})
}
