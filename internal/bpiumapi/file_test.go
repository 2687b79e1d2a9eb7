package bpiumapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// registered is what POST /files answers.
type registered struct {
	FileID    int64  `json:"fileId"`
	UploadURL string `json:"uploadUrl"`
	Redirect  string `json:"redirect"`
	ACL       string `json:"acl"`
	Key       string `json:"fileKey"`
	AccessKey string `json:"AWSAccessKeyId"`
	Policy    string `json:"police"`
	Signature string `json:"signature"`
}

// confirmed is a file as answers have it.
type confirmed struct {
	ID          int64
	Title       string
	MimeType    *string
	Size        int64
	TypeStorage string
	URL         string
	Metadata    *struct {
		Size               struct{ Width, Height int }
		Preview, Thumbnail string
	}
}

func (s *site) registerFile(t *testing.T, body string) (f registered) {
	t.Helper()
	check(t, json.Unmarshal([]byte(s.must(t, "POST", "/files/", body)), &f))
	return f
}

// put uploads as the npm client does.
func (s *site) put(t *testing.T, f registered, content string, change ...string) answer {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, field := range [][2]string{{"key", f.Key}, {"acl", "private"}, {"AWSAccessKeyId", f.AccessKey}, {"Policy", f.Policy}, {"Signature", f.Signature}, {"Content-Type", ""}} {
		for i := 0; i+1 < len(change); i += 2 {
			if change[i] == field[0] {
				field[1] = change[i+1]
			}
		}
		check(t, w.WriteField(field[0], field[1]))
	}
	part, err := w.CreateFormFile("file", "file.json")
	check(t, err)
	_, err = io.WriteString(part, content)
	check(t, err)
	check(t, w.Close())
	r := s.request(t, "POST", "/storage", body.String())
	r.Header.Set("Content-Type", w.FormDataContentType())
	return s.send(t, r)
}

// uploadFile takes a file through the first three steps.
func (s *site) uploadFile(t *testing.T, name, mime, content string) (f confirmed) {
	t.Helper()
	made := s.registerFile(t, fmt.Sprintf(`{"name":%q,"typeStorage":"remoteStorage"}`, name))
	if a := s.put(t, made, content); a.status != 204 || a.body != "" {
		t.Fatalf("upload: %d %s", a.status, a.body)
	}
	body := fmt.Sprintf(`{"name":%q,"mimeType":%q,"url":%q,"size":3}`, name, mime, made.Key)
	check(t, json.Unmarshal([]byte(s.must(t, "PATCH", fmt.Sprint("/files/", made.FileID), body)), &f))
	return f
}

// path is a link of an answer on the tests' server.
func (s *site) open(t *testing.T, link string, headers ...string) answer {
	t.Helper()
	u, err := url.Parse(link)
	check(t, err)
	r := s.request(t, "GET", u.EscapedPath()+"?"+u.RawQuery, "")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return s.send(t, r)
}

func pictureOf(t *testing.T, w, h int) string {
	t.Helper()
	var b bytes.Buffer
	check(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))))
	return b.String()
}

// withFile makes a record with a file and gives the file's value.
func (s *site) withFile(t *testing.T, id int64) (record string, f confirmed) {
	t.Helper()
	made := s.must(t, "POST", records, fmt.Sprintf(`{"values":{"2":"With a file","16":[{"id":%d}]}}`, id))
	var answered, read struct {
		Values map[string]json.RawMessage
	}
	check(t, json.Unmarshal([]byte(made), &answered))
	record = records + "/" + idOf(t, made)
	check(t, json.Unmarshal([]byte(s.must(t, "GET", record, "")), &read))
	if string(read.Values["16"]) != string(answered.Values["16"]) {
		t.Errorf("written %s, read %s", answered.Values["16"], read.Values["16"])
	}
	var files []confirmed
	check(t, json.Unmarshal(read.Values["16"], &files))
	if len(files) != 1 {
		t.Fatalf("%s", read.Values["16"])
	}
	return record, files[0]
}

