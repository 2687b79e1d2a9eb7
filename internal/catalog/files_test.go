package catalog_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"io"
	"mime/multipart"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/blob"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

var signer = &blob.Signer{KeyID: "K1", Secret: []byte("secret"), LinkSecret: []byte("links"), Bucket: "storage"}

// register registers a file of the boss.
func (w *world) register(name string) *catalog.Registered {
	w.Helper()
	made, err := w.s.RegisterFile(w.Context(), boss, catalog.FileInput{Name: name})
	if err != nil {
		w.Fatal(err)
	}
	return made
}

// receive uploads a content by what registering gave.
func (w *world) receive(made *catalog.Registered, content string) error {
	w.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, f := range [][2]string{{"key", made.Key}, {"acl", "private"}, {"AWSAccessKeyId", made.KeyID},
		{"Policy", made.Policy}, {"Signature", made.Signature}, {"Content-Type", ""}} {
		if err := form.WriteField(f[0], f[1]); err != nil {
			w.Fatal(err)
		}
	}
	part, err := form.CreateFormFile("file", "file.json")
	if err == nil {
		_, err = io.WriteString(part, content)
	}
	if err := errors.Join(err, form.Close()); err != nil {
		w.Fatal(err)
	}
	read, err := blob.ReadForm(form.FormDataContentType(), &body)
	if err != nil {
		w.Fatal(err)
	}
	return w.s.Receive(w.Context(), read)
}

// upload registers and uploads a file of the boss.
func (w *world) upload(name, content string) *catalog.Registered {
	w.Helper()
	made := w.register(name)
	if err := w.receive(made, content); err != nil {
		w.Fatal(err)
	}
	return made
}

// attached is a file of a new order.
func (w *world) attached(name, content string) catalog.File {
	w.Helper()
	return w.filesOf(w.order("name", catalog.Text("with a file"), "files", catalog.Files{{ID: w.upload(name, content).ID}}))[0]
}

func (w *world) filesOf(r query.Record) catalog.Files {
	w.Helper()
	rows := w.row(w.orders, r, nil)
	f := w.orders.FieldByKey("files")
	files, _ := catalog.CellValue(f, rows.Page, rows.Page.Cell(0, rows.Page.Column(f.Num))).(catalog.Files)
	return files
}

func (w *world) content(key string) string {
	w.Helper()
	c, err := w.s.Content(w.Context(), key)
	if err != nil {
		return string(fault.CodeOf(err))
	}
	defer func() { _ = c.Close() }()
	data, err := io.ReadAll(c)
	if err != nil {
		w.Fatal(err)
	}
	return string(data)
}

func wantCode(t *testing.T, what string, err error, code fault.Code) {
	t.Helper()
	if fault.CodeOf(err) != code {
		t.Errorf("%s: %v, want %q", what, err, code)
	}
}

func picture(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 20, 10))); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFiles(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		made := w.register("../plan\u202E v2.png")
		if !strings.HasPrefix(made.Key, "1/") || !strings.HasSuffix(made.Key, "/_plan v2.png") {
			t.Errorf("the key is %q", made.Key)
		}
		_, err := w.s.ConfirmFile(t.Context(), boss, made.ID, catalog.ConfirmInput{})
		wantCode(t, "a file that never came", err, fault.FileNotUploaded)
		w.fails(fault.ValidationFailed, catalog.Create{Catalog: w.orders.Num, Values: values(w.orders, "name", catalog.Text("x"), "files", catalog.Files{{ID: made.ID}})})
		if err := w.receive(made, "first try"); err != nil {
			t.Fatal(err)
		}
		if err := w.receive(made, picture(t)); err != nil {
			t.Fatal(err)
		}
		other := "1/" + strings.Repeat("0", 36)
		_, err = w.s.ConfirmFile(t.Context(), boss, made.ID, catalog.ConfirmInput{Key: &other})
		wantCode(t, "another key", err, fault.InvalidParameter)
		for range 2 {
			f, err := w.s.ConfirmFile(t.Context(), boss, made.ID, catalog.ConfirmInput{Key: &made.Key})
			if err != nil || f.Title != "../plan v2.png" || *f.MimeType != "image/png" || f.Size != int64(len(picture(t))) || *f.Image != (blob.Size{Width: 20, Height: 10}) {
				t.Fatalf("%+v, %v", f, err)
			}
		}
		wantCode(t, "an upload after the confirmation", w.receive(made, "other"), fault.Forbidden)

		title := catalog.File{ID: made.ID, Title: "The plan.png"}
		r := w.order("name", catalog.Text("first"), "files", catalog.Files{title, title})
		got := w.filesOf(r)
		if len(got) != 1 || got[0].ID != made.ID || got[0].Title != "The plan.png" || got[0].URL != made.Key || got[0].Storage != catalog.InStore || got[0].Image == nil {
			t.Fatalf("stored: %+v", got)
		}
		if f, err := w.s.File(t.Context(), boss, made.ID); err != nil || f.Title != "The plan.png" || f.Place.Record != r {
			t.Errorf("%+v, %v", f, err)
		}
		if w.content(made.Key) != picture(t) || !strings.HasPrefix(w.content(blob.Beside(made.Key, blob.ThumbnailName)), "\x89PNG") {
			t.Error("the content is another one")
		}
		w.sharing(r, made)
	})
}

