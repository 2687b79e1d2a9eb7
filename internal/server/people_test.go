package server

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestPeopleAndFilesInValues follows employees and files through the values and
// the history of records: defaults, external and removed employees, detached files.
func TestPeopleAndFilesInValues(t *testing.T) {
	eachOffice(t, func(o *office) {
		bo, _ := o.hire("bo")
		eve, _ := o.hire("eve")
		o.must(200, "PATCH", "/catalogs/$users/records/"+eve, `{"values":{"$type":["$extuser"]}}`)
		if got := parseBody(o, o.as(credentials("eve"), "GET", "/profile/me", "").Body.String()); got["isExternal"] != true {
			o.Errorf("the profile of an external employee is %v", got)
		}
		o.must(200, "POST", "/catalogs", `{"name":"Notes","sectionId":"3","fields":[{"id":"text","name":"Text","type":"text"},
			{"id":"by","name":"By","type":"user","config":{"defaultValue":true}},{"id":"team","name":"Team","type":"user","config":{"multiselect":true}},
			{"id":"files","name":"Files","type":"file","config":{"multiselect":true}},{"id":"quiet","name":"Quiet","type":"file","history":false}]}`)
		plan, quiet := o.upload("plan.png", "image/png", pngImage(o.T)), o.upload("quiet.txt", "text/plain", []byte("x"))
		made := parseBody(o, o.as(credentials("bo"), "POST", "/catalogs/25/records", `{"values":{"text":"a","team":["`+eve+`","`+bo+`"]}}`).Body.String())
		path := "/catalogs/25/records/" + made["id"].(string)
		value := func(key string) string {
			o.Helper()
			text, _ := json.Marshal(o.values(path)[key])
			return string(text)
		}
		if got := value("by"); got != `[{"id":"`+bo+`","isRemoved":false,"title":"Name of bo"}]` {
			o.Errorf("made by %s", got)
		}
		if got := value("team"); !strings.Contains(got, `"title":"Name of eve"`) {
			o.Errorf("the team is %s", got)
		}
		o.must(200, "PATCH", path, `{"values":{"files":[{"id":`+plan+`},{"src":"https://a.example/b.pdf","title":"b.pdf"}],"quiet":[{"id":`+quiet+`}]}}`)
		history := o.as("", "GET", "/histories?catalogId=25&recordId="+made["id"].(string), "").Body.String()
		for _, want := range []string{`"title":"plan.png"`, `"title":"b.pdf"`, `"mimeType":"image/png"`} {
			if !strings.Contains(history, want) {
				o.Errorf("the history lacks %s: %s", want, history)
			}
		}
		for _, not := range []string{"quiet", "token=", "fileKey", "storage/"} {
			if strings.Contains(history, not) {
				o.Errorf("the history has %q: %s", not, history)
			}
		}
		shown := value("files")
		for _, want := range []string{`"thumbnail":"http`, `"preview":"http`, `"typeStorage":"url"`, `"url":"https://a.example/b.pdf"`, `"size":{"height":2,"width":3}`} {
			if !strings.Contains(shown, want) {
				o.Errorf("the files lack %s: %s", want, shown)
			}
		}
		o.must(200, "PATCH", path, `{"values":{"files":[]}}`)
		if history := o.as("", "GET", "/histories?catalogId=25&recordId="+made["id"].(string), "").Body.String(); strings.Count(history, `"plan.png"`) != 2 {
			o.Errorf("the detached file is told %d times: %s", strings.Count(history, `"plan.png"`), history)
		}

		o.must(200, "DELETE", "/catalogs/$users/records/"+bo, "")
		if got := value("by"); got != `[{"id":"`+bo+`","isRemoved":true,"title":"Name of bo"}]` {
			o.Errorf("made by a removed employee: %s", got)
		}
		o.must(200, "PATCH", path, `{"values":{"text":"b","by":["`+bo+`"]}}`) // it stays
		for _, body := range []string{`{"values":{"by":["` + bo + `"]}}`, `{"values":{"by":["999"]}}`} {
			if w := o.as("", "POST", "/catalogs/25/records", body); w.Code != 400 || !strings.Contains(w.Body.String(), `"code":"not_found"`) {
				o.Errorf("%s: %d %s", body, w.Code, w.Body)
			}
		}
		if w := o.as("", "GET", "/users", ""); strings.Contains(w.Body.String(), "Name of bo") || !strings.Contains(w.Body.String(), "Name of eve") {
			o.Errorf("the employees are %s", w.Body)
		}
		if w := o.as(credentials("bo"), "GET", "/profile/me", ""); w.Code != 403 {
			o.Errorf("a removed employee signs in: %d %s", w.Code, w.Body)
		}
	})
}

func parseBody(o *office, body string) (m map[string]any) {
	o.Helper()
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		o.Fatalf("%v in %s", err, body)
	}
	return m
}
