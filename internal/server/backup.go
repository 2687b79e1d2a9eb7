package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"kartoteka/internal/adminapi"
	"kartoteka/internal/blob"
	"kartoteka/internal/config"
	"kartoteka/internal/store"
)

// backup writes a copy of the data folder as it is at one moment to the folder
// dir, which is empty or not there. It appears under its name when it is whole
// and on the disk.
func (a *App) backup(ctx context.Context, dir string, progress func(done, total int64)) (*adminapi.Backup, error) {
	if a.Settings.DBConnection != "" {
		return nil, fmt.Errorf("%w, whose own tools copy it while servers run:\n"+
			"  pg_dump --format=custom --schema='kartoteka_*' --file=FILE DATABASE\n"+
			"(the schemas kartoteka_control and kartoteka_company_%d). Keep %s with it: the docs tell how to restore",
			adminapi.ErrPostgres, company, filepath.Join(a.Settings.DataDir, config.SecretsFile))
	}
	exists, err := mustBeEmpty(dir)
	if err != nil {
		return nil, err
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, err
	}
	partial, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+".*.partial") // mode 0700
	if err != nil {
		return nil, err
	}
	b := &backup{app: a, dir: partial, progress: progress}
	err = b.write(ctx)
	if err == nil && exists {
		err = os.Remove(dir) // a folder is renamed to a new name only
	}
	if err == nil {
		err = os.Rename(partial, dir)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("back up: %w", err), os.RemoveAll(partial))
	}
	return &adminapi.Backup{Files: len(b.manifest.Files), Bytes: b.manifest.bytes(), WithoutSecrets: !b.secrets}, syncFolder(parent)
}

// backup is one on its way.
type backup struct {
	app         *App
	dir         string
	progress    func(done, total int64)
	done, total int64 // bytes; each is counted when it is copied and when it is read again
	manifest    manifest
	secrets     bool
}

func (b *backup) write(ctx context.Context) error {
	known, err := knownSchemas()
	if err != nil {
		return err
	}
	b.manifest = manifest{Format: manifestFormat, Program: b.app.Version, Created: b.app.now().UTC(), Schemas: known}
	if err := b.databases(ctx); err != nil {
		return err
	}
	if err := b.contents(ctx); err != nil {
		return err
	}
	if err := b.copySecrets(ctx); err != nil {
		return err
	}
	text, err := json.MarshalIndent(b.manifest, "", "\t")
	if err != nil {
		return err
	}
	none := func(int64) {}
	if _, _, err := writeDurably(ctx, filepath.Join(b.dir, manifestFile), bytes.NewReader(append(text, '\n')), none); err != nil {
		return err
	}
	return errors.Join(syncFolder(filepath.Join(b.dir, companiesDir)), syncTree(filepath.Join(b.dir, filesDir)), syncFolder(b.dir))
}

func (b *backup) databases(ctx context.Context) (err error) {
	control, one, err := store.TakeSnapshots(ctx, b.app.control, b.app.company)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, control.Close(), one.Close()) }()
	b.total = 2 * (control.Size() + one.Size())
	if err := os.Mkdir(filepath.Join(b.dir, companiesDir), 0o700); err != nil {
		return err
	}
	if err := b.database(ctx, one, companyPath()); err != nil {
		return err
	}
	return b.database(ctx, control, controlFile)
}

func (b *backup) database(ctx context.Context, s *store.Snapshot, path string) error {
	before, name := b.done, inFolder(b.dir, path)
	err := s.Copy(ctx, name, func(done int64) { b.count(before + done - b.done) })
	if err != nil {
		return err
	}
	size, sum, err := sumOf(ctx, name, b.count)
	b.manifest.Files = append(b.manifest.Files, backupFile{path, size, sum})
	return err
}

func (b *backup) count(n int64) {
	b.done += n
	b.progress(b.done, b.total)
}

// contents copies the files' contents. That is after the databases were fixed:
// what they name is there, since it came before them and stays for days.
// Those in an external store are its operator's.
func (b *backup) contents(ctx context.Context) error {
	if !b.app.Settings.S3Local {
		return nil
	}
	all := b.app.contents
	return all.Walk(ctx, int64(company), func(o blob.Object) error {
		content, err := all.Open(ctx, o.Key)
		if errors.Is(err, blob.ErrNotFound) {
			return nil // nobody needed it any more
		}
		if err != nil {
			return err
		}
		defer func() { _ = content.Close() }()
		to := path.Join(filesDir, o.Key)
		name := inFolder(b.dir, to)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		b.total += content.Size
		size, sum, err := writeDurably(ctx, name, content, b.count)
		b.manifest.Files = append(b.manifest.Files, backupFile{to, size, sum})
		return err
	})
}

// copySecrets copies the file; there is none where the settings have the key.
func (b *backup) copySecrets(ctx context.Context) error {
	f, err := os.Open(filepath.Join(b.app.Settings.DataDir, config.SecretsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	b.secrets = true
	size, sum, err := writeDurably(ctx, filepath.Join(b.dir, config.SecretsFile), f, func(int64) {})
	b.manifest.Files = append(b.manifest.Files, backupFile{config.SecretsFile, size, sum})
	return err
}