// sharing attaches the content of a record's file elsewhere, and detaches it.
func (w *world) sharing(r query.Record, made *catalog.Registered) {
	w.Helper()
	second := w.order("name", catalog.Text("second"), "files", catalog.Files{{ID: made.ID}})
	third := w.order("name", catalog.Text("third"), "files", catalog.Files{{URL: "https://x.example/storage/" + url.PathEscape(made.Key), Title: "x", Storage: catalog.Elsewhere},
		{URL: "https://x.example" + signer.Path(made.Key) + "?token=x", Title: "_plan v2.png", Storage: catalog.Elsewhere}})
	shared, linked := w.filesOf(second)[0], w.filesOf(third)
	if shared.ID == made.ID || shared.URL != made.Key || len(linked) != 2 || linked[1].Storage != catalog.InStore || linked[1].URL != made.Key || linked[1].ID == made.ID {
		w.Errorf("%+v, %+v", shared, linked)
	}
	if linked[1].Title != "The plan.png" {
		w.Errorf("a link to the own store is called %q", linked[1].Title)
	}
	before := w.filesOf(r)
	w.patch(r, "files", before) // sent back as read
	if after := w.filesOf(r); !reflect.DeepEqual(after, before) {
		w.Errorf("sent back: %+v", after)
	}
	w.patch(r, "files", nil)
	if f, err := w.s.File(w.Context(), boss, made.ID); err != nil || f.Loose == 0 || f.Place != (catalog.FilePlace{}) {
		w.Errorf("detached: %+v, %v", f, err)
	}
	w.now = w.now.Add(31 * 24 * time.Hour)
	if err := w.s.Purge(w.Context()); err != nil {
		w.Fatal(err)
	}
	_, err := w.s.File(w.Context(), boss, made.ID)
	wantCode(w.T, "a file dropped", err, fault.NotFound)
	if w.content(made.Key) != picture(w.T) {
		w.Error("the content of other files is gone")
	}
}

