package adminapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kartoteka/internal/adminapi"
)

func TestBackupArguments(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"some/folder", "./some/../some/folder/", filepath.Join(here, "some", "folder")} {
		task, err := prepare("backup", dir)
		if want := filepath.Join(here, "some", "folder"); err != nil || task.Args[len(task.Args)-1] != want {
			t.Errorf("%s becomes %v (%v), not %s", dir, task, err, want)
		}
	}
	for _, args := range [][]string{{"backup"}, {"backup", ""}, {"backup", "a", "b"}, {"backup", "--all", "a"}, {"check", "repair"}} {
		if _, err := prepare(args...); !errors.Is(err, adminapi.ErrUsage) {
			t.Errorf("%v: %v", args, err)
		}
	}
	if task, err := prepare("check", "--repair"); err != nil || fmt.Sprint(task.Args) != "[--repair=true --]" {
		t.Errorf("%v, %v", task, err)
	}
}

func TestBackup(t *testing.T) {
	tools := adminapi.Tools{Now: time.Now}
	tools.Backup = func(_ context.Context, dir string, progress func(done, total int64)) (*adminapi.Backup, error) {
		progress(5, 10)
		progress(10, 10)
		return &adminapi.Backup{Files: 2, Bytes: 10, WithoutSecrets: true}, nil
	}
	out := must(t, tools, "", "backup", "/x/y")
	want := "Backed up to /x/y: 2 files, 10 bytes\nCOOKIE_SECRET is in the settings and not in the backup: keep it, too\n"
	if !bytes.HasSuffix([]byte(out), []byte(want)) || !bytes.HasPrefix([]byte(out), []byte("Backing up 100%  10 of 10 bytes")) {
		t.Errorf("printed %q", out)
	}
	tools.Backup = func(context.Context, string, func(done, total int64)) (*adminapi.Backup, error) {
		return nil, errors.New("no room")
	}
	if out, err := run(t, tools, "", "backup", "/x/y"); err == nil || out != "" {
		t.Errorf("%v, printed %q", err, out)
	}
}

// TestRepair: what was done is told also when the rest failed, and a check
// follows otherwise.
func TestRepair(t *testing.T) {
	checked := 0
	tools := adminapi.Tools{Check: func(context.Context) ([]string, error) { checked++; return nil, nil }}
	broken := errors.New("broken")
	for _, c := range []struct {
		done []string
		err  error
		want string
	}{
		{nil, nil, "Nothing to repair\nNo problems found\n"},
		{[]string{"one", "two"}, nil, "one\ntwo\nNo problems found\n"},
		{[]string{"one"}, broken, "one\n"},
	} {
		tools.Repair = func(context.Context) ([]string, error) { return c.done, c.err }
		if out, err := run(t, tools, "", "check", "--repair"); !errors.Is(err, c.err) || out != c.want {
			t.Errorf("%v: %v, printed %q", c, err, out)
		}
	}
	if checked != 2 {
		t.Errorf("%d checks", checked)
	}
}

func TestRestoredReport(t *testing.T) {
	r := &adminapi.Restored{Files: 3, Bytes: 9, Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	var out bytes.Buffer
	if err := r.Report(&out, "there"); err != nil || out.String() != "Restored the data of 2026-01-02T03:04:05Z to there: 3 files, 9 bytes\nNo problems found\n" {
		t.Errorf("%v, printed %q", err, &out)
	}
	r.Problems = []string{"one"}
	if err := r.Report(&out, "there"); !errors.Is(err, adminapi.ErrDamaged) {
		t.Error(err)
	}
}