func TestFileSteps(t *testing.T) {
	s := newSite(t, nil)
	furnish(t, s)
	made := s.registerFile(t, `{"name":"plan #1 ї.png","mimeType":"","typeStorage":"remoteStorage","size":5}`)
	if made.UploadURL != "http://cards.example/storage" || made.Redirect != "/api/v1/files/upload?type=s3" || made.ACL != "private" || made.AccessKey != "K1" ||
		!strings.HasPrefix(made.Key, "1/") || !strings.HasSuffix(made.Key, "/plan #1 ї.png") {
		t.Errorf("%+v", made)
	}
	path := fmt.Sprint("/files/", made.FileID)
	if a := s.do(t, "PATCH", path, `{"url":"`+made.Key+`"}`); a.status != 400 || a.failed(t).Code != "file_not_uploaded" {
		t.Errorf("confirmed too early: %d %s", a.status, a.body)
	}
	content := pictureOf(t, 1600, 900)
	if a := s.put(t, made, content); a.status != 204 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	var f confirmed
	for range 2 {
		check(t, json.Unmarshal([]byte(s.must(t, "PATCH", path, `{"fileId":1,"name":"plan #1 ї.png","mimeType":"","url":"`+made.Key+`"}`)), &f))
	}
	if f.ID != made.FileID || f.Title != "plan #1 ї.png" || *f.MimeType != "image/png" || f.Size != int64(len(content)) || f.TypeStorage != "s3" ||
		f.Metadata.Size.Width != 1600 || !strings.HasSuffix(f.Metadata.Preview, "/preview.png") || strings.Contains(f.Metadata.Preview, "?") {
		t.Errorf("%+v %+v", f, f.Metadata)
	}
	record, v := s.withFile(t, made.FileID)
	if v.ID != made.FileID || v.Title != f.Title || v.Size != f.Size || v.Metadata.Size != f.Metadata.Size {
		t.Errorf("%+v", v)
	}
	for _, link := range []string{f.URL, v.URL} {
		a := s.open(t, link)
		if a.status != 200 || a.body != content || a.header.Get("Content-Type") != "image/png" ||
			a.header.Get("Content-Disposition") != "inline; filename*=utf-8''plan%20#1%20%D1%97.png" {
			t.Errorf("%s: %d, %d bytes, %v", link, a.status, len(a.body), a.header)
		}
	}
	for _, link := range []string{v.Metadata.Preview, v.Metadata.Thumbnail} {
		if a := s.open(t, link); a.status != 200 || !strings.HasPrefix(a.body, "\x89PNG") || a.header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d", link, a.status)
		}
	}
	a := s.do(t, "GET", path, "")
	to := a.header.Get("Location")
	if a.status != 302 || !strings.HasPrefix(to, "http://cards.example/storage/1/") {
		t.Fatalf("%d %s %s", a.status, to, a.body)
	}
	if a := s.open(t, to); a.status != 200 || a.body != content || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%d %v", a.status, a.header)
	}
	if a := s.do(t, "GET", path+"?inline=1", ""); !strings.HasPrefix(s.open(t, a.header.Get("Location")).header.Get("Content-Disposition"), "inline") {
		t.Errorf("%v", a.header)
	}
	if got := s.must(t, "GET", "/files/upload?type=s3", ""); got != "{}" {
		t.Error(got)
	}
	if a := s.do(t, "DELETE", path, ""); a.status != 405 {
		t.Errorf("%d", a.status)
	}
	s.must(t, "DELETE", record, "")
	if a := s.open(t, v.URL); a.status != 404 {
		t.Errorf("the file of a removed record: %d", a.status)
	}
}

