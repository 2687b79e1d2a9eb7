package catalog

import (
	"context"
	"path"
	"slices"

	"kartoteka/internal/blob"
	"kartoteka/internal/fault"
)

// knownFile is a file that operations name, as it is in the plan's snapshot.
type knownFile struct {
	StoredFile
	usable bool // by the actor
	taken  bool // it was loose and a value of the plan has it now
}

// noteFiles notes which files a written value names, to read them.
func (p *planner) noteFiles(v Value) {
	files, _ := v.(Files)
	for i := range files {
		if files[i].ID != 0 {
			p.fileIDs = append(p.fileIDs, files[i].ID)
		} else if key := p.keyIn(&files[i]); key != "" {
			p.fileFolders = append(p.fileFolders, blob.FolderOf(key))
		}
	}
}

// keyIn is the key of a content that a file elsewhere leads back to, "" for none.
func (p *planner) keyIn(f *File) string {
	if p.s.options.Files.Contents == nil || f.Storage != Elsewhere {
		return ""
	}
	key := p.s.options.Files.Signer.KeyOf(f.URL)
	if key == "" || blob.Company(key) != p.s.options.Files.Company {
		return ""
	}
	return key
}

// readFiles reads the files that the values name.
func (p *planner) readFiles(ctx context.Context) error {
	if len(p.fileIDs)+len(p.fileFolders) == 0 {
		return nil
	}
	p.files = map[int64]*knownFile{}
	var list []StoredFile
	if len(p.fileIDs) > 0 {
		some, err := p.r.Files(ctx, p.fileIDs)
		if err != nil {
			return err
		}
		list = append(list, some...)
	}
	if len(p.fileFolders) > 0 {
		some, err := p.r.FilesIn(ctx, p.fileFolders)
		if err != nil {
			return err
		}
		list = append(list, some...)
	}
	on, err := p.access.fileRights(ctx, p.r, list)
	if err != nil {
		return err
	}
	for i := range list {
		if f := &list[i]; p.files[f.ID] == nil {
			p.files[f.ID] = &knownFile{StoredFile: *f, usable: on.mayOpen(f) == nil}
		}
	}
	return nil
}

// resolveFiles puts stored files in place of what names them: their number, or a
// link to their content. What the field has already stays.
func (p *planner) resolveFiles(f *Field, old, files Files) (Files, *fault.Detail) {
	resolved := make(Files, 0, len(files))
	for i, file := range files {
		if file.ID != 0 && slices.ContainsFunc(files[:i], func(o File) bool { return o.ID == file.ID }) {
			continue
		}
		got, detail := p.resolveFile(f, old, file)
		if detail != nil {
			return nil, detail
		}
		if got.ID == 0 || !slices.ContainsFunc(resolved, func(r File) bool { return r.ID == got.ID }) {
			resolved = append(resolved, got)
		}
	}
	return resolved, nil
}

func (p *planner) resolveFile(f *Field, old Files, file File) (File, *fault.Detail) {
	title := file.Title
	if file.ID == 0 {
		key := p.keyIn(&file)
		if key == "" {
			return file, nil
		}
		if title == path.Base(key) {
			title = "" // it was made of the address
		}
		if i := slices.IndexFunc(old, func(o File) bool { return o.URL == key }); i >= 0 {
			return titled(old[i], title), nil
		}
		got, detail := p.fileWith(f, key)
		if detail != nil || got.ID == 0 && got.URL == "" {
			return file, detail // a content of another server
		}
		return titled(got, title), nil
	}
	if i := slices.IndexFunc(old, func(o File) bool { return o.ID == file.ID }); i >= 0 {
		return titled(old[i], title), nil
	}
	known := p.files[file.ID]
	if known == nil {
		return File{}, failed(f, fault.FileNotUploaded, "%s: there is no file %d", f.Name, file.ID)
	}
	got, detail := p.take(f, known)
	return titled(got, title), detail
}

func titled(f File, title string) File {
	if title != "" && f.Storage == InStore {
		title = blob.CleanTitle(title)
	}
	if title != "" {
		f.Title = title
	}
	return f
}

