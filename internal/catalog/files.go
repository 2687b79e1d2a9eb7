package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"kartoteka/internal/account"
	"kartoteka/internal/blob"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// A file's way:
//
//	RegisterFile ─► registered ─ Receive ─► uploaded ─ ConfirmFile, or Apply ─► confirmed, loose
//	                    │                      │                                  │      ▲
//	                    └──── 24 hours ────────┴─► dropped ◄─ 7 days, or 30 ──────┤      │ Apply detaches
//	                                               if it was attached             │      │
//	                                                                   Apply ─► attached ┘
//
// Contents are shared by the files that were made of one: they go with the last.

// FileInput is what a file is registered with.
type FileInput struct {
	Name     string
	MimeType string // "" for unknown
	Size     int64  // as announced, 0 for unknown
	// Catalog, Record and Field name where the file is meant for; Catalog and
	// Field are "" when that is not said.
	Catalog string
	Record  query.Key
	Field   string
}

// Registered is a registered file with what lets somebody upload it.
type Registered struct {
	ID                       int64
	Key                      string
	KeyID, Policy, Signature string
}

const (
	maxMimeType = 255
	defaultName = "file"
)

func (s *Service) keepsFiles() error {
	if s.options.Files.Contents == nil {
		return fault.New(fault.NotImplemented, "This server keeps no files")
	}
	return nil
}

// RegisterFile registers a file that the actor is about to upload. It fails with
// NotFound, Forbidden, FieldReadonly, UnknownField, InvalidParameter and
// BodyTooLarge.
func (s *Service) RegisterFile(ctx context.Context, a Actor, in FileInput) (*Registered, error) {
	if err := s.keepsFiles(); err != nil {
		return nil, err
	}
	if err := s.view(ctx, func(st *Structure, r Reader) error { return s.mayRegister(ctx, st, r, a, in) }); err != nil {
		return nil, err
	}
	f, err := s.newFile(a, in)
	if err != nil {
		return nil, err
	}
	err = s.update(ctx, Interactive, nil, func(_ *Structure, w Writer) (err error) {
		if f.ID, err = w.Next(ctx, FileCounter); err != nil {
			return err
		}
		return w.SaveFile(ctx, f)
	})
	if err != nil {
		return nil, fmt.Errorf("register a file: %w", err)
	}
	o := s.options.Files
	made := &Registered{ID: f.ID, Key: f.URL, KeyID: o.Signer.KeyID}
	made.Policy, made.Signature = o.Signer.Sign(blob.Policy{Key: f.URL, Max: o.Max, Expires: s.options.Now().Add(o.Upload)})
	return made, nil
}

// mayRegister tells whether the actor may upload files at all, and to where this
// one is meant for.
func (s *Service) mayRegister(ctx context.Context, st *Structure, r Reader, a Actor, in FileInput) error {
	access, err := s.access(ctx, st, r, a)
	if err != nil {
		return err
	}
	if !a.Scope.Allows(account.Creates | account.Updates) {
		return outOfScope()
	}
	if in.Catalog == "" {
		if in.Field != "" || in.Record != (query.Key{}) {
			return fault.New(fault.InvalidParameter, "catalogId is missing")
		}
		return nil
	}
	c := st.CatalogByKey(in.Catalog)
	if c == nil {
		return fault.New(fault.NotFound, "There is no such catalog")
	}
	if err := need(access.Catalog(c), AvailablePrivilege); err != nil {
		return err
	}
	right := func(f *Field) FieldRight { return access.settable(f) }
	if in.Record != (query.Key{}) {
		n, on, err := recordOf(ctx, r, access, c, in.Record)
		if err != nil {
			return err
		}
		if err := need(on, ViewPrivilege); err != nil {
			return err
		}
		of, err := rightsOn(ctx, r, access, c, []query.Record{n})
		if err != nil {
			return err
		}
		right = func(f *Field) FieldRight { return of.field(f, n) }
	}
	return mayFill(c, in.Field, right)
}

