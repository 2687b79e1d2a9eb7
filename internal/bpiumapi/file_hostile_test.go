package bpiumapi_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"mime/multipart"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/blob"
)

// pngHeader is the beginning of a picture of that size, without the picture.
func pngHeader(w, h uint32) string {
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("IHDR"), w), h)
	header = append(header, 8, 6, 0, 0, 0)
	data := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), header...)
	return string(binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(header)))
}

// TestHostileContents: what pictures say of themselves is not believed, and a
// file that is two things at once is served as the harmless one.
func TestHostileContents(t *testing.T) {
	s := newSite(t, nil)
	script := "<script>alert(1)</script>"
	for name, c := range map[string]struct {
		mime, content string
		previews      bool
	}{
		"bomb.png":            {"image/png", pngHeader(1<<16, 1<<16), false},
		"largest.png":         {"image/png", pngHeader(1<<31-1, 1<<31-1), false},
		"negative.png":        {"image/png", pngHeader(1<<32-1, 1<<32-1), false},
		"empty.png":           {"image/png", "", false},
		"cut.png":             {"image/png", pictureOf(t, 9, 9)[:40], false},
		"a page as a png.png": {"image/png", "<html>" + script, false},
		"polyglot.png":        {"image/png", pictureOf(t, 9, 9) + "<html>" + script, true},
		"archive too.png":     {"image/png", pictureOf(t, 9, 9) + "PK\x03\x04", true},
		"gif and script.gif":  {"image/gif", "GIF89a/*\x00\x00\x00\x00\x00*/=1;" + script, false},
		"bomb.gif":            {"image/gif", "GIF89a\xff\xff\xff\xff\x00\x00\x00", false},
		"bomb.bmp":            {"image/bmp", "BM\x00\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00\xff\xff\xff\x7f\xff\xff\xff\x7f\x01\x00\x18\x00" + strings.Repeat("\x00", 24), false},
	} {
		f := s.uploadFile(t, name, c.mime, c.content)
		if (f.Metadata != nil) != c.previews {
			t.Errorf("%s has the previews %+v", name, f.Metadata)
		}
		a := s.open(t, f.URL)
		if a.status != 200 || a.body != c.content || a.header.Get("Content-Type") != c.mime || a.header.Get("X-Content-Type-Options") != "nosniff" ||
			a.header.Get("Content-Security-Policy") != "default-src 'none'; sandbox" {
			t.Errorf("%s: %d %v", name, a.status, a.header)
		}
	}
}

func TestHostileNames(t *testing.T) {
	s := newSite(t, nil)
	furnish(t, s)
	for name, want := range map[string]string{
		`..`: "file", `../../etc/passwd`: "../../etc/passwd", "invoice\u202Efdp.exe": "invoicefdp.exe", "\u2066a\u2069.txt": "a.txt",
		"a\r\nSet-Cookie: x=1.txt": "aSet-Cookie: x=1.txt", `a"; filename="b.html`: `a"; filename="b.html`,
	} {
		body := strings.NewReplacer("\r", `\r`, "\n", `\n`, `"`, `\"`).Replace(name)
		made := s.registerFile(t, `{"name":"`+body+`"}`)
		if !blob.ValidKey(made.Key) || strings.Count(made.Key, "/") != 2 {
			t.Errorf("%q gets the key %q", name, made.Key)
		}
		if a := s.put(t, made, "x"); a.status != 204 {
			t.Fatalf("%q: %d %s", name, a.status, a.body)
		}
		s.must(t, "PATCH", fmt.Sprint("/files/", made.FileID), `{"name":"`+body+`"}`)
		_, f := s.withFile(t, made.FileID)
		if name != ".." && f.Title != want {
			t.Errorf("%q is called %q, not %q", name, f.Title, want)
		}
		a := s.open(t, f.URL)
		if a.status != 200 || a.header.Get("Set-Cookie") != "" || strings.ContainsAny(a.header.Get("Content-Disposition"), "\r\n\u202e") {
			t.Errorf("%q: %d %v", name, a.status, a.header)
		}
	}
}

func TestNULInName(t *testing.T) {
	s := newSite(t, nil)
	if a := s.do(t, "POST", "/files", `{"name":"a\u0000b.txt"}`); a.status != 400 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestFilesOfAnotherCompany: neither a policy that somebody with the secret
// signed nor a link leads into another company's contents.
func TestFilesOfAnotherCompany(t *testing.T) {
	s := newSite(t, nil)
	furnish(t, s)
	signer := &blob.Signer{KeyID: "K1", Secret: []byte("secret"), LinkSecret: []byte("links"), Bucket: "storage"}
	foreign := blob.NewKey(2, "a.txt")
	policy, signature := signer.Sign(blob.Policy{Key: foreign, Max: 100, Expires: s.clock.Now().Add(time.Hour)})
	f := registered{Key: foreign, AccessKey: "K1", Policy: policy, Signature: signature}
	if a := s.put(t, f, "x"); a.status != 403 && a.status != 404 {
		t.Errorf("an upload: %d %s", a.status, a.body)
	}
	unknown := blob.NewKey(1, "a.txt")
	f.Key = unknown
	f.Policy, f.Signature = signer.Sign(blob.Policy{Key: unknown, Max: 100, Expires: s.clock.Now().Add(time.Hour)})
	if a := s.put(t, f, "x"); a.status != 403 && a.status != 404 {
		t.Errorf("an upload that nobody registered: %d %s", a.status, a.body)
	}
	mine := s.uploadFile(t, "a.txt", "text/plain", "mine")
	link := signer.Path(foreign) + "?" + signer.Query(blob.Link{File: mine.ID, Key: foreign, Expires: s.clock.Now().Add(time.Hour)})
	for _, path := range []string{link, signer.Path(foreign)} {
		if a := s.send(t, s.request(t, "GET", path, "")); a.status == 200 {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	made := s.must(t, "POST", records, `{"values":{"2":"x","16":[{"src":"http://cards.example`+signer.Path(foreign)+`"}]}}`)
	if strings.Contains(made, `"typeStorage":"s3"`) {
		t.Errorf("a link to another company's content is a file of ours: %s", made)
	}
}

// TestManyParts: forms of thousands of tiny parts end early, before the file too.
func TestManyParts(t *testing.T) {
	s := newSite(t, nil)
	f := s.registerFile(t, `{"name":"a.txt"}`)
	for name, add := range map[string]func(*multipart.Writer, int) error{
		"fields":   func(w *multipart.Writer, i int) error { return w.WriteField(fmt.Sprint("f", i), "") },
		"the same": func(w *multipart.Writer, _ int) error { return w.WriteField("key", f.Key) },
		"nameless": func(w *multipart.Writer, _ int) error { return w.WriteField("", "") },
		"files":    func(w *multipart.Writer, _ int) error { _, err := w.CreateFormFile("other", "x"); return err },
	} {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		for i := range 20_000 {
			check(t, add(w, i))
		}
		check(t, w.Close())
		r := s.request(t, "POST", "/storage", body.String())
		r.Header.Set("Content-Type", w.FormDataContentType())
		if a := s.send(t, r); a.status != 400 && a.status != 403 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := s.put(t, f, "x"); a.status != 204 {
		t.Errorf("afterwards: %d %s", a.status, a.body)
	}
}
