package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

// upload registers, uploads and confirms a file as the boss, and gives its number.
func (o *office) upload(name, mime string, content []byte) string {
	o.Helper()
	id, _ := uploadBy(o.T, o.handler, "Authorization", basic(), name, mime, content)
	return id
}

// uploadBy registers, uploads and confirms a file as whom a header names, and
// gives its number and its content's key.
func uploadBy(t *testing.T, handler http.Handler, header, value, name, mime string, content []byte) (id, key string) {
	t.Helper()
	call := func(method, path string, body any) *httptest.ResponseRecorder {
		w := ask(handler, method, "/api/v1"+path, asJSON(body), header, value)
		if w.Code != 200 {
			t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
		return w
	}
	var made struct {
		FileID                                     json.Number
		FileKey, AWSAccessKeyID, Police, Signature string
	}
	w := call("POST", "/files", map[string]string{"name": name, "mimeType": mime, "typeStorage": "remoteStorage"})
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, p := range [][2]string{
		{"key", made.FileKey}, {"acl", "private"}, {"AWSAccessKeyId", made.AWSAccessKeyID}, {"Policy", made.Police},
		{"Signature", made.Signature}, {"Content-Type", mime},
	} {
		if err := form.WriteField(p[0], p[1]); err != nil {
			t.Fatal(err)
		}
	}
	part, err := form.CreateFormFile("file", "blob")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(content) // into memory
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	if w := ask(handler, "POST", "/storage", body.String(), "Content-Type", form.FormDataContentType()); w.Code != 204 {
		t.Fatalf("upload: %d %s", w.Code, w.Body)
	}
	id = made.FileID.String()
	call("PATCH", "/files/"+id, map[string]string{"name": name, "mimeType": mime, "url": made.FileKey})
	return id, made.FileKey
}

func pngImage(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 3, 2))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCompanyIsARecord(t *testing.T) {
	eachOffice(t, func(o *office) {
		got := o.values("/catalogs/$companies/records/1")
		if got["$name"] != "Kartoteka" || got["$creator"] != "1" || fmt.Sprint(got["$status"]) != "[$ready]" || got["$database"] == "" {
			o.Errorf("the company is %v", got)
		}
		for key, title := range map[string]string{"$group": "1", "$version": "1.2.3"} {
			if links, _ := json.Marshal(got[key]); !strings.Contains(string(links), `"recordTitle":"`+title+`"`) {
				o.Errorf("%s is %s", key, links)
			}
		}
		o.must(400, "POST", "/catalogs/$companies/records", `{"values":{"$name":"Another"}}`)
		o.must(400, "DELETE", "/catalogs/$companies/records/1", "")
		o.must(400, "PATCH", "/catalogs/$companies/records/1", `{"values":{"$subdomain":"www"}}`)
		logo := o.upload("logo.png", "image/png", pngImage(o.T))
		svg := o.upload("icon.svg", "image/svg+xml", []byte(`<svg onload="alert(1)"/>`))
		o.must(200, "PATCH", "/catalogs/$companies/records/1",
			fmt.Sprintf(`{"values":{"$name":"Acme Ltd","$logo":[{"id":%s}],"$favicon":[{"id":%s}],"$database":"elsewhere"}}`, logo, svg))
		if now := o.values("/catalogs/$companies/records/1")["$database"]; now != got["$database"] {
			o.Errorf("the database became %v", now)
		}
		company := o.must(200, "GET", "/company", "")
		if company["title"] != "Acme Ltd" || company["logo"] != "http://example.com/logo/emblem" || company["favicon"] != nil || company["background"] != nil {
			o.Errorf("the company shows %v", company)
		}
		w := ask(o.handler, "GET", "/logo/emblem", "")
		if w.Code != 200 || w.Header().Get("Content-Type") != "image/png" || !bytes.Equal(w.Body.Bytes(), pngImage(o.T)) ||
			w.Header().Get("X-Content-Type-Options") != "nosniff" {
			o.Errorf("the logo: %d %v", w.Code, w.Header())
		}
		for _, path := range []string{"/logo/favicon", "/logo/background", "/logo/other", "/logo"} {
			if w := ask(o.handler, "GET", path, ""); w.Code != 404 {
				o.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
		if page := ask(o.handler, "GET", "/auth/login", "").Body.String(); !strings.Contains(page, "Acme Ltd") {
			o.Error(page)
		}
		if err := o.app.Catalog.CountRecords(o.Context()); err != nil {
			o.Fatal(err)
		}
		o.must(200, "POST", "/catalogs", `{"name":"Notes","sectionId":"3","fields":[{"name":"Text","type":"text"}]}`)
		o.must(200, "POST", "/catalogs/25/records", `{"values":{"1":"x"}}`)
		if err := o.app.Catalog.CountRecords(o.Context()); err != nil {
			o.Fatal(err)
		}
		o.follow()
		if n := o.values("/catalogs/$companies/records/1")["$recordsCount"]; n != 1.0 {
			o.Errorf("the company has %v records", n)
		}
	})
}

// The start makes what it makes once, whatever became of it since.
func TestStartedAgain(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		dir := t.TempDir()
		app := open(t, target, "DATA_DIR="+dir)
		o := &office{t, app, app.Handler()}
		o.must(200, "PATCH", "/catalogs/$companies/records/1", `{"values":{"$name":"Acme Ltd"}}`)
		o.must(200, "DELETE", "/catalogs/$companiesGroups/records/1", "")
		if err := app.Close(); err != nil {
			t.Fatal(err)
		}
		app = open(t, target, "DATA_DIR="+dir)
		o = &office{t, app, app.Handler()}
		if got := o.values("/catalogs/$companies/records/1")["$name"]; got != "Acme Ltd" {
			t.Errorf("the name is %v", got)
		}
		for key, want := range map[string]int{"$apiTags": 1, "$companiesGroups": 0, "$accounts": 1, "$companies": 1} {
			if n := o.count(key); n != want {
				t.Errorf("%s has %d records", key, n)
			}
		}
		o.must(400, "POST", "/catalogs/$apiTags/records", `{"values":{"$version":"1.2.3"}}`)
	})
}

