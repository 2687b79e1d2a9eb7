package catalog

import (
	"context"
	"fmt"

	"kartoteka/internal/account"
	"kartoteka/internal/query"
)

// fileRights are an actor's rights on some files: read with few calls, however
// many files there are.
type fileRights struct {
	access *Access
	titles Titles
	on     map[*Catalog]*recordRights
}

func (a *Access) fileRights(ctx context.Context, r Reader, files []StoredFile) (*fileRights, error) {
	f := &fileRights{access: a, on: map[*Catalog]*recordRights{}}
	var refs []query.Ref
	records := map[*Catalog][]query.Record{}
	for i := range files {
		place := files[i].Place
		if c := a.structure.Catalog(place.Catalog); c != nil {
			refs = append(refs, query.MakeRef(place.Catalog, place.Record))
			records[c] = append(records[c], place.Record)
		}
	}
	if len(refs) == 0 {
		return f, nil
	}
	var err error
	if f.titles, err = r.Titles(ctx, refs); err != nil {
		return nil, fmt.Errorf("read the records of files: %w", err)
	}
	for c, of := range records {
		if f.on[c], err = rightsOn(ctx, r, a, c, of); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// lives fails with NotFound unless what the file is attached to is there.
func (r *fileRights) lives(f *StoredFile) error {
	c := r.access.structure.Catalog(f.Place.Catalog)
	if c == nil || !f.ofMessage() && c.Field(f.Place.Field) == nil {
		return noFile()
	}
	if t, ok := r.titles[query.MakeRef(f.Place.Catalog, f.Place.Record)]; !ok || t.Removed {
		return noFile()
	}
	return nil
}

// mayOpen tells whether the actor may have the file: NotFound when its record is
// gone, else Forbidden.
func (r *fileRights) mayOpen(f *StoredFile) error {
	a := r.access
	if f.Loose != 0 {
		if !f.by(a.actor) {
			return forbidden()
		}
		return nil
	}
	if err := r.lives(f); err != nil {
		return err
	}
	c := a.structure.Catalog(f.Place.Catalog)
	field, on := c.Field(f.Place.Field), r.on[c]
	if err := need(a.Catalog(c), AvailablePrivilege); err != nil {
		return err
	}
	if !a.may(account.Reads, c) || on.privilege(f.Place.Record) < ViewPrivilege {
		return forbidden()
	}
	if !f.ofMessage() && (!a.Readable(field) || on.field(field, f.Place.Record) < ViewField) {
		return forbidden()
	}
	return nil
}