// mayFill tells whether a field takes files of somebody with that right on it.
func mayFill(c *Catalog, key string, right func(*Field) FieldRight) error {
	f := c.FieldByKey(key)
	switch {
	case f == nil && key == "":
		return fault.New(fault.InvalidParameter, "fieldId is missing")
	case f == nil:
		return fault.New(fault.UnknownField, "There is no field %s in this catalog", text.Cut(key, 70))
	case f.Storage() != FilesStorage:
		return fault.New(fault.InvalidParameter, "The field %s takes no files", f.Key)
	case right(f) == HideField:
		return hidden(f)
	case right(f) < EditField:
		return readonly(f)
	}
	return nil
}

func (s *Service) newFile(a Actor, in FileInput) (*StoredFile, error) {
	o := s.options.Files
	name := blob.CleanTitle(in.Name)
	if name == "" {
		name = defaultName
	}
	switch {
	case text.Len(name) > maxFileTitle:
		return nil, fault.New(fault.InvalidParameter, "name is longer than %d characters", maxFileTitle)
	case !validMime(in.MimeType):
		return nil, badMime()
	case in.Size > o.Max:
		return nil, fault.New(fault.BodyTooLarge, "the file is larger than %d bytes", o.Max)
	}
	f := &StoredFile{
		File:     File{Title: name, URL: blob.NewKey(o.Company, name), Size: max(0, in.Size), Storage: InStore},
		Uploader: a.Employee, Made: s.options.Now().UnixMilli(),
	}
	f.Loose = f.Made
	f.setMime(in.MimeType)
	return f, nil
}

// setMime sets a type, one guessed by the title for "".
func (f *StoredFile) setMime(mime string) {
	if mime == "" {
		mime = blob.TypeByName(f.Title)
	}
	if mime != "" {
		f.MimeType = &mime
	}
}

func validMime(mime string) bool {
	return len(mime) <= maxMimeType && !strings.ContainsFunc(mime, func(r rune) bool { return r < ' ' || r > '~' })
}

func badMime() error {
	return fault.New(fault.InvalidParameter, "mimeType is not a type of content")
}

// Receive takes an upload that a policy lets in: nobody is asked who sends it. It
// fails with Forbidden, BodyTooLarge and InvalidParameter.
func (s *Service) Receive(ctx context.Context, form *blob.Form) error {
	if err := s.keepsFiles(); err != nil {
		return err
	}
	o := s.options.Files
	p, err := o.Signer.Verify(form.Fields, s.options.Now())
	if err != nil {
		return err
	}
	expected := func() error { return s.expects(ctx, p.Key) }
	if err := expected(); err != nil {
		return err
	}
	if _, err = o.Contents.Put(ctx, p.Key, blob.Limit(form.File, min(p.Max, o.Max), expected)); err != nil {
		return fmt.Errorf("store an upload: %w", err)
	}
	return nil
}

// expects fails unless a file with that key waits for its content.
func (s *Service) expects(ctx context.Context, key string) error {
	if blob.Company(key) != s.options.Files.Company {
		return fault.New(fault.Forbidden, "The key of the upload is not one that was given out")
	}
	files, err := s.filesIn(ctx, key)
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.URL == key && f.Confirmed {
			return fault.New(fault.Forbidden, "The file was uploaded and confirmed before")
		}
	}
	if !slices.ContainsFunc(files, func(f StoredFile) bool { return f.URL == key }) {
		return fault.New(fault.Forbidden, "The key of the upload is not one that was given out")
	}
	return nil
}

// filesIn reads the files whose content is beside that key.
func (s *Service) filesIn(ctx context.Context, key string) (files []StoredFile, err error) {
	err = s.view(ctx, func(_ *Structure, r Reader) (err error) {
		files, err = r.FilesIn(ctx, []string{blob.FolderOf(key)})
		return err
	})
	return files, err
}

