package bpiumapi_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// step is a request of a golden story; its answer is in the golden file.
type step struct{ name, method, path, body string }

// everyField is a catalog with every type of field that has values.
const everyField = `{"name":"Orders","sectionId":"3","icon":"transfers-52","instruction":"<b>How</b><script>x</script>","fields":[
	{"name":"Main","type":"group"},
	{"name":"Name","type":"text","required":true},
	{"name":"Amount","type":"number","config":{"unit":"€","min":0,"max":1000000}},
	{"name":"Due","type":"date"},
	{"name":"Seen","type":"date","config":{"time":true}},
	{"name":"State","type":"dropdown","id":"state","config":{"items":[{"id":"1","name":"New","color":"C9FDE5"},{"id":"2","name":"Paid"}],"defaultValue":true,"defaultEmptyValue":["1"]}},
	{"name":"Choice","type":"radiobutton","config":{"items":[{"name":"Yes"},{"name":"No"}]}},
	{"name":"Marks","type":"checkboxes","config":{"items":[{"name":"A"},{"name":"B"},{"name":"C"}]}},
	{"name":"On","type":"switch"},
	{"name":"Done","type":"progress"},
	{"name":"Stars","type":"stars"},
	{"name":"Phone","type":"contact","config":{"type":"phone"}},
	{"name":"Where","type":"address"},
	{"name":"Who","type":"user","config":{"multiselect":true}},
	{"name":"Vendor","type":"object","config":{"catalogs":[{"id":"25"}],"multiselect":true}},
	{"name":"Papers","type":"file","config":{"multiselect":true}},
	{"name":"Press","type":"button"}]}`

const fullRecord = `{"values":{"2":"First order","3":1250.5,"4":"2026-03-04T05:06:07+04:00","5":"2026-03-04T05:06:07+04:00",` +
	`"state":["2"],"7":"1","8":["3","1"],"9":true,"10":40,"11":5,"12":[{"contact":"+1 555 0100","comment":"office"}],` +
	`"13":{"value":"Main street 1"},"14":["CURRENT_USER"],"15":[{"catalogId":"25","recordId":"1"}],` +
	`"16":[{"title":"plan.pdf","src":"https://files.example/plan.pdf","size":20480,"mimeType":"application/pdf"}]}}`

