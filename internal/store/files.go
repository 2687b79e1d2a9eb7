package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"kartoteka/internal/blob"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

const (
	selectFiles = `SELECT id, storage, address, title, mime, size, width, height, uploader, confirmed,
		catalog, field, record, made, loose FROM files`
	insertFile = `INSERT INTO files (id, storage, address, folder, title, mime, size, width, height, uploader, confirmed,
		catalog, field, record, made, loose) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	updateFile = ` ON CONFLICT (id) DO UPDATE SET title = excluded.title, mime = excluded.mime, size = excluded.size,
		width = excluded.width, height = excluded.height, confirmed = excluded.confirmed`
	attachFile = `UPDATE files SET catalog = ?, field = ?, record = ?, title = ?, loose = NULL
		WHERE id = ? AND loose IS NOT NULL AND confirmed IS TRUE RETURNING id`
	renameFile = `UPDATE files SET title = ? WHERE id = ?`
	detachFile = `UPDATE files SET catalog = 0, field = 0, record = 0, loose = ?
		WHERE id = ? AND catalog = ? AND field = ? AND record = ?`
	loosenFiles = `UPDATE files SET catalog = 0, field = 0, record = 0, loose = ? WHERE catalog = ?`

	// A file is dropped only if it still is what was found: another transaction
	// may have attached it.
	unneeded = `loose IS NOT NULL AND (confirmed IS FALSE AND loose < ? OR confirmed IS TRUE AND loose = made AND loose < ? OR loose < ?)`
)

func readFile(r row) catalog.StoredFile {
	f := catalog.StoredFile{
		File:      catalog.File{ID: r.Int(0), Storage: r.Str(1), URL: r.Str(2), Title: r.Str(3), Size: r.Int(5)},
		Uploader:  query.Record(r.Int(8)),
		Confirmed: r.Int(9) != 0,
		Place:     catalog.FilePlace{Catalog: query.Catalog(r.Int(10)), Field: query.Field(r.Int(11)), Record: query.Record(r.Int(12))},
		Made:      r.Int(13),
	}
	if !r.Null(4) {
		mime := r.Str(4)
		f.MimeType = &mime
	}
	if !r.Null(6) {
		f.Image = &blob.Size{Width: int(r.Int(6)), Height: int(r.Int(7))}
	}
	if !r.Null(14) {
		f.Loose = r.Int(14)
	}
	return f
}

func fileArgs(f *catalog.StoredFile) []any {
	var folder, mime, width, height, loose any
	if f.Storage == catalog.InStore {
		folder = blob.FolderOf(f.URL)
	}
	if f.MimeType != nil {
		mime = *f.MimeType
	}
	if f.Image != nil {
		width, height = f.Image.Width, f.Image.Height
	}
	if f.Loose != 0 {
		loose = f.Loose
	}
	return []any{f.ID, f.Storage, f.URL, folder, f.Title, mime, f.Size, width, height, int64(f.Uploader), f.Confirmed,
		int64(f.Place.Catalog), int64(f.Place.Field), int64(f.Place.Record), f.Made, loose}
}

func (t *tx) files(ctx context.Context, where string, args ...any) (list []catalog.StoredFile, err error) {
	err = t.conn.Query(ctx, selectFiles+where, args, func(r row) error {
		list = append(list, readFile(r))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read files: %w", err)
	}
	return list, nil
}

// Files implements catalog.Reader.
func (t *tx) Files(ctx context.Context, ids []int64) ([]catalog.StoredFile, error) {
	return t.files(ctx, ` WHERE `+t.conn.Dialect().AnyInt("id"), ids)
}

// FilesIn implements catalog.Reader.
func (t *tx) FilesIn(ctx context.Context, folders []string) ([]catalog.StoredFile, error) {
	list, err := json.Marshal(folders)
	if err != nil {
		return nil, fmt.Errorf("read files by folder: %w", err)
	}
	return t.files(ctx, ` WHERE `+t.conn.Dialect().AnyText("folder")+` ORDER BY id`, string(list))
}

// FilesAfter implements catalog.Reader.
func (t *tx) FilesAfter(ctx context.Context, id int64, limit int) ([]catalog.StoredFile, error) {
	return t.files(ctx, ` WHERE id > ? AND storage = 's3' AND confirmed IS TRUE ORDER BY id LIMIT ?`, id, limit)
}

// SaveFile implements catalog.Writer.
func (t *tx) SaveFile(ctx context.Context, f *catalog.StoredFile) error {
	if _, err := t.conn.Exec(ctx, insertFile+updateFile, fileArgs(f)...); err != nil {
		return fmt.Errorf("save file %d: %w", f.ID, err)
	}
	return nil
}

// WriteFiles implements catalog.Writer.
func (t *tx) WriteFiles(ctx context.Context, list []catalog.FileWrite) error {
	attached, wanted := 0, 0
	batch := make([]statement, 0, len(list))
	for i := range list {
		f := &list[i].File
		place := []any{int64(f.Place.Catalog), int64(f.Place.Field), int64(f.Place.Record)}
		switch list[i].Kind {
		case catalog.AddFile:
			batch = append(batch, statement{SQL: insertFile, Args: fileArgs(f)})
		case catalog.AttachFile:
			wanted++
			batch = append(batch, statement{SQL: attachFile, Args: append(place, f.Title, f.ID),
				Each: func(row) error { attached++; return nil }})
		case catalog.RenameFile:
			batch = append(batch, statement{SQL: renameFile, Args: []any{f.Title, f.ID}})
		case catalog.DetachFile:
			batch = append(batch, statement{SQL: detachFile, Args: append([]any{f.Loose, f.ID}, place...)})
		}
	}
	if err := execAll(ctx, t.conn, batch); err != nil {
		return fmt.Errorf("write files: %w", err)
	}
	if attached != wanted {
		return catalog.ErrMoved
	}
	return nil
}

// LooseFiles implements catalog.Writer.
func (t *tx) LooseFiles(ctx context.Context, c query.Catalog, f query.Field, at int64) error {
	sql, args := loosenFiles, []any{at, int64(c)}
	if f != 0 {
		sql, args = sql+` AND field = ?`, append(args, int64(f))
	}
	if _, err := t.conn.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("detach files of catalog %d: %w", c, err)
	}
	return nil
}

// DropFiles implements catalog.Writer.
func (t *tx) DropFiles(ctx context.Context, ages catalog.FileAges, limit int) (keys []string, dropped int, err error) {
	bounds := []any{ages.Registered, ages.Unattached, ages.Detached}
	seen := map[string]bool{}
	// The inner condition finds, the outer one holds when the row is locked.
	drop := `DELETE FROM files WHERE id IN (SELECT id FROM files WHERE ` + unneeded + ` ORDER BY id LIMIT ?) AND ` + unneeded + ` RETURNING storage, address`
	err = t.conn.Query(ctx, drop, append(append(bounds, limit), bounds...), func(r row) error {
		dropped++
		if r.Str(0) == catalog.InStore && !seen[r.Str(1)] {
			seen[r.Str(1)] = true
			keys = append(keys, r.Str(1))
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("drop files: %w", err)
	}
	keys, err = t.unusedKeys(ctx, keys)
	return keys, dropped, err
}

// unusedKeys are the keys that no file has.
func (t *tx) unusedKeys(ctx context.Context, keys []string) ([]string, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	folders := make([]string, len(keys))
	for i, key := range keys {
		folders[i] = blob.FolderOf(key)
	}
	used, err := t.FilesIn(ctx, folders)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(keys, func(key string) bool {
		return slices.ContainsFunc(used, func(f catalog.StoredFile) bool { return f.URL == key })
	}), nil
}