func TestFileRights(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		ann := w.employed("Ann")
		loose, file := w.upload("loose.txt", "a"), w.attached("kept.txt", "b")
		if _, err := w.s.File(t.Context(), ann, file.ID); err != nil {
			t.Errorf("a file of a record that everybody sees: %v", err)
		}
		_, err := w.s.File(t.Context(), ann, loose.ID)
		wantCode(t, "an upload of somebody else", err, fault.Forbidden)
		_, err = w.s.ConfirmFile(t.Context(), ann, loose.ID, catalog.ConfirmInput{})
		wantCode(t, "confirming an upload of somebody else", err, fault.Forbidden)
		if _, err := w.s.ConfirmFile(t.Context(), boss, loose.ID, catalog.ConfirmInput{}); err != nil {
			t.Fatal(err)
		}
		_, err = w.s.FileAt(t.Context(), ann, loose.Key)
		wantCode(t, "its key", err, fault.Forbidden)
		attach := func(a catalog.Actor, id int64) error {
			_, err := w.s.Apply(t.Context(), a, []catalog.Op{catalog.Create{Catalog: w.orders.Num, Values: values(w.orders, "name", catalog.Text("x"), "files", catalog.Files{{ID: id}})}}, nil)
			return err
		}
		wantCode(t, "attaching it", attach(ann, loose.ID), fault.ValidationFailed)
		wantCode(t, "attaching a file that is seen", attach(ann, file.ID), "")
		wantCode(t, "attaching none", attach(boss, 9999), fault.ValidationFailed)
		w.private()
		w.rules(of(w.orders), only(1, "admin"), only(ann.Employee, "edit", "files=hide"))
		_, err = w.s.File(t.Context(), ann, file.ID)
		wantCode(t, "a file in a hidden field", err, fault.Forbidden)
		_, err = w.s.RegisterFile(t.Context(), ann, catalog.FileInput{Catalog: "orders", Field: "files", Record: query.Key{Record: 1}})
		wantCode(t, "registering for a hidden field", err, fault.FieldHidden)
		w.rules(of(w.orders), only(1, "admin"))
		_, err = w.s.FileAt(t.Context(), ann, file.URL)
		wantCode(t, "a file in a hidden catalog", err, fault.Forbidden)
		for key, in := range map[fault.Code]catalog.FileInput{
			fault.NotFound: {Catalog: "nowhere", Field: "files"}, fault.UnknownField: {Catalog: "orders", Field: "nothing"},
			fault.InvalidParameter: {Catalog: "orders", Field: "name"}, fault.BodyTooLarge: {Size: 1001},
		} {
			_, err := w.s.RegisterFile(t.Context(), boss, in)
			wantCode(t, "registering", err, key)
		}
	})
}

func TestFileLinks(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		file := w.attached("plan.png", picture(t))
		r, err := w.s.File(t.Context(), boss, file.ID)
		if err != nil {
			t.Fatal(err)
		}
		open := func(address string) error {
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.s.LinkedFile(t.Context(), strings.TrimPrefix(u.Path, "/storage/"), u.Query())
			return err
		}
		links := w.s.FileLinks("https://cards.example")
		for _, key := range []string{file.URL, blob.Beside(file.URL, blob.PreviewName)} {
			wantCode(t, key, open(links.URL(file.ID, key)), "")
		}
		other := w.attached("other.txt", "x")
		wantCode(t, "a link with the number of another file", open(links.URL(other.ID, file.URL)), fault.NotFound)
		wantCode(t, "a preview of what has none", open(links.URL(other.ID, blob.Beside(other.URL, blob.PreviewName))), fault.NotFound)
		wantCode(t, "a forged link", open(strings.Replace(links.URL(file.ID, file.URL), "token=", "token=A", 1)), fault.Forbidden)
		link := links.URL(file.ID, file.URL)
		w.now = w.now.Add(24 * time.Hour)
		wantCode(t, "an old link", open(link), fault.Forbidden)
		link = w.s.FileLinks("https://cards.example").URL(file.ID, file.URL)
		w.apply(catalog.Delete{Catalog: w.orders.Num, Record: query.Key{Record: r.Place.Record}})
		wantCode(t, "a link to a file of a removed record", open(link), fault.NotFound)
		_, err = w.s.File(t.Context(), boss, file.ID)
		wantCode(t, "a file of a removed record", err, fault.NotFound)
	})
}

// TestFilesDropped: what was registered and never confirmed goes after a day, what
// was never attached after a week, contents without a file after two days.
func TestFilesDropped(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.now = time.Now()
		never, loose, kept := w.upload("never.txt", "a"), w.upload("loose.txt", "b"), w.attached("kept.txt", "c")
		if _, err := w.s.ConfirmFile(t.Context(), boss, loose.ID, catalog.ConfirmInput{}); err != nil {
			t.Fatal(err)
		}
		gone := func(key string) bool { return w.content(key) == string(fault.NotFound) }
		for _, step := range []struct {
			after        time.Duration
			never, loose bool
		}{{23 * time.Hour, false, false}, {2 * time.Hour, true, false}, {7 * 24 * time.Hour, true, true}} {
			w.now = w.now.Add(step.after)
			if err := w.s.Purge(t.Context()); err != nil {
				t.Fatal(err)
			}
			if gone(never.Key) != step.never || gone(loose.Key) != step.loose || gone(kept.URL) {
				t.Errorf("after %v: %v, %v, %v", step.after, gone(never.Key), gone(loose.Key), gone(kept.URL))
			}
		}
		if err := w.receive(never, "again"); fault.CodeOf(err) != fault.Forbidden {
			t.Errorf("an upload of what was dropped: %v", err)
		}
		if _, err := w.s.ClearCatalog(t.Context(), boss, "orders", "Orders"); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(31 * 24 * time.Hour)
		if err := w.s.Purge(t.Context()); err != nil || !gone(kept.URL) {
			t.Errorf("a cleared catalog: %v, %v", gone(kept.URL), err)
		}
	})
}

