package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"kartoteka/internal/adminapi"
	"kartoteka/internal/config"
	"kartoteka/internal/store"
)

// restoringDir is where a data folder is put together, within itself: it may be
// a mounted volume, which no other folder can be renamed to.
const restoringDir = "restoring"

// Restore makes a data folder of a backup. The folder must be empty or not
// exist; whatever fails, it has no data afterwards. It calls progress with the
// copied bytes.
func Restore(ctx context.Context, from string, settings *config.Settings, progress func(done, total int64)) (*adminapi.Restored, error) {
	if settings.DBConnection != "" {
		return nil, fmt.Errorf("%w: restore it with pg_restore", adminapi.ErrPostgres)
	}
	if settings.S3DataPath != "" {
		return nil, errors.New("S3_DATA_PATH is set: restore without it, then move the folder " + filesDir + " of the data folder there")
	}
	m, err := readManifest(from)
	if err != nil {
		return nil, err
	}
	dir := settings.DataDir
	exists, err := mustBeEmpty(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	release, err := store.LockFolder(dir)
	if err != nil {
		return nil, err
	}
	r := &restore{settings: settings, manifest: m, from: from, dir: dir, staging: filepath.Join(dir, restoringDir), progress: progress}
	problems, err := r.run(ctx)
	release()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("restore: %w", err), r.clear(exists))
	}
	return &adminapi.Restored{Files: len(m.Files), Bytes: m.bytes(), Created: m.Created, Problems: problems}, nil
}

// restore is one on its way.
type restore struct {
	settings           *config.Settings
	manifest           *manifest
	from, dir, staging string
	progress           func(done, total int64)
	done               int64
}

func (r *restore) run(ctx context.Context) (problems []string, err error) {
	if err := os.MkdirAll(filepath.Join(r.staging, companiesDir), 0o700); err != nil {
		return nil, err
	}
	for _, f := range r.manifest.Files {
		if err := r.copy(ctx, f); err != nil {
			return nil, err
		}
	}
	if problems, err = r.check(ctx); err != nil {
		return nil, err
	}
	if err := errors.Join(syncFolder(filepath.Join(r.staging, companiesDir)), syncTree(filepath.Join(r.staging, filesDir)), syncFolder(r.staging)); err != nil {
		return nil, err
	}
	return problems, r.publish()
}

// copy copies a file and compares it with the manifest.
func (r *restore) copy(ctx context.Context, f backupFile) error {
	name := inFolder(r.from, f.Path)
	in, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("the backup is not complete: %w", err)
	}
	defer func() { _ = in.Close() }()
	to := inFolder(r.staging, f.Path)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	size, sum, err := writeDurably(ctx, to, in, func(n int64) {
		r.done += n
		r.progress(r.done, r.manifest.bytes())
	})
	if err != nil {
		return err
	}
	if size != f.Size || sum != f.SHA256 {
		return fmt.Errorf("the backup is damaged: %s is not the file that was backed up", name)
	}
	return nil
}

// check opens the databases, which brings them to this program's schema, and
// checks them.
func (r *restore) check(ctx context.Context) (problems []string, err error) {
	control, err := store.OpenControlSQLite(ctx, filepath.Join(r.staging, controlFile))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, control.Close()) }()
	one, err := store.OpenSQLite(ctx, inFolder(r.staging, companyPath()), store.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, one.Close()) }()
	if err := control.NoteRestored(ctx, time.Now()); err != nil {
		return nil, err
	}
	if err := one.PauseDeliveries(ctx, true); err != nil {
		return nil, err
	}
	contents, closing, err := openContents(r.settings, filepath.Join(r.staging, filesDir))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closing()) }()
	return checkAll(ctx, control, one, contents)
}

// publish moves the parts to their places. The control database is the last:
// without it there is no data (see Exists).
func (r *restore) publish() error {
	for _, name := range []string{config.SecretsFile, companiesDir, filesDir, controlFile} {
		err := os.Rename(filepath.Join(r.staging, name), filepath.Join(r.dir, name))
		if err != nil && (name == controlFile || name == companiesDir || !errors.Is(err, os.ErrNotExist)) {
			return err
		}
		if err := syncFolder(r.dir); err != nil {
			return err
		}
	}
	return os.Remove(r.staging)
}

// clear leaves the folder as it was.
func (r *restore) clear(existed bool) error {
	errs := []error{os.RemoveAll(r.staging)}
	for _, name := range []string{controlFile, companiesDir, filesDir, config.SecretsFile, "lock"} {
		errs = append(errs, os.RemoveAll(filepath.Join(r.dir, name)))
	}
	if !existed {
		errs = append(errs, os.Remove(r.dir))
	}
	return errors.Join(errs...)
}
