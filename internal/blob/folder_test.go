package blob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func newFolder(t testing.TB) (*Folder, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "files")
	f, err := OpenFolder(dir)
	check(t, err)
	t.Cleanup(func() { check(t, f.Close()) })
	return f, dir
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestFolder(t *testing.T) {
	f, dir := newFolder(t)
	testStore(t, f)
	entries, err := os.ReadDir(filepath.Join(dir, arriving))
	if err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// testStore is what every store promises.
func testStore(t *testing.T, s Store) {
	ctx := t.Context()
	key, other := NewKey(1, "plan v2 ї#?%.txt"), NewKey(2, "a.txt")
	if _, err := s.Open(ctx, key); !errors.Is(err, ErrNotFound) {
		t.Errorf("open of nothing: %v", err)
	}
	if _, err := s.Size(ctx, key); !errors.Is(err, ErrNotFound) {
		t.Errorf("size of nothing: %v", err)
	}
	broken := errors.New("cut")
	if _, err := s.Put(ctx, key, io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("a broken content: %v", err)
	}
	if _, err := s.Size(ctx, key); !errors.Is(err, ErrNotFound) {
		t.Errorf("half a content is there: %v", err)
	}
	for _, text := range []string{"", "first", strings.Repeat("second", 100_000)} {
		n, err := s.Put(ctx, key, strings.NewReader(text))
		if err != nil || n != int64(len(text)) {
			t.Fatalf("put: %d, %v", n, err)
		}
		wantContent(t, s, key, text)
	}
	_, err := s.Put(ctx, Beside(key, PreviewName), strings.NewReader("small"))
	check(t, err)
	_, err = s.Put(ctx, other, strings.NewReader("other"))
	check(t, err)
	var found []string
	check(t, s.Walk(ctx, 1, func(o Object) error {
		found = append(found, o.Key)
		if o.Size == 0 || time.Since(o.Modified) > time.Hour {
			t.Errorf("%+v", o)
		}
		return nil
	}))
	if len(found) != 2 || Beside(found[0], "x") != Beside(key, "x") {
		t.Errorf("found %v", found)
	}
	for range 2 {
		check(t, s.Delete(ctx, key))
	}
	if _, err := s.Open(ctx, key); !errors.Is(err, ErrNotFound) {
		t.Errorf("open after delete: %v", err)
	}
	for _, bad := range []string{"", "../x", "1/../x", "/etc/passwd"} {
		if _, err := s.Put(ctx, bad, strings.NewReader("x")); err == nil {
			t.Errorf("%q was taken", bad)
		}
		if _, err := s.Open(ctx, bad); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func wantContent(t *testing.T, s Store, key, text string) {
	t.Helper()
	c, err := s.Open(t.Context(), key)
	check(t, err)
	data, err := io.ReadAll(c)
	if err != nil || string(data) != text || c.Size != int64(len(text)) {
		t.Errorf("%d bytes of %d, size %d: %v", len(data), len(text), c.Size, err)
	}
	if _, err := c.Seek(int64(len(text)/2), io.SeekStart); err != nil {
		t.Error(err)
	}
	rest, err := io.ReadAll(c)
	if err != nil || string(rest) != text[len(text)/2:] {
		t.Errorf("the second half has %d bytes: %v", len(rest), err)
	}
	check(t, c.Close())
}

func TestFolderStaysInside(t *testing.T) {
	f, dir := newFolder(t)
	key := NewKey(1, "a.txt")
	secret := filepath.Join(t.TempDir(), "secret")
	check(t, os.WriteFile(secret, []byte("secret"), 0o600))
	check(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(key)), 0o700))
	if err := os.Symlink(secret, filepath.Join(dir, key)); err != nil {
		t.Skip("no symbolic links here")
	}
	if c, err := f.Open(t.Context(), key); err == nil {
		t.Error("a link out of the folder was followed")
		check(t, c.Close())
	}
	if _, err := f.Put(t.Context(), key, strings.NewReader("new")); err != nil {
		t.Error(err)
	}
	if data, err := os.ReadFile(secret); err != nil || string(data) != "secret" {
		t.Errorf("the file outside is %q: %v", data, err)
	}
}

func TestSweep(t *testing.T) {
	f, dir := newFolder(t)
	old, young := filepath.Join(dir, arriving, "old"), filepath.Join(dir, arriving, "young")
	for _, name := range []string{old, young} {
		check(t, os.WriteFile(name, nil, 0o600))
	}
	check(t, os.Chtimes(old, time.Time{}, time.Now().Add(-keepArriving-time.Hour)))
	check(t, f.Sweep(t.Context(), time.Now()))
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Error("what broke off long ago is still there")
	}
	if _, err := os.Stat(young); err != nil {
		t.Error(err)
	}
}

func TestMakePreviews(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		want *Size
	}{
		{"png", pngOf(t, 1600, 900), &Size{1600, 900}},
		{"a small one", pngOf(t, 10, 4), &Size{10, 4}},
		{"a long one", pngOf(t, 6000, 2), &Size{6000, 2}},
		{"jpeg", jpegOf(t, 300, 200, 1), &Size{300, 200}},
		{"a turned photo", jpegOf(t, 300, 200, 6), &Size{200, 300}},
		{"a bomb", bomb(), nil},
		{"a progressive bomb", jpegHeader(0xc2, 8000, 8000, 0x11), nil},
		{"a bomb that hides its header", append([]byte("\xff\xd8\xff\xe1\xff\xff"), make([]byte, 70<<10)...), nil},
		{"a WebP that claims 2 GB", []byte("RIFF\xff\xff\xff\x7fWEBPVP8 \xf0\xff\xff\x7f\x10\x00\x00\x9d\x01\x2a\x08\x00\x08\x00"), nil},
		{"a cut one", pngOf(t, 100, 100)[:60], nil},
		{"text", []byte("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"), nil},
		{"nothing", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, _ := newFolder(t)
			key := NewKey(1, "x.png")
			_, err := f.Put(t.Context(), key, bytes.NewReader(c.data))
			check(t, err)
			got, err := MakePreviews(t.Context(), f, key)
			if err != nil || (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
				t.Fatalf("%v, %v; want %v", got, err, c.want)
			}
			if got == nil {
				return
			}
			scale := min(1, previewSide/float64(max(got.Width, got.Height)))
			wantPNG(t, f, Beside(key, PreviewName), max(1, int(float64(got.Width)*scale)), max(1, int(float64(got.Height)*scale)))
			wantPNG(t, f, Beside(key, ThumbnailName), thumbnailSide, thumbnailSide)
		})
	}
	f, _ := newFolder(t)
	if _, err := MakePreviews(t.Context(), f, NewKey(1, "x")); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	key := NewKey(1, "x.png")
	_, err := f.Put(t.Context(), key, bytes.NewReader(pngOf(t, 4, 4)))
	check(t, err)
	decoding <- struct{}{}
	if _, err := MakePreviews(ctx, f, key); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who has left: %v", err)
	}
	<-decoding
}
