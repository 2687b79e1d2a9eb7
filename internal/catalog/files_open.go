package catalog

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"time"

	"kartoteka/internal/blob"
	"kartoteka/internal/fault"
)

// File gives a file that the actor may see: attached, with its record and field;
// else to its uploader. It fails with NotFound and Forbidden.
func (s *Service) File(ctx context.Context, a Actor, id int64) (f *StoredFile, err error) {
	err = s.view(ctx, func(st *Structure, r Reader) error {
		access, err := s.access(ctx, st, r, a)
		if err != nil {
			return err
		}
		if f, err = fileByID(ctx, r, id); err != nil {
			return err
		}
		on, err := access.fileRights(ctx, r, []StoredFile{*f})
		if err != nil {
			return err
		}
		return on.mayOpen(f)
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// FileAt gives a file by the key of its content or of a preview, as File does.
func (s *Service) FileAt(ctx context.Context, a Actor, key string) (f *StoredFile, err error) {
	err = s.view(ctx, func(st *Structure, r Reader) error {
		access, err := s.access(ctx, st, r, a)
		if err != nil {
			return err
		}
		files, err := r.FilesIn(ctx, []string{blob.FolderOf(key)})
		if err != nil {
			return err
		}
		on, err := access.fileRights(ctx, r, files)
		if err != nil {
			return err
		}
		refused := noFile()
		for i := range files {
			if !files[i].has(key) || !files[i].Confirmed {
				continue
			}
			f = &files[i]
			if refused = on.mayOpen(f); refused == nil {
				break // others may be of removed records
			}
		}
		return refused
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// has tells whether the key is that of the file's content or of a preview of it.
func (f *StoredFile) has(key string) bool {
	if key == f.URL {
		return f.Storage == InStore
	}
	name := path.Base(key)
	return f.Image != nil && key == blob.Beside(f.URL, name) && (name == blob.PreviewName || name == blob.ThumbnailName)
}

// LinkedFile gives the file of a link to a content or a preview, whoever asks. A
// link ends early when its file is detached or the record removed. It fails with
// Forbidden and NotFound.
func (s *Service) LinkedFile(ctx context.Context, key string, params url.Values) (f *StoredFile, err error) {
	if err := s.keepsFiles(); err != nil {
		return nil, err
	}
	link, ok := s.options.Files.Signer.Linked(key, params, s.options.Now())
	if !ok {
		return nil, fault.New(fault.Forbidden, "The link to the file is not valid or has expired")
	}
	err = s.view(ctx, func(st *Structure, r Reader) error {
		if f, err = fileByID(ctx, r, link.File); err != nil {
			return err
		}
		if !f.has(key) || !f.Confirmed || f.detached() {
			return noFile()
		}
		on, err := (&Access{structure: st}).fileRights(ctx, r, []StoredFile{*f})
		if err != nil || f.Loose != 0 {
			return err
		}
		return on.lives(f)
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Content opens a content that one of the methods before has given leave to. It
// fails with NotFound.
func (s *Service) Content(ctx context.Context, key string) (*blob.Content, error) {
	content, err := s.options.Files.Contents.Open(ctx, key)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, fault.Wrap(err, fault.NotFound, "There is no such file")
	}
	if err != nil {
		return nil, fmt.Errorf("open a file: %w", err)
	}
	return content, nil
}

// FileLinks makes addresses of contents that anybody who has one can read for a
// while.
type FileLinks struct {
	base   string
	signer *blob.Signer
	until  time.Time
}

// shortLink is how long a link is valid that is followed at once.
const shortLink = 5 * time.Minute

// FileLinks begin with base: scheme and host. nil where no files are kept.
func (s *Service) FileLinks(base string) *FileLinks {
	return s.fileLinks(base, s.options.Files.Link)
}

// ShortFileLinks are FileLinks to be followed at once.
func (s *Service) ShortFileLinks(base string) *FileLinks {
	return s.fileLinks(base, min(shortLink, s.options.Files.Link))
}

// FileLinksFor are FileLinks that are valid no longer than that.
func (s *Service) FileLinksFor(base string, valid time.Duration) *FileLinks {
	return s.fileLinks(base, min(valid, s.options.Files.Link))
}

func (s *Service) fileLinks(base string, valid time.Duration) *FileLinks {
	if s.options.Files.Contents == nil {
		return nil
	}
	return &FileLinks{base, s.options.Files.Signer, s.options.Now().Add(valid)}
}

// URL is the address of a content of a file.
func (l *FileLinks) URL(id int64, key string) string {
	return l.base + l.signer.Path(key) + "?" + l.signer.Query(blob.Link{File: id, Key: key, Expires: l.until})
}