// fileWith finds a file by its content's key, the zero File if there is none.
func (p *planner) fileWith(f *Field, key string) (File, *fault.Detail) {
	var found *knownFile
	for _, k := range p.files {
		if k.URL == key && (found == nil || !found.usable && k.usable || found.usable == k.usable && k.ID < found.ID) {
			found = k
		}
	}
	if found == nil {
		return File{}, nil
	}
	return p.take(f, found)
}

// take is the entry that a known file gives: itself when it is loose, or nothing is
// written; else a new one on the same content.
func (p *planner) take(f *Field, k *knownFile) (File, *fault.Detail) {
	switch {
	case !k.usable:
		return File{}, failed(f, fault.Forbidden, "%s: you may not use the file %d", f.Name, k.ID)
	case !k.Confirmed:
		return File{}, failed(f, fault.FileNotUploaded, "%s: the file %d was not uploaded", f.Name, k.ID)
	}
	file := k.File
	if !p.looks && (k.Loose == 0 || k.taken) {
		file.ID = 0
	}
	k.taken = true
	return file, nil
}

// fileWrites is what the steps do to files, in order.
func (p *planner) fileWrites() (list []FileWrite) {
	for _, s := range p.steps {
		if s.kind == deleteStep {
			continue // they stay with the removed record
		}
		for i := range s.changes {
			c := &s.changes[i]
			old, _ := c.old.(Files)
			now, _ := c.new.(Files)
			if old != nil || now != nil {
				place := FilePlace{s.subject.catalog.Num, c.field.Num, s.subject.record}
				list = p.appendFileWrites(list, place, old, now)
			}
		}
	}
	return list
}

func (p *planner) appendFileWrites(list []FileWrite, place FilePlace, old, now Files) []FileWrite {
	for _, file := range now {
		w := FileWrite{Kind: AddFile, File: StoredFile{
			File: file, Uploader: p.actor.Employee, Confirmed: true, Place: place, Made: p.moment.Now,
		}}
		i := slices.IndexFunc(old, func(o File) bool { return o.ID == file.ID })
		switch {
		case i >= 0 && old[i].Title == file.Title:
			continue
		case i >= 0:
			w.Kind = RenameFile
		case p.files[file.ID] != nil:
			w.Kind = AttachFile
		}
		list = append(list, w)
	}
	for _, file := range old {
		if !slices.ContainsFunc(now, func(n File) bool { return n.ID == file.ID }) {
			loose := StoredFile{File: file, Place: place, Loose: p.moment.Now}
			list = append(list, FileWrite{Kind: DetachFile, File: loose})
		}
	}
	return list
}

// confirmFiles confirms the actor's uploaded files among those before anybody
// has: some clients leave that step out. What is wrong is told later.
func (s *Service) confirmFiles(ctx context.Context, a Actor, ids []int64) error {
	if len(ids) == 0 || s.options.Files.Contents == nil {
		return nil
	}
	var files []StoredFile
	err := s.view(ctx, func(_ *Structure, r Reader) (err error) {
		files, err = r.Files(ctx, ids)
		return err
	})
	if err != nil {
		return err
	}
	for i := range files {
		f := &files[i]
		if f.Confirmed || f.Storage != InStore || !f.by(a) {
			continue
		}
		if err := s.confirm(ctx, f); err != nil && !fault.Is(err, fault.FileNotUploaded) {
			return err
		}
	}
	return nil
}

// namedFiles are the numbers of files among the values of operations.
func namedFiles(ops []Op) (ids []int64) {
	var add func(values []FieldValue)
	add = func(values []FieldValue) {
		for i := range values {
			switch v := values[i].Value.(type) {
			case Files:
				ids = append(ids, v.numbers()...)
			case Links:
				for j := range v {
					add(v[j].Values)
				}
			}
		}
	}
	for _, op := range ops {
		switch op := op.(type) {
		case Create:
			add(op.Values)
		case Update:
			add(op.Values)
		}
	}
	return ids
}

// numbers are those of the files that have one.
func (v Files) numbers() (ids []int64) {
	for i := range v {
		if v[i].ID != 0 {
			ids = append(ids, v[i].ID)
		}
	}
	return ids
}