var stories = map[string][]step{
	"personal": {
		{"profile", "GET", "/profile/me", ""},
		{"profile with a slash and a body", "GET", "/profile/me/", "{}"},
		{"profile is read only", "PATCH", "/profile/me", "{}"},
		{"company", "GET", "/company", ""},
		{"companies", "GET", "/companies", ""},
		{"license", "GET", "/license", ""},
		{"users", "GET", "/users", ""},
		{"users by name", "GET", "/users?searchText=NN", ""},
		{"users by another name", "GET", "/users?title=zz", ""},
		{"users by id", "GET", "/users?id=1&id=7", ""},
		{"users: none", "GET", "/users?limit=0", ""},
	},
	"sections": {
		{"list", "GET", "/sections/", "{}"},
		{"create", "POST", "/sections", `{"name":"Purchasing","icon":"content-3"}`},
		{"create with an id", "POST", "/sections", `{"name":"Sales","id":"sales","priority":2}`},
		{"one", "GET", "/sections/4", ""},
		{"one by its id", "GET", "/sections/sales", ""},
		{"system section", "GET", "/sections/$settings", ""},
		{"system section, escaped", "GET", "/sections/%24settings", ""},
		{"the old number of a system section", "GET", "/sections/1", ""},
		{"catalog a", "POST", "/catalogs", `{"name":"A","sectionId":4}`},
		{"catalog b", "POST", "/catalogs", `{"name":"B","sectionId":"4"}`},
		{"change", "PATCH", "/sections/4", `{"name":"Buying","icon":null,"priority":7,"catalogsPriorities":["26"],"id":"buying"}`},
		{"the order of its catalogs", "GET", "/catalogs?sectionId=buying", ""},
		{"the old id is gone", "GET", "/sections/4", ""},
		{"delete", "DELETE", "/sections/buying", "{}"},
		{"deleted", "GET", "/sections/buying", ""},
		{"its catalogs are gone", "GET", "/catalogs/25", ""},
		{"deleted twice", "DELETE", "/sections/buying", ""},
		{"a system section stays", "DELETE", "/sections/$system", ""},
		{"list after", "GET", "/sections", ""},
	},
	"catalogs": {
		{"none yet", "GET", "/catalogs?sectionId=3", ""},
		{"of an unknown section", "GET", "/catalogs?sectionId=99", ""},
		{"create", "POST", "/catalogs/", `{"name":"Vendors","sectionId":"3","icon":"users-10","fields":[{"name":"Name","type":"text"}]}`},
		{"create with every type", "POST", "/catalogs", everyField},
		{"one", "GET", "/catalogs/26", ""},
		{"two fields of it", "GET", `/catalogs/26?fields=["2","state"]`, ""},
		{"a system catalog", "GET", "/catalogs/3", ""},
		{"a system catalog without copies", "GET", "/catalogs/%24users?skipPrevId=true", ""},
		{"change", "PATCH", "/catalogs/25", `{"name":"Suppliers","history":false,"fields":[{"id":"1","name":"Title"},{"type":"number","name":"Rating","id":"rating"}]}`},
		{"rename a field's id", "PATCH", "/catalogs/25", `{"fields":[{"id":"title","prevId":"1"},{"id":"rating"}]}`},
		{"drop a field", "PATCH", "/catalogs/25", `{"fields":[{"id":"title"}]}`},
		{"list", "GET", "/catalogs?sectionId=3&fields=x", ""},
		{"a record", "POST", "/catalogs/25/records", `{"values":{"title":"Acme"}}`},
		{"clear without a name", "POST", "/catalogs/25/clear", `{}`},
		{"clear with another name", "POST", "/catalogs/25/clear", `{"name":"Vendors"}`},
		{"clear", "POST", "/catalogs/25/clear", `{"name":"Suppliers"}`},
		{"cleared", "GET", "/catalogs/25/records", ""},
		{"delete", "DELETE", "/catalogs/25", "{}"},
		{"deleted", "GET", "/catalogs/25", ""},
		{"a system catalog stays", "DELETE", "/catalogs/$users", ""},
	},
	"records": {
		{"vendors", "POST", "/catalogs", `{"name":"Vendors","sectionId":"3","icon":"users-10","fields":[{"name":"Name","type":"text"},{"name":"City","type":"text"}]}`},
		{"orders", "POST", "/catalogs", everyField},
		{"a vendor", "POST", "/catalogs/25/records", `{"values":{"1":"Acme Ltd","2":"Kyiv"},"id":"acme"}`},
		{"every type", "POST", "/catalogs/26/records/", fullRecord},
		{"without values", "POST", "/catalogs/25/records", `{"values":{}}`},
		{"an empty body", "POST", "/catalogs/25/records", ``},
		{"a required field is empty", "POST", "/catalogs/26/records", `{}`},
		{"one", "GET", "/catalogs/26/records/1", ""},
		{"one with linked fields", "GET", "/catalogs/26/records/1?fields=" + esc(`[{"fieldId":15,"fields":{"25":[2]}}]`), ""},
		{"one by its id", "GET", "/catalogs/25/records/acme", ""},
		{"none", "GET", "/catalogs/25/records/99", ""},
		{"list", "GET", "/catalogs/25/records", "{}"},
		{"list: two fields, sorted", "GET", "/catalogs/25/records?fields=[1]&sortField=1&sortType=-1", ""},
		{"list: a page with its total", "GET", "/catalogs/25/records?limit=1&offset=1&withTotal=true&fields=[]", ""},
		{"list: ids", "GET", "/catalogs/25/records?id[]=1&id[]=77&fields=[]", ""},
		{"list: search", "GET", "/catalogs/25/records?searchText=ACM&fields=[]", ""},
		{"list: filter", "GET", "/catalogs/25/records?fields=[]&filters[0][fieldId]=2&filters[0][value]=kyiv", ""},
		{"list: filter as an object", "GET", "/catalogs/26/records?fields=[2]&filters=" + esc(`{"3":{"at":1000},"state":["2"],"15":[{"catalogId":"25","recordId":"acme"}]}`), ""},
		{"list: no view", "GET", "/catalogs/25/records?viewId=0&fields=[]", ""},
		{"list: new messages", "GET", "/catalogs/25/records?newMessages=true", ""},
		{"list: nothing", "GET", "/catalogs/25/records?limit=0", ""},
		{"list: no such view", "GET", "/catalogs/25/records?viewId=5", ""},
		{"a plain client's catalog", "POST", "/catalogs", `{"name":"Plain","sectionId":3,"fields":[{"type":"text","name":"T"},{"type":"radiobutton","name":"C","config":{"items":[{"name":"One"}]}},{"type":"number","name":"N"},{"type":"date","name":"D","config":{"time":true}}]}`},
		{"a plain client's values", "POST", "/catalogs/27/records", `{"values":{"1":"","2":["1"],"3":17,"4":"2026-03-04T05:06:07+04:00"}}`},
		{"change", "PATCH", "/catalogs/26/records/1", `{"values":{"3":"17","state":null,"15":[]}}`},
		{"change nothing", "PATCH", "/catalogs/26/records/1/", `{"values":{}}`},
		{"change without values", "PATCH", "/catalogs/26/records/1", ``},
		{"change the id", "PATCH", "/catalogs/26/records/1", `{"id":"first"}`},
		{"system catalog: both keys", "GET", "/catalogs/3/records/1", ""},
		{"system catalog: one key", "GET", "/catalogs/$users/records?skipPrevId=true", ""},
		{"delete", "DELETE", "/catalogs/25/records/acme", "{}"},
		{"delete twice", "DELETE", "/catalogs/25/records/acme", ""},
		{"delete all?", "DELETE", "/catalogs/25/records/", ""},
		{"put", "PUT", "/catalogs/25/records/2", "{}"},
		{"link to the removed one", "PATCH", "/catalogs/26/records/first", `{"values":{"15":["1"]}}`},
	},
	"histories": {
		{"catalog", "POST", "/catalogs", everyField[:strings.Index(everyField, `{"name":"Vendor"`)] + `{"name":"Press","type":"button"}]}`},
		{"create", "POST", "/catalogs/25/records", `{"values":{"2":"First","4":"2026-03-04","5":1772665567000,"7":"2","14":[1]}}`},
		{"change", "PATCH", "/catalogs/25/records/1", `{"values":{"2":"Second","state":"2","7":null}}`},
		{"comment", "POST", "/histories", `{"catalogId":25,"recordId":"1","type":"COMMENT","payload":{"message":"looks good"}}`},
		{"of the record", "GET", "/histories?catalogId=25&recordId=1", ""},
		{"the oldest", "GET", "/histories/?catalogId=25&sortType=asc&limit=1", "{}"},
		{"the next", "GET", "/histories?catalogId=25&sortType=asc&limit=1&from=1", ""},
		{"comments", "GET", "/histories?catalogId=25&actionType=COMMENT", ""},
		{"of a field", "GET", `/histories?catalogId=25&fields=["state"]`, ""},
		{"of somebody else", "GET", "/histories?catalogId=25&userId=9", ""},
		{"of records", "GET", "/histories?catalogId=25&searchText=nothing", ""},
		{"another kind", "POST", "/histories", `{"catalogId":25,"recordId":"1","type":"UPDATE","payload":{"message":"x"}}`},
		{"no such record", "POST", "/histories", `{"catalogId":25,"recordId":"9","type":"COMMENT","payload":{"message":"x"}}`},
		{"no catalog", "GET", "/histories", ""},
		{"no such catalog", "GET", "/histories?catalogId=99", ""},
		{"delete", "DELETE", "/catalogs/25/records/1", ""},
		{"the removal", "GET", "/histories?catalogId=25&limit=1", ""},
	},
	"tokens": {
		{"none", "GET", "/tokens", ""},
		{"a plain one", "POST", "/tokens", `{"name":"CRM"}`},
		{"it", "GET", "/tokens/{token}", ""},
		{"vendors", "POST", "/catalogs", `{"name":"Vendors","sectionId":"3"}`},
		{"a narrow one", "POST", "/tokens/?timezoneOffset=180", `{"name":" Shop ","catalogs":[25,"3","25"],"verbs":["delete","read"],"ipRanges":["10.1.2.3/8","2001:db8::1","::ffff:192.0.2.0/120"],"expiresAt":"2031-01-31"}`},
		{"another zone", "POST", "/tokens", `{"name":"A","catalogs":null,"verbs":null,"ipRanges":null,"expiresAt":"2031-01-31T12:30:00+03:00"}`},
		{"a catalog gets another id", "PATCH", "/catalogs/25", `{"id":"vendors"}`},
		{"the first are the oldest", "GET", "/tokens", ""},
		{"delete", "DELETE", "/tokens/{token}", ""},
		{"deleted", "GET", "/tokens/{token}", ""},
		{"deleted twice", "DELETE", "/tokens/{token}", ""},
		{"no change", "PATCH", "/tokens/{token}", `{"name":"B"}`},
		{"delete all?", "DELETE", "/tokens", ""},
	},
	"errors": {
		{"no such resource", "GET", "/nothing", ""},
		{"no such resource below one", "GET", "/profile/you", ""},
		{"no such catalog", "GET", "/catalogs/99/records", ""},
		{"the catalog comes before the parameters", "GET", "/catalogs/99/records?limit=x", ""},
		{"the catalog comes before the body", "POST", "/catalogs/99/records", "{"},
		{"double slash", "GET", "/catalogs//records", ""},
		{"not built", "GET", "/messages/stream", ""},
		{"not built, another method", "DELETE", "/messages/stream", ""},
		{"not built, below a catalog", "GET", "/catalogs/3/export/", "{}"},
		{"methods", "OPTIONS", "/catalogs/3/records/1", ""},
	},
}

