package adminapi

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"kartoteka/internal/table"
)

// ErrPostgres is in the error of what is a matter of PostgreSQL's own tools.
var ErrPostgres = errors.New("the data is in PostgreSQL")

// Backup is what Tools.Backup made.
type Backup struct {
	Files int
	Bytes int64
	// WithoutSecrets tells that the key is in the settings, not in the copy.
	WithoutSecrets bool
}

// Restored is what became of a backup.
type Restored struct {
	Files    int
	Bytes    int64
	Created  time.Time // the moment that the data is of
	Problems []string  // what a check found
}

// defineBackup makes the folder absolute: the server that may do the work has
// another working folder than the command.
func defineBackup(*flag.FlagSet) func(words []string) (*Task, error) {
	return func(words []string) (*Task, error) {
		if len(words) != 1 || words[0] == "" {
			return nil, usage("one folder is wanted")
		}
		dir, err := filepath.Abs(words[0])
		if err != nil {
			return nil, usage("%v", err)
		}
		words[0] = dir // becomes Task.Args
		return &Task{run: func(ctx context.Context, t Tools, c Call) error { return backup(ctx, t, c, dir) }}, nil
	}
}

func backup(ctx context.Context, t Tools, c Call, dir string) error {
	progress := BytesProgress(c.Out, c.Terminal, t.Now, "Backing up")
	made, err := t.Backup(ctx, dir, progress.Set)
	progress.Finish()
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "Backed up to %s: %d files, %d bytes\n", dir, made.Files, made.Bytes)
	if made.WithoutSecrets {
		fmt.Fprintln(c.Out, "COOKIE_SECRET is in the settings and not in the backup: keep it, too")
	}
	return nil
}

// Report tells what was restored, and gives ErrDamaged when it has problems.
func (r *Restored) Report(w io.Writer, dir string) error {
	fmt.Fprintf(w, "Restored the data of %s to %s: %d files, %d bytes\n",
		r.Created.Format(time.RFC3339), dir, r.Files, r.Bytes)
	return reportProblems(w, r.Problems)
}

// Bytes displays how far something of a size learned later is.
type Bytes struct {
	start func(total int64) *table.Progress
	shown *table.Progress
}

// BytesProgress prepares a display; see table.NewProgress.
func BytesProgress(w io.Writer, terminal bool, now func() time.Time, label string) *Bytes {
	return &Bytes{start: func(total int64) *table.Progress {
		return table.NewProgress(w, terminal, now, label, "bytes", total)
	}}
}

// Set tells how many bytes of how many are done.
func (b *Bytes) Set(done, total int64) {
	if b.shown == nil {
		b.shown = b.start(total)
	}
	b.shown.Set(done)
}

// Finish ends the display, if it began.
func (b *Bytes) Finish() {
	if b.shown != nil {
		b.shown.Finish()
	}
}

// Words reads flags that may stand before and after the other arguments, which
// it gives. It fails with flag.ErrHelp or ErrUsage.
func Words(set *flag.FlagSet, args []string) ([]string, error) { return interspersed(set, args) }