// TestReceiveRefuses: keys that nobody gave out, of another company, too much.
func TestReceiveRefuses(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		signed := func(key string, until time.Time) *catalog.Registered {
			policy, signature := signer.Sign(blob.Policy{Key: key, Max: 1 << 40, Expires: until})
			return &catalog.Registered{Key: key, KeyID: "K1", Policy: policy, Signature: signature}
		}
		hour := w.now.Add(time.Hour)
		wantCode(t, "a key of nobody", w.receive(signed(blob.NewKey(1, "a"), hour), "x"), fault.Forbidden)
		wantCode(t, "another company", w.receive(signed(blob.NewKey(2, "a"), hour), "x"), fault.Forbidden)
		wantCode(t, "a traversal", w.receive(signed("1/../../etc/passwd", hour), "x"), fault.Forbidden)
		made := w.register("a.txt")
		wantCode(t, "expired", w.receive(signed(made.Key, w.now), "x"), fault.Forbidden)
		wantCode(t, "a preview's key", w.receive(signed(blob.Beside(made.Key, blob.PreviewName), hour), "x"), fault.Forbidden)
		wantCode(t, "too large", w.receive(signed(made.Key, hour), strings.Repeat("x", 1001)), fault.BodyTooLarge)
		wantCode(t, "as large as allowed", w.receive(made, strings.Repeat("x", 1000)), "")
	})
}

// TestElsewhere: a file elsewhere has a number by which it is found.
func TestElsewhere(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		r := w.order("name", catalog.Text("a"), "files", catalog.Files{{URL: "https://x.example/a.png", Title: "a.png", Storage: catalog.Elsewhere}})
		file := w.filesOf(r)[0]
		f, err := w.s.File(t.Context(), boss, file.ID)
		if err != nil || f.URL != "https://x.example/a.png" || f.Storage != catalog.Elsewhere {
			t.Errorf("%+v, %v", f, err)
		}
		data, err := json.Marshal(file)
		if err != nil || strings.Contains(string(data), "image") {
			t.Errorf("%s, %v", data, err)
		}
	})
}

// TestTwoAttachOneFile: of two records that get one loose file at a time, one gets
// the file and the other a file of its own on the same content.
func TestTwoAttachOneFile(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		made := w.upload("a.txt", "a")
		records := make(chan query.Record, 2)
		for range 2 {
			go func() {
				op := catalog.Create{Catalog: w.orders.Num, Values: values(w.orders, "name", catalog.Text("x"), "files", catalog.Files{{ID: made.ID}})}
				out, err := w.s.Apply(t.Context(), boss, []catalog.Op{op}, nil)
				if err != nil {
					t.Error(err)
					records <- 0
					return
				}
				records <- out[0].Record
			}()
		}
		a, b := <-records, <-records
		if t.Failed() {
			return
		}
		first, second := w.filesOf(a)[0], w.filesOf(b)[0]
		if first.ID == second.ID || first.URL != second.URL || first.ID != made.ID && second.ID != made.ID {
			t.Errorf("%+v, %+v", first, second)
		}
	})
}

// TestFileOfToken: who came with a token for reading uploads nothing.
func TestFileOfToken(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		reader := boss
		reader.Scope = &account.Scope{Verbs: account.Reads}
		_, err := w.s.RegisterFile(t.Context(), reader, catalog.FileInput{})
		wantCode(t, "registering", err, fault.Forbidden)
	})
}
