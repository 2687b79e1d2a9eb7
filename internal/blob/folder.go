package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"strconv"
	"time"
)

// arriving is where contents wait in a folder until they are whole.
const arriving = "arriving"

// keepArriving is how long what broke off there may lie.
const keepArriving = 48 * time.Hour

// Folder is a Store in a folder. Paths in it are the keys. It never leaves the
// folder, whatever links somebody put there.
type Folder struct{ root *os.Root }

// OpenFolder opens a folder, or makes it.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of files: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the folder of files: %w", err)
	}
	if err := root.MkdirAll(arriving, 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("make the folder of files: %w", err), root.Close())
	}
	return &Folder{root}, nil
}

// Close gives the folder back.
func (f *Folder) Close() error { return f.root.Close() }

// Put implements Store: the content is on the disk before its name is.
func (f *Folder) Put(_ context.Context, key string, r io.Reader) (int64, error) {
	if !ValidKey(key) {
		return 0, fmt.Errorf("put %q: not a key", key)
	}
	name := arriving + "/" + rand.Text()
	n, err := f.write(name, r)
	if err == nil {
		err = f.publish(name, key)
	}
	if err != nil {
		return 0, errors.Join(fmt.Errorf("put a content: %w", err), f.remove(name))
	}
	return n, nil
}

func (f *Folder) write(name string, r io.Reader) (int64, error) {
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(file, r)
	if err == nil {
		err = file.Sync()
	}
	return n, errors.Join(err, file.Close())
}

func (f *Folder) publish(name, key string) error {
	dir := path.Dir(key)
	if err := f.root.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := f.root.Rename(name, key); err != nil {
		return err
	}
	return errors.Join(f.sync(dir), f.sync(path.Dir(dir)), f.sync("."))
}

// sync makes the names in a folder survive a power failure. Windows has nothing
// of the kind.
func (f *Folder) sync(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := f.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Open implements Store.
func (f *Folder) Open(_ context.Context, key string) (*Content, error) {
	if !ValidKey(key) {
		return nil, ErrNotFound
	}
	file, err := f.root.Open(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("open a content: %w", err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotFound
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &Content{file, info.Size(), info.ModTime()}, nil
}

// Size implements Store.
func (f *Folder) Size(_ context.Context, key string) (int64, error) {
	if !ValidKey(key) {
		return 0, ErrNotFound
	}
	info, err := f.root.Lstat(key)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return 0, ErrNotFound
	}
	if err != nil {
		return 0, fmt.Errorf("look for a content: %w", err)
	}
	return info.Size(), nil
}

// Delete implements Store. A folder goes with its last content.
func (f *Folder) Delete(_ context.Context, key string) error {
	if !ValidKey(key) {
		return nil
	}
	if err := f.remove(key); err != nil {
		return fmt.Errorf("delete a content: %w", err)
	}
	_ = f.root.Remove(path.Dir(key)) // fails as long as there are others
	return nil
}

func (f *Folder) remove(name string) error {
	if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Walk implements Store.
func (f *Folder) Walk(ctx context.Context, company int64, each func(Object) error) error {
	err := fs.WalkDir(f.root.FS(), strconv.FormatInt(company, 10), func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile, or no file ever came
		}
		if err != nil || d.IsDir() || !d.Type().IsRegular() || !ValidKey(name) {
			return errors.Join(err, ctx.Err())
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return each(Object{name, info.Size(), info.ModTime()})
	})
	if err != nil {
		return fmt.Errorf("walk through the contents: %w", err)
	}
	return nil
}

// Sweep implements Store.
func (f *Folder) Sweep(_ context.Context, now time.Time) error {
	entries, err := fs.ReadDir(f.root.FS(), arriving)
	if err != nil {
		return fmt.Errorf("sweep the folder of files: %w", err)
	}
	var errs []error
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && now.Sub(info.ModTime()) > keepArriving {
			errs = append(errs, f.remove(arriving+"/"+e.Name()))
		}
	}
	return errors.Join(errs...)
}