// TestContentsWithoutLink: a session with the right, and nobody else.
func TestContentsWithoutLink(t *testing.T) {
	s := newSite(t, nil)
	furnish(t, s)
	f := s.uploadFile(t, "a.txt", "text/plain", "0123456789")
	bare, _, _ := strings.Cut(f.URL, "?")
	if a := s.open(t, bare); a.status != 401 || !strings.Contains(a.body, "<Code>AccessDenied</Code>") || a.header.Get("WWW-Authenticate") != "" {
		t.Errorf("nobody: %d %s", a.status, a.body)
	}
	r := s.request(t, "GET", strings.TrimPrefix(bare, "http://cards.example"), "")
	r.SetBasicAuth(login, password)
	if a := s.send(t, r); a.status != 200 || a.body != "0123456789" {
		t.Errorf("the uploader: %d %s", a.status, a.body)
	}
	for name, link := range map[string]string{
		"a forged link": strings.Replace(f.URL, "token=", "token=x", 1), "another file": strings.Replace(f.URL, "file=", "file=9", 1),
		"a later end": strings.Replace(f.URL, "expires=", "expires=9", 1),
	} {
		if a := s.open(t, link); a.status != 403 || !strings.Contains(a.body, "<Error>") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	s.clock.advance(25 * time.Hour)
	if a := s.open(t, f.URL); a.status != 403 {
		t.Errorf("an old link: %d", a.status)
	}
}

func TestRanges(t *testing.T) {
	s := newSite(t, nil)
	f := s.uploadFile(t, "a.txt", "text/plain", strings.Repeat("0123456789", 1000))
	a := s.open(t, f.URL, "Range", "bytes=10-14", "Accept-Encoding", "gzip")
	if a.status != 206 || a.body != "01234" || a.header.Get("Content-Range") != "bytes 10-14/10000" {
		t.Errorf("%d %q %v", a.status, a.body, a.header)
	}
	etag := a.header.Get("ETag")
	if a := s.open(t, f.URL, "If-None-Match", etag); a.status != 304 || etag == "" {
		t.Errorf("%d %s", a.status, etag)
	}
	if a := s.open(t, f.URL, "Range", "bytes=99999-"); a.status != 416 {
		t.Errorf("%d", a.status)
	}
	if a := s.open(t, f.URL, "Accept-Encoding", "gzip"); a.status != 200 || len(a.body) != 10000 || a.header.Get("Content-Encoding") != "" {
		t.Errorf("%d, %d bytes, %v", a.status, len(a.body), a.header)
	}
}

// TestNothingActiveIsShown: what a browser could run is saved, never shown.
func TestNothingActiveIsShown(t *testing.T) {
	s := newSite(t, nil)
	script := "<script>alert(1)</script>"
	for _, c := range []struct{ name, mime, content, kind, disposition string }{
		{"a.html", "text/html", "<html>" + script, "application/octet-stream", "attachment"},
		{"a.html", "", "<html>" + script, "application/octet-stream", "attachment"},
		{"a.svg", "image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'>" + script + "</svg>", "application/octet-stream", "attachment"},
		{"a.js", "text/javascript", "alert(1)", "application/octet-stream", "attachment"},
		{"a.xhtml", "application/xhtml+xml", script, "application/octet-stream", "attachment"},
		{"polyglot.gif", "image/gif", "GIF89a/*" + script + "*/=1;", "image/gif", "inline"},
		{"really html.png", "image/png", "<html>" + script, "image/png", "inline"},
		{"a.txt", "text/plain", script, "text/plain; charset=utf-8", "inline"},
		{"a.docx", "", "PK", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "attachment"},
		{"nothing", "", script, "application/octet-stream", "attachment"},
	} {
		f := s.uploadFile(t, c.name, c.mime, c.content)
		a := s.open(t, f.URL+"&inline=1")
		if a.status != 200 || a.body != c.content || a.header.Get("Content-Type") != c.kind || !strings.HasPrefix(a.header.Get("Content-Disposition"), c.disposition) ||
			a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Content-Security-Policy") != "default-src 'none'; sandbox" || f.Metadata != nil {
			t.Errorf("%s: %d %q %v %+v", c.name, a.status, a.body, a.header, f.Metadata)
		}
	}
}

