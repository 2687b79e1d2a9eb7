package server

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kartoteka/internal/blob"
	"kartoteka/internal/catalog"
	"kartoteka/internal/store/testdb"
)

// uploaded is a confirmed file with that content.
func uploaded(t *testing.T, app *App, name, content string) *catalog.StoredFile {
	t.Helper()
	made, err := app.Catalog.RegisterFile(t.Context(), tester, catalog.FileInput{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.contents.Put(t.Context(), made.Key, strings.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	f, err := app.Catalog.ConfirmFile(t.Context(), tester, made.ID, catalog.ConfirmInput{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestBackupWithFiles: contents come back, and the check knows when they do not.
func TestBackupWithFiles(t *testing.T) {
	app := open(t, testdb.SQLite(t))
	f, lost := uploaded(t, app, "план #1.txt", "a content"), uploaded(t, app, "lost.txt", "gone")
	if found, err := app.check(t.Context()); err != nil || found != nil {
		t.Fatalf("%v, %v", found, err)
	}
	if err := app.contents.Delete(t.Context(), lost.URL); err != nil {
		t.Fatal(err)
	}
	found, err := app.check(t.Context())
	if err != nil || len(found) != 1 || !strings.Contains(found[0], lost.URL) {
		t.Errorf("the check finds %v, %v", found, err)
	}
	dir := t.TempDir()
	from, to := filepath.Join(dir, "backup"), filepath.Join(dir, "data")
	made, err := app.backup(t.Context(), from, ignore)
	if err != nil || made.Files != 3 { // the secret is in the settings
		t.Fatalf("%+v, %v", made, err)
	}
	if _, err := Restore(t.Context(), from, folderSettings(t, to, "S3_DATA_PATH="+dir), ignore); err == nil || !strings.Contains(err.Error(), "S3_DATA_PATH") {
		t.Errorf("restored beside the files: %v", err)
	}
	restored, err := Restore(t.Context(), from, folderSettings(t, to), ignore)
	if err != nil || len(restored.Problems) != 1 || restored.Problems[0] != found[0] {
		t.Fatalf("%+v, %v", restored, err)
	}
	again := open(t, testdb.Target{Dir: to})
	content, err := again.Catalog.Content(t.Context(), f.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = content.Close() }()
	if data, err := io.ReadAll(content); err != nil || string(data) != "a content" {
		t.Errorf("%q, %v", data, err)
	}
}

// TestManifestNamesFiles: only contents, and not outside of their folder.
func TestManifestNamesFiles(t *testing.T) {
	key := blob.NewKey(1, "a.txt")
	for name, want := range map[string]bool{
		"files/" + key: true, "files/../" + key: false, "files/1/../../x": false, "files/secrets": false, key: false,
	} {
		if got := restorable(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestFilesElsewhere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "contents")
	app := open(t, testdb.SQLite(t), "S3_DATA_PATH="+dir, "S3_BUCKET=papers", "S3_KEY=K1", "S3_SECRET=a long secret")
	f := uploaded(t, app, "a.txt", "a")
	if _, err := os.Stat(filepath.Join(dir, f.URL)); err != nil {
		t.Error(err)
	}
	if w := ask(app.Handler(), "GET", "/papers/"+f.URL, ""); w.Code != 401 || !strings.Contains(w.Body.String(), "<Error>") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