func esc(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c == '-' || c == '.' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// random is what no two runs have alike.
var random = regexp.MustCompile(`"(requestId|token|prefix|id)": "([0-9a-f]{12}|(kt_)?[a-z2-7]{16}|kt_[a-z2-7]{48})"`)

func TestGolden(t *testing.T) {
	maps.Copy(stories, rightsStories)
	stories["messages"] = messageStory
	stories["boards"], stories["widgets"], stories["widget_rights"] = boardStory, widgetStory, widgetRightsStory
	for name, steps := range stories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil)
			var got bytes.Buffer
			token := "" // id of the newest one
			for _, st := range steps {
				asked := st
				asked.path = strings.ReplaceAll(st.path, "{token}", token)
				a := s.perform(t, asked)
				if strings.Contains(a.body, `"token":"kt_`) {
					token = idOf(t, a.body)
				}
				fmt.Fprintf(&got, "# %s\n%s %s\n%d", st.name, st.method, st.path, a.status)
				for _, h := range []string{"Allow", "X-Total-Count"} {
					if v := a.header.Get(h); v != "" {
						fmt.Fprintf(&got, " %s: %s", h, v)
					}
				}
				fmt.Fprintf(&got, "\n%s\n\n", pretty(t, a.body))
			}
			compare(t, filepath.Join("testdata", "golden", name+".txt"), random.ReplaceAll(got.Bytes(), []byte(`"$1": "…"`)))
		})
	}
}

