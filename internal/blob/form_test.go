package blob

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/fault"
)

var (
	signer = &Signer{KeyID: "K1", Secret: []byte("secret"), LinkSecret: []byte("link secret"), Bucket: "storage"}
	now    = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
)

// formOf is a form with fields in order (pairs) and then a file.
func formOf(t testing.TB, file string, pairs ...string) (contentType string, body *bytes.Buffer) {
	t.Helper()
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	for i := 0; i+1 < len(pairs); i += 2 {
		check(t, w.WriteField(pairs[i], pairs[i+1]))
	}
	part, err := w.CreateFormFile("file", "file.json")
	check(t, err)
	_, err = io.WriteString(part, file)
	check(t, err)
	check(t, w.Close())
	return w.FormDataContentType(), body
}

func upload(key string, until time.Time) []string {
	document, signature := signer.Sign(Policy{Key: key, Max: 100, Expires: until})
	return []string{"key", key, "acl", "private", "AWSAccessKeyId", "K1", "Policy", document, "Signature", signature, "Content-Type", ""}
}

func TestForm(t *testing.T) {
	key := NewKey(1, "plan.pdf")
	contentType, body := formOf(t, "the content", upload(key, now.Add(time.Hour))...)
	form, err := ReadForm(contentType, body)
	check(t, err)
	p, err := signer.Verify(form.Fields, now)
	if err != nil || p.Key != key || p.Max != 100 {
		t.Errorf("%+v, %v", p, err)
	}
	data, err := io.ReadAll(form.File)
	if err != nil || string(data) != "the content" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestBadForms(t *testing.T) {
	many := make([]string, 0, 2000)
	for i := range 1000 {
		many = append(many, fmt.Sprint("f", i), "")
	}
	var headers bytes.Buffer
	w := multipart.NewWriter(&headers)
	long := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="key"`}}
	for i := range 5000 {
		long.Set(fmt.Sprint("X-", i), strings.Repeat("x", 100))
	}
	_, err := w.CreatePart(long)
	check(t, err)
	for name, form := range map[string]struct {
		contentType string
		body        io.Reader
	}{
		"no form":         {"application/json", strings.NewReader("{}")},
		"no boundary":     {"multipart/form-data", strings.NewReader("")},
		"nothing":         {"multipart/form-data; boundary=x", strings.NewReader("")},
		"no file":         {"multipart/form-data; boundary=x", strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nv\r\n--x--\r\n")},
		"cut":             {"multipart/form-data; boundary=x", strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nv")},
		"thousands":       formWith(formOf(t, "x", many...)),
		"a field twice":   formWith(formOf(t, "x", "key", "1", "KEY", "2")),
		"a long field":    formWith(formOf(t, "x", "key", strings.Repeat("x", 100<<10))),
		"endless headers": {w.FormDataContentType(), &headers},
		"endless text":    {"multipart/form-data; boundary=x", endless{}},
	} {
		if _, err := ReadForm(form.contentType, form.body); !fault.Is(err, fault.InvalidParameter) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func formWith(contentType string, body *bytes.Buffer) struct {
	contentType string
	body        io.Reader
} {
	return struct {
		contentType string
		body        io.Reader
	}{contentType, body}
}

// endless is a body that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestBadPolicies(t *testing.T) {
	key := NewKey(1, "plan.pdf")
	good := upload(key, now.Add(time.Hour))
	with := func(name, value string) []string {
		pairs := append([]string(nil), good...)
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				pairs[i+1] = value
			}
		}
		return pairs
	}
	// signed is a policy that somebody with the secret made otherwise.
	signed := func(document string) []string {
		document = base64.StdEncoding.EncodeToString([]byte(document))
		pairs := with("Policy", document)
		pairs[9] = signer.signature(document)
		return pairs
	}
	other := *signer
	other.Secret = []byte("another secret")
	document, forged := other.Sign(Policy{Key: key, Max: 1 << 40, Expires: now.Add(time.Hour)})
	for name, pairs := range map[string][]string{
		"nothing":              {},
		"expired":              upload(key, now),
		"another key":          with("key", NewKey(1, "plan.pdf")),
		"a traversal":          with("key", key+"/../../x"),
		"another access key":   with("AWSAccessKeyId", "K2"),
		"no signature":         with("Signature", ""),
		"public":               with("acl", "public-read"),
		"a forged policy":      append(with("Policy", document)[:8], "Signature", forged),
		"a changed policy":     with("Policy", document),
		"no JSON":              signed("hello"),
		"another bucket":       signed(`{"expiration":"2030-01-01T00:00:00.000Z","conditions":[{"bucket":"other"}]}`),
		"an unknown condition": signed(`{"expiration":"2030-01-01T00:00:00.000Z","conditions":[["ends-with","$key","x"]]}`),
		"no date":              signed(`{"expiration":"tomorrow","conditions":[]}`),
		"a least size":         signed(`{"expiration":"2030-01-01T00:00:00.000Z","conditions":[["content-length-range",5,10]]}`),
	} {
		contentType, body := formOf(t, "x", pairs...)
		form, err := ReadForm(contentType, body)
		if err == nil {
			_, err = signer.Verify(form.Fields, now)
		}
		if !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLimit(t *testing.T) {
	asked := 0
	data, err := io.ReadAll(Limit(strings.NewReader("12345"), 5, func() error { asked++; return nil }))
	if err != nil || string(data) != "12345" || asked == 0 {
		t.Errorf("%q, %v, asked %d times", data, err, asked)
	}
	if _, err := io.ReadAll(Limit(strings.NewReader("123456"), 5, func() error { return nil })); !fault.Is(err, fault.BodyTooLarge) {
		t.Error(err)
	}
	late := errors.New("confirmed meanwhile")
	if _, err := io.ReadAll(Limit(strings.NewReader("1"), 5, func() error { return late })); !errors.Is(err, late) {
		t.Error(err)
	}
}

func TestLinks(t *testing.T) {
	key := NewKey(1, "план #1?.pdf")
	l := Link{File: 531, Key: key, Expires: now.Add(time.Hour)}
	query, err := url.ParseQuery(signer.Query(l))
	check(t, err)
	if got, ok := signer.Linked(key, query, now); !ok || got.File != 531 || got.Key != key {
		t.Errorf("%+v, %v", got, ok)
	}
	with := func(name, value string) url.Values {
		q, err := url.ParseQuery(signer.Query(l))
		check(t, err)
		q.Set(name, value)
		return q
	}
	for name, q := range map[string]url.Values{
		"nothing": {}, "another file": with("file", "532"), "later": with("expires", "99999999999"), "no token": with("token", ""),
		"a short token": with("token", query.Get("token")[:10]), "no number": with("expires", "x"),
	} {
		if _, ok := signer.Linked(key, q, now); ok {
			t.Errorf("%s: taken", name)
		}
	}
	if _, ok := signer.Linked(key, query, l.Expires); ok {
		t.Error("an expired link was taken")
	}
	if _, ok := signer.Linked(Beside(key, PreviewName), query, now); ok {
		t.Error("a link for another content was taken")
	}
	address := "https://files.example" + signer.Path(key) + "?" + signer.Query(l)
	if got := signer.KeyOf(address); got != key {
		t.Errorf("%s has the key %q", address, got)
	}
	for _, address := range []string{"https://x.example/other/" + key, "https://x.example/storage/1/x/y", "://", "https://x.example/storage/"} {
		if got := signer.KeyOf(address); got != "" {
			t.Errorf("%s has the key %q", address, got)
		}
	}
}

func TestServed(t *testing.T) {
	for stored, want := range map[string]struct {
		kind   string
		inline bool
	}{
		"image/png": {"image/png", true}, "application/pdf": {"application/pdf", true}, "text/plain": {"text/plain; charset=utf-8", true},
		"text/plain; charset=utf-7": {"text/plain; charset=utf-8", true}, "IMAGE/PNG": {"image/png", true}, "video/mp4": {"video/mp4", false},
		"text/html": {unknownType, false}, "Text/HTML; charset=x": {unknownType, false}, "image/svg+xml": {unknownType, false},
		"application/xhtml+xml": {unknownType, false}, "text/javascript": {unknownType, false}, "application/x-javascript": {unknownType, false},
		"multipart/related": {unknownType, false}, "": {unknownType, false}, "png": {unknownType, false}, "a/b/c": {unknownType, false},
		"text/html\r\nX-Y: z": {unknownType, false}, "text/csv": {"text/csv", false},
	} {
		if kind, inline := Served(stored); kind != want.kind || inline != want.inline {
			t.Errorf("%q is served as %q, %v", stored, kind, inline)
		}
	}
	if got := TypeByName("Plan.PNG"); got != "image/png" {
		t.Error(got)
	}
}

// FuzzForm: whatever is sent, only a form with our signature gets to its file.
func FuzzForm(f *testing.F) {
	contentType, body := formOf(f, "x", upload("1/0b2e4c1e-0000-4000-8000-0123456789ab/a", now)...)
	f.Add(contentType, body.Bytes())
	f.Add("multipart/form-data; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=file\r\n\r\n\r\n--x--"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		form, err := ReadForm(contentType, bytes.NewReader(body))
		if err != nil {
			if fault.CodeOf(err) != fault.InvalidParameter {
				t.Error(err)
			}
			return
		}
		if _, err := signer.Verify(form.Fields, now); err == nil {
			t.Error("an expired or forged policy was taken")
		}
	})
}