// ConfirmInput is what an uploader says of a file that has arrived. nil leaves
// what was said before.
type ConfirmInput struct {
	Name, MimeType *string
	Key            *string // that the file must have
}

// ConfirmFile makes an uploaded file one that can be attached, with previews of an
// image. Only its uploader may; repeating it changes nothing. It fails with
// NotFound, Forbidden, InvalidParameter and FileNotUploaded.
func (s *Service) ConfirmFile(ctx context.Context, a Actor, id int64, in ConfirmInput) (*StoredFile, error) {
	if err := s.keepsFiles(); err != nil {
		return nil, err
	}
	f, err := s.ownFile(ctx, a, id)
	if err != nil {
		return nil, err
	}
	if in.Key != nil && *in.Key != f.URL {
		return nil, fault.New(fault.InvalidParameter, "url is not the key that was given out for this file")
	}
	if f.Confirmed {
		return f, nil
	}
	if err := f.say(in); err != nil {
		return nil, err
	}
	return f, s.confirm(ctx, f)
}

// ownFile is a file in the store that the actor uploaded.
func (s *Service) ownFile(ctx context.Context, a Actor, id int64) (f *StoredFile, err error) {
	err = s.view(ctx, func(st *Structure, r Reader) error {
		if _, err := s.access(ctx, st, r, a); err != nil {
			return err
		}
		if f, err = fileByID(ctx, r, id); err != nil {
			return err
		}
		switch {
		case f.Storage != InStore:
			return noFile()
		case !f.by(a):
			return forbidden()
		case !a.Scope.Allows(account.Creates | account.Updates):
			return outOfScope()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// by tells whether the actor uploaded the file.
func (f *StoredFile) by(a Actor) bool { return a.System || f.Uploader == a.Employee }

func fileByID(ctx context.Context, r Reader, id int64) (*StoredFile, error) {
	files, err := r.Files(ctx, []int64{id})
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, noFile()
	}
	return &files[0], nil
}

func noFile() error { return fault.New(fault.NotFound, "There is no such file") }

// say takes over what the uploader says of a file.
func (f *StoredFile) say(in ConfirmInput) error {
	if in.Name != nil {
		name := blob.CleanTitle(*in.Name)
		if text.Len(name) > maxFileTitle {
			return fault.New(fault.InvalidParameter, "name is longer than %d characters", maxFileTitle)
		}
		if name != "" {
			f.Title = name
		}
	}
	mime := ""
	if f.MimeType != nil {
		mime = *f.MimeType
	}
	if in.MimeType != nil && *in.MimeType != "" {
		mime = *in.MimeType
	}
	if !validMime(mime) {
		return badMime()
	}
	f.setMime(mime)
	return nil
}

// confirm looks at the content, outside of any transaction, and notes what it is.
func (s *Service) confirm(ctx context.Context, f *StoredFile) error {
	contents := s.options.Files.Contents
	size, err := contents.Size(ctx, f.URL)
	if err != nil {
		if errors.Is(err, blob.ErrNotFound) {
			return notUploaded(f.ID)
		}
		return fmt.Errorf("look at file %d: %w", f.ID, err)
	}
	f.Size, f.Confirmed = size, true
	if f.MimeType != nil && strings.HasPrefix(*f.MimeType, "image/") {
		if f.Image, err = blob.MakePreviews(ctx, contents, f.URL); err != nil {
			return fmt.Errorf("make previews of file %d: %w", f.ID, err)
		}
	}
	err = s.update(ctx, Interactive, nil, func(_ *Structure, w Writer) error { return w.SaveFile(ctx, f) })
	if err != nil {
		return fmt.Errorf("confirm file %d: %w", f.ID, err)
	}
	return nil
}

func notUploaded(id int64) error {
	return fault.New(fault.FileNotUploaded, "The file %d was not uploaded", id)
}
