package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// caller calls a server as one person. Tests of clients and of crashes use it;
// it follows no redirects and keeps no cookies, so nothing is hidden.
type caller struct {
	base, login, password string
	cookie                string // sent instead of Basic when set
	token                 string // sent as Bearer when set
	http                  *http.Client
}

func (s *server) admin() *caller {
	return &caller{
		base: "http://" + s.addr, login: adminLogin, password: adminPassword,
		http: &http.Client{
			Timeout:       30 * time.Second,
			Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// answer is a response read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// object is a decoded JSON object.
type object = map[string]any

// send makes one call. body is text as it is, anything else becomes JSON; nil
// is no body. headers are pairs.
func (c *caller) send(method, path string, body any, headers ...string) (answer, error) {
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			return answer{}, err
		}
		reader = bytes.NewReader(data)
	}
	req, err := http.NewRequest(method, c.base+path, reader)
	if err != nil {
		return answer{}, err
	}
	switch {
	case c.token != "":
		req.Header.Set("Authorization", "Bearer "+c.token)
	case c.cookie != "":
		req.Header.Set("Cookie", c.cookie)
	case c.login != "":
		req.SetBasicAuth(c.login, c.password)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, data}, err
}

// call makes one call that must answer with the wanted status.
func (c *caller) call(t *testing.T, want int, method, path string, body any, headers ...string) answer {
	t.Helper()
	a, err := c.send(method, path, body, headers...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if a.status != want {
		t.Fatalf("%s %s: status %d, not %d: %s", method, path, a.status, want, a.body)
	}
	return a
}

// decode reads the answer's JSON into a value of the caller's type.
func decode[T any](t *testing.T, a answer) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("answer %q: %v", a.body, err)
	}
	return v
}

// record is a record as the API gives it.
type record struct {
	ID        string `json:"id"`
	CatalogID string `json:"catalogId"`
	Title     string `json:"title"`
	Values    object `json:"values"`
}

// catalog is a catalog with the ids of its fields by name.
type catalog struct {
	id     string
	fields map[string]string
}

// newCatalog makes a catalog in a new section.
func (c *caller) newCatalog(t *testing.T, name string, fields ...object) catalog {
	t.Helper()
	section := decode[object](t, c.call(t, 200, "POST", "/api/v1/sections", object{"name": name}))["id"]
	made := decode[object](t, c.call(t, 200, "POST", "/api/v1/catalogs", object{"name": name, "sectionId": section, "fields": fields}))
	id, ok := made["id"].(string)
	if !ok {
		t.Fatalf("catalog id %v is no string", made["id"])
	}
	return c.catalog(t, id)
}

func (c *caller) catalog(t *testing.T, id string) catalog {
	t.Helper()
	got := decode[struct{ Fields []struct{ ID, Name string } }](t, c.call(t, 200, "GET", "/api/v1/catalogs/"+id, nil))
	k := catalog{id: id, fields: map[string]string{}}
	for _, f := range got.Fields {
		k.fields[f.Name] = f.ID
	}
	return k
}

// records is the path of the catalog's records and what follows.
func (k catalog) records(format string, args ...any) string {
	return "/api/v1/catalogs/" + k.id + "/records" + fmt.Sprintf(format, args...)
}