func TestHostileUploads(t *testing.T) {
	s := newSite(t, nil)
	f := s.registerFile(t, `{"name":"a.txt"}`)
	other := s.registerFile(t, `{"name":"../../x\u0007\u202e.txt"}`)
	if strings.Contains(other.Key, "..") && !strings.HasSuffix(other.Key, "/_.._x.txt") {
		t.Errorf("the key %q", other.Key)
	}
	for name, c := range map[string]struct {
		content string
		change  []string
		status  int
		code    string
	}{
		"a forged signature": {"x", []string{"Signature", "AAAA"}, 403, "AccessDenied"},
		"another file's key": {"x", []string{"key", other.Key}, 403, "AccessDenied"},
		"another company":    {"x", []string{"key", "2" + f.Key[1:]}, 403, "AccessDenied"},
		"a traversal":        {"x", []string{"key", f.Key + "/../../../etc/passwd"}, 403, "AccessDenied"},
		"NUL":                {"x", []string{"key", f.Key + "\x00"}, 403, "AccessDenied"},
		"a public file":      {"x", []string{"acl", "public-read"}, 403, "AccessDenied"},
		"another access key": {"x", []string{"AWSAccessKeyId", "K2"}, 403, "AccessDenied"},
		"a changed policy":   {"x", []string{"Policy", other.Policy}, 403, "AccessDenied"},
		"too large":          {strings.Repeat("x", 1<<20+1), nil, 400, "EntityTooLarge"},
		"a very long field":  {"x", []string{"Content-Type", strings.Repeat("x", 1<<20)}, 400, "InvalidArgument"},
	} {
		if a := s.put(t, f, c.content, c.change...); a.status != c.status || !strings.Contains(a.body, "<Code>"+c.code+"</Code>") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	for name, r := range map[string]*http.Request{
		"no form": s.request(t, "POST", "/storage", `{}`), "no file": s.request(t, "POST", "/storage/", ""),
	} {
		if a := s.send(t, r); a.status != 400 || !strings.Contains(a.body, "<Error>") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	s.clock.advance(time.Hour)
	if a := s.put(t, f, "x"); a.status != 403 {
		t.Errorf("an old policy: %d %s", a.status, a.body)
	}
	for _, path := range []string{"/storage/1/x/y", "/storage/1/..%2f..%2f/secrets", "/storage/arriving/x", "/storage/1/" + strings.Repeat("a", 36) + "/a?token=x"} {
		if a := s.send(t, s.request(t, "GET", path, "")); a.status != 404 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

func TestBadFileRequests(t *testing.T) {
	s := newSite(t, nil)
	furnish(t, s)
	f := s.registerFile(t, `{}`)
	own := fmt.Sprint("/files/", f.FileID)
	for _, c := range []struct {
		method, path, body string
		status             int
		code, names        string
	}{
		{"POST", "/files", `{"name":["a"],"size":"x"}`, 400, "validation_failed", "2 fields"},
		{"POST", "/files", `{"size":-1}`, 400, "validation_failed", "size"},
		{"POST", "/files", `{"size":1048577}`, 400, "body_too_large", "1048576"},
		{"POST", "/files", `{"typeStorage":"disk"}`, 400, "validation_failed", "typeStorage"},
		{"POST", "/files", `{"mimeType":"a\nb"}`, 400, "invalid_parameter", "mimeType"},
		{"POST", "/files", `{"name":"` + strings.Repeat("x", 1001) + `"}`, 400, "invalid_parameter", "name"},
		{"POST", "/files", `{"catalogId":"99","fieldId":"2"}`, 404, "not_found", ""},
		{"POST", "/files", `{"catalogId":"26","fieldId":"99"}`, 400, "unknown_field", "99"},
		{"POST", "/files", `{"catalogId":"26"}`, 400, "invalid_parameter", "fieldId"},
		{"POST", "/files", `{"fieldId":"16"}`, 400, "invalid_parameter", "catalogId"},
		{"POST", "/files", `{"catalogId":"26","fieldId":"2"}`, 400, "invalid_parameter", "2"},
		{"POST", "/files", `{"catalogId":26,"recordId":999,"fieldId":16}`, 404, "not_found", ""},
		{"POST", "/files", `[]`, 400, "invalid_json", ""},
		{"PATCH", own, `{"url":"1/x"}`, 400, "invalid_parameter", "url"},
		{"PATCH", own, `{"url":"` + f.Key + `"}`, 400, "file_not_uploaded", ""},
		{"PATCH", "/files/9999", `{}`, 404, "not_found", ""},
		{"PATCH", "/files/x", `{}`, 404, "not_found", ""},
		{"GET", "/files/9999", "", 404, "not_found", ""},
		{"GET", own + "?inline=maybe", "", 400, "invalid_parameter", "inline"},
		{"POST", records, fmt.Sprintf(`{"values":{"2":"x","16":[{"id":%d}]}}`, f.FileID), 400, "validation_failed", "Papers"},
		{"POST", records, `{"values":{"2":"x","16":[{"id":9999}]}}`, 400, "validation_failed", "9999"},
	} {
		a := s.do(t, c.method, c.path, c.body)
		if got := a.failed(t); a.status != c.status || got.Code != c.code || !strings.Contains(got.Message, c.names) {
			t.Errorf("%s %s %.60s: %d %s", c.method, c.path, c.body, a.status, a.body)
		}
	}
	s.must(t, "POST", "/files", `{"catalogId":26,"recordId":"1","fieldId":16}`)
}

// TestOldClients attach by the address that was answered, and before anybody has
// confirmed the file.
func TestOldClients(t *testing.T) {
	s := newSite(t, nil)
	furnish(t, s)
	made := s.registerFile(t, `{"name":"a.txt"}`)
	if a := s.put(t, made, "text"); a.status != 204 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	_, v := s.withFile(t, made.FileID)
	if v.ID != made.FileID || v.Size != 4 || v.TypeStorage != "s3" {
		t.Errorf("%+v", v)
	}
	f := s.uploadFile(t, "b.txt", "", "other")
	body := s.must(t, "POST", records, fmt.Sprintf(`{"values":{"2":"x","16":[{"src":%q}]}}`, f.URL))
	if !strings.Contains(body, fmt.Sprintf(`"16":[{"id":%d,"title":"b.txt"`, f.ID)) || !strings.Contains(body, `"typeStorage":"s3"`) {
		t.Error(body)
	}
}