func (o *office) count(key string) int {
	o.Helper()
	var list []any
	w := o.as("", "GET", "/catalogs/"+key+"/records", "")
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || w.Code != 200 {
		o.Fatalf("%d %s", w.Code, w.Body)
	}
	return len(list)
}

func TestExtensions(t *testing.T) {
	for modules, want := range map[string]string{"*": "maps,plans", "bpm,plans": "plans", "webhooks": "", "extensions": "maps,plans"} {
		app := open(t, testdb.SQLite(t), "LICENSE_MODULES="+modules)
		o := &office{t, app, app.Handler()}
		o.must(200, "POST", "/catalogs/$extensions/records", `{"values":{"$title":"Maps","$code":"maps","$icon":"map-1","$js":"https://a.example/1.js\n\n https://a.example/2.js","$css":""}}`)
		o.must(200, "POST", "/catalogs/$extensions/records", `{"values":{"$title":"Plans","$code":"plans"}}`)
		o.must(200, "POST", "/catalogs/$extensions/records", `{"values":{"$title":"Not ready"}}`)
		for _, body := range []string{`{"values":{"$title":"x","$code":"MAPS"}}`, `{"values":{"$title":"x","$code":"a b"}}`} {
			if w := o.as("", "POST", "/catalogs/$extensions/records", body); w.Code != 400 || !strings.Contains(w.Body.String(), `"fieldId":"$code"`) {
				t.Errorf("%s: %d %s", body, w.Code, w.Body)
			}
		}
		var got struct {
			Title      string
			Extensions []struct {
				Code, Title, Icon string
				JS, CSS           []string
			}
		}
		read := func(headers ...string) {
			t.Helper()
			w := ask(o.handler, "GET", "/auth/company", "", headers...)
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || got.Extensions == nil {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
		}
		if read(); len(got.Extensions) != 0 || got.Title != "Kartoteka" {
			t.Errorf("to anybody: %+v", got)
		}
		read("Authorization", basic())
		var codes []string
		for _, e := range got.Extensions {
			codes = append(codes, e.Code)
		}
		if strings.Join(codes, ",") != want {
			t.Errorf("with %s: %v", modules, codes)
		}
		if want == "maps,plans" {
			if e := got.Extensions[0]; e.Title != "Maps" || e.Icon != "map-1" || !slices.Equal(e.JS, []string{"https://a.example/1.js", "https://a.example/2.js"}) || e.CSS == nil {
				t.Errorf("%+v", e)
			}
		}
	}
}

func TestSystemTexts(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.must(200, "POST", "/catalogs/$webRequests/records", `{"values":{"$status":["$off"],"$name":"a","$url":"records/obj"}}`)
		second := o.must(200, "POST", "/catalogs/10/records", `{"values":{"1":["$off"],"2":"b","4":"orders"}}`)["id"].(string)
		for name, c := range map[string]struct{ method, path, body, code string }{
			"the same address":     {"POST", "$webRequests/records", `{"values":{"$status":["$off"],"$name":"c","$url":"records/OBJ"}}`, "duplicate"},
			"changed to the same":  {"PATCH", "10/records/" + second, `{"values":{"4":"records/obj"}}`, "duplicate"},
			"no address":           {"POST", "$webRequests/records", `{"values":{"$status":["$off"],"$name":"c"}}`, "required"},
			"a bad address":        {"POST", "$webRequests/records", `{"values":{"$status":["$off"],"$name":"c","$url":"a//b"}}`, "type"},
			"a path upwards":       {"POST", "$webRequests/records", `{"values":{"$status":["$off"],"$name":"c","$url":"../b"}}`, "type"},
			"a webhook's address":  {"POST", "$webhooks/records", `{"values":{"$catalog":[{"catalogId":"$catalogs","recordId":"$users"}],"$events":["record.created"],"$url":"ftp://a.example"}}`, "type"},
			"a script":             {"POST", "$webhooks/records", `{"values":{"$catalog":[{"catalogId":"$catalogs","recordId":"$users"}],"$events":["record.created"],"$url":"javascript:alert(1)"}}`, "type"},
			"a scenario too large": {"POST", "$scripts/records", `{"values":{"$name":"s","$source":"` + strings.Repeat("x", 64<<10+1) + `"}}`, "too_long"},
		} {
			w := o.as("", c.method, "/catalogs/"+c.path, c.body)
			if w.Code != 400 || !strings.Contains(w.Body.String(), `"code":"`+c.code+`"`) {
				o.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
		o.must(200, "PATCH", "/catalogs/10/records/"+second, `{"values":{"4":"orders","2":"renamed"}}`)
		if n := o.count("$webRequests"); n != 2 {
			o.Errorf("%d web requests", n)
		}
	})
}

// Two that come at once do not both get an address.
func TestUniqueAtOnce(t *testing.T) {
	eachOffice(t, func(o *office) {
		const writers = 6
		codes := make(chan int, writers)
		for i := range writers {
			go func() {
				codes <- ask(o.handler, "POST", "/api/v1/catalogs/$webRequests/records", fmt.Sprintf(`{"values":{"$status":["$off"],"$name":"%d","$url":"one"}}`, i), "Authorization", basic()).Code
			}()
		}
		made := 0
		for range writers {
			if code := <-codes; code == 200 {
				made++
			} else if code != 400 {
				o.Errorf("a status of %d", code)
			}
		}
		if made != 1 || o.count("$webRequests") != 1 {
			o.Errorf("%d of %d were made", made, writers)
		}
	})
}

func TestRequestStatistics(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		app := open(t, target, "ACTIVITY_REQUEST_PERIOD=3600000")
		o := &office{t, app, app.Handler()}
		for range 3 {
			if w := ask(o.handler, "GET", "/api/v1/profile/me", "", "Authorization", basic()); w.Code != 200 {
				t.Fatal(w.Code)
			}
		}
		ask(o.handler, "GET", "/healthz", "")
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if err := app.runStatistics(ctx); err != nil { // the end of the program writes what there is
			t.Fatal(err)
		}
		if err := app.runStatistics(ctx); err != nil { // nothing since
			t.Fatal(err)
		}
		st, err := app.Catalog.Structure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rows, err := app.Catalog.Records(t.Context(), tester, st.CatalogByKey("$requests").Num, query.Query{Limit: 10}, nil)
		if err != nil || rows.Page.Len() != 1 {
			t.Fatalf("%d records, %v", rows.Page.Len(), err)
		}
		got := map[string]catalog.Value{}
		for j, f := range rows.Fields {
			got[f.Key] = catalog.CellValue(f, rows.Page, rows.Page.Cell(0, j))
		}
		total, _ := got["$totalTime"].(catalog.Number)
		average, _ := got["$averageTime"].(catalog.Number)
		if got["$count"] != catalog.Number(3) || total <= 0 || average <= 0 || got["$domain"] == nil || got["$start"] == nil {
			t.Errorf("%v", got)
		}
		if ms := float64(total) * 1000 / 3; float64(average) < ms*0.99 || float64(average) > ms*1.01 {
			t.Errorf("%v s in all, %v ms on average", total, average)
		}
		var history []any
		w := o.as("", "GET", "/histories?catalogId=$requests", "")
		if err := json.Unmarshal(w.Body.Bytes(), &history); err != nil || len(history) != 0 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