// perform makes a step's request: as the employee that its name begins with
// ("bob: …"), else as the administrator.
func (s *site) perform(t *testing.T, st step) answer {
	who, _, other := strings.Cut(st.name, ": ")
	if !other || who != "bob" && who != "cy" {
		return s.do(t, st.method, st.path, st.body)
	}
	r := s.request(t, st.method, "/api/v1"+st.path, st.body)
	r.SetBasicAuth(who+"@example.com", password)
	if st.name == "bob: in Ukrainian" {
		r.Header.Set("Accept-Language", "uk")
	}
	return s.send(t, r)
}

// pretty indents an answer. Key order and number texts stay as they were sent.
func pretty(t *testing.T, body string) string {
	t.Helper()
	if body == "" {
		return "(empty)"
	}
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(body), "", "  "); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	return b.String()
}

func compare(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		check(t, os.MkdirAll(filepath.Dir(file), 0o755))
		check(t, os.WriteFile(file, got, 0o644))
		return
	}
	want, err := os.ReadFile(file)
	check(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("the answers differ from %s (go test -update writes it anew):\n%s", file, difference(want, got))
	}
}

// difference shows the first line that differs, with what stands before it.
func difference(want, got []byte) string {
	a, b := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d\n%.500s\n- %s\n+ %s", i+1, strings.Join(b[max(0, i-12):i], "\n"), from(a[i], b[i]), from(b[i], a[i]))
		}
	}
	return fmt.Sprintf("%d lines, %d wanted", len(b), len(a))
}

// from shows a line from shortly before it differs from another.
func from(line, other string) string {
	i := 0
	for i < min(len(line), len(other)) && line[i] == other[i] {
		i++
	}
	start := max(0, i-60)
	return line[start:min(len(line), start+300)]
}
