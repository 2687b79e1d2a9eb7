package catalog

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"kartoteka/internal/blob"
)

// How long files that nobody needs are kept.
const (
	keepRegistered = 24 * time.Hour
	keepUnattached = 7 * 24 * time.Hour
	// keepContents is how long a content may lie that no file has.
	keepContents = 48 * time.Hour
	// sweepEvery is how often such contents are looked for.
	sweepEvery = 24 * time.Hour
)

// dropMost is how many files a transaction drops, sweepMost how many folders of
// contents are asked about at once.
const (
	dropMost  = 500
	sweepMost = 500
)

// purgeFiles drops files that nobody needs, and then their contents: a crash
// between leaves contents that sweepContents finds.
func (s *Service) purgeFiles(ctx context.Context) error {
	if s.options.Files.Contents == nil {
		return nil
	}
	now := s.options.Now()
	ages := FileAges{
		Registered: now.Add(-keepRegistered).UnixMilli(),
		Unattached: now.Add(-keepUnattached).UnixMilli(),
		Detached:   now.Add(-keepRemoved).UnixMilli(),
	}
	for dropped := dropMost; dropped == dropMost; {
		var keys []string
		err := s.update(ctx, Job, nil, func(_ *Structure, w Writer) (err error) {
			keys, dropped, err = w.DropFiles(ctx, ages, dropMost)
			return err
		})
		if err != nil {
			return fmt.Errorf("drop files: %w", err)
		}
		for _, key := range keys {
			if err := s.deleteContents(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) deleteContents(ctx context.Context, key string) error {
	var errs []error
	for _, k := range []string{blob.Beside(key, blob.PreviewName), blob.Beside(key, blob.ThumbnailName), key} {
		errs = append(errs, s.options.Files.Contents.Delete(ctx, k))
	}
	return errors.Join(errs...)
}

// sweepContents deletes contents that no file has, and what uploads that broke off
// have left.
func (s *Service) sweepContents(ctx context.Context) error {
	o := s.options.Files
	if o.Contents == nil {
		return nil
	}
	now := s.options.Now()
	var folders []folderOf
	err := o.Contents.Walk(ctx, o.Company, func(found blob.Object) error {
		if now.Sub(found.Modified) < keepContents {
			return nil
		}
		folder := blob.FolderOf(found.Key)
		if n := len(folders); n == 0 || folders[n-1].folder != folder {
			if n >= sweepMost {
				if err := s.sweep(ctx, folders); err != nil {
					return err
				}
				folders = folders[:0]
			}
			folders = append(folders, folderOf{folder: folder})
		}
		last := &folders[len(folders)-1]
		last.keys = append(last.keys, found.Key)
		return nil
	})
	if err == nil {
		err = s.sweep(ctx, folders)
	}
	if err != nil {
		return fmt.Errorf("sweep contents: %w", err)
	}
	return o.Contents.Sweep(ctx, now)
}

// folderOf is a content with its previews.
type folderOf struct {
	folder string
	keys   []string
}

// sweep deletes the contents of folders that no file is in.
func (s *Service) sweep(ctx context.Context, folders []folderOf) error {
	if len(folders) == 0 {
		return nil
	}
	names := make([]string, len(folders))
	for i, f := range folders {
		names[i] = f.folder
	}
	var files []StoredFile
	err := s.view(ctx, func(_ *Structure, r Reader) (err error) {
		files, err = r.FilesIn(ctx, names)
		return err
	})
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if slices.ContainsFunc(files, func(f StoredFile) bool { return path.Dir(f.URL) == folder.folder }) {
			continue
		}
		for _, key := range folder.keys {
			if err := s.options.Files.Contents.Delete(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// filesMost bounds what CheckFiles reads and reports at a time.
const filesMost = 1000

// CheckFiles finds files whose content is not there or has another size, and says
// so in words for an operator.
func CheckFiles(ctx context.Context, store Store, contents blob.Store) (texts []string, err error) {
	for last := int64(0); ; {
		var files []StoredFile
		version, err := store.Version(ctx)
		if err == nil {
			err = store.View(ctx, version, func(r Reader) (err error) {
				files, err = r.FilesAfter(ctx, last, filesMost)
				return err
			})
		}
		if errors.Is(err, ErrStale) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("check files: %w", err)
		}
		for _, f := range files {
			size, err := contents.Size(ctx, f.URL)
			switch {
			case errors.Is(err, blob.ErrNotFound):
				texts = append(texts, fmt.Sprintf("files: the content of file %d is missing: %s", f.ID, f.URL))
			case err != nil:
				return nil, fmt.Errorf("check file %d: %w", f.ID, err)
			case size != f.Size:
				texts = append(texts, fmt.Sprintf("files: the content of file %d has %d bytes instead of %d: %s", f.ID, size, f.Size, f.URL))
			}
			last = f.ID
		}
		if len(files) < filesMost || len(texts) >= filesMost {
			return texts, nil
		}
	}
}
