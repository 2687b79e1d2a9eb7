package apisync

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"kartoteka/internal/blob"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/outbound"
	"kartoteka/internal/query/tree"
)

// Bounds of the files of one request.
const (
	maxFileBytes    = 20 << 20
	maxRequestFiles = 10
	maxRequestBytes = 50 << 20
	fetchTimeout    = 30 * time.Second
	fileLinkValid   = 15 * time.Minute
)

// The values of file_format.
const (
	fileURL    = "url"
	fileBase64 = "base64"
)

// fileBudget is what the files of a request used up so far.
type fileBudget struct{ files, read, shown int }

// take counts a file that is stored.
func (b *fileBudget) take(size int) *wrong {
	b.files++
	b.read += size
	switch {
	case size > maxFileBytes:
		return wrongly(tooLongCode, "a file has at most %d bytes", maxFileBytes)
	case b.files > maxRequestFiles:
		return wrongly(tooManyCode, "a request brings at most %d files", maxRequestFiles)
	case b.read > maxRequestBytes:
		return wrongly(tooLongCode, "the files of a request have at most %d bytes", maxRequestBytes)
	}
	return nil
}

// files shows the files of a field.
func (w *shower) files(l *mapLine, f *catalog.Field, p *catalog.Page, c catalog.Cell) (tree.Value, error) {
	files, _ := catalog.CellValue(f, p, c).(catalog.Files)
	list := make([]tree.Value, len(files))
	for i := range files {
		var err error
		if list[i], err = w.file(l, &files[i]); err != nil || !f.Config.Multi {
			return list[i], err
		}
	}
	if len(list) == 0 {
		return tree.Value{}, nil
	}
	return tree.NewList(list), nil
}

func (w *shower) file(l *mapLine, file *catalog.File) (v tree.Value, err error) {
	if l.Options.FileFormat == fileURL {
		return tree.NewString(w.x.fileURL(file)), nil
	}
	mime := tree.Value{}
	if file.MimeType != nil {
		mime = tree.NewString(*file.MimeType)
	}
	fields := []tree.Field{
		{Key: "id", Value: tree.NewNumber(strconv.FormatInt(file.ID, 10))}, {Key: "name", Value: tree.NewString(file.Title)},
		{Key: "size", Value: tree.NewNumber(strconv.FormatInt(file.Size, 10))}, {Key: "mime_type", Value: mime},
	}
	if l.Options.FileFormat == fileBase64 && file.Storage == catalog.InStore {
		v, err = w.content(file)
		return tree.NewObject(append(fields, tree.Field{Key: "content", Value: v})), err
	}
	return tree.NewObject(append(fields, tree.Field{Key: "url", Value: tree.NewString(w.x.fileURL(file))})), nil
}

// fileURL is an address of a file that is valid for a while.
func (x *Exchange) fileURL(file *catalog.File) string {
	if file.Storage != catalog.InStore {
		return file.URL
	}
	if x.links == nil {
		x.links = x.s.options.Catalog.FileLinksFor(x.Base, fileLinkValid)
	}
	if x.links == nil {
		return ""
	}
	return x.links.URL(file.ID, file.URL)
}

// content is a file's content; null for one that is too large.
func (w *shower) content(file *catalog.File) (tree.Value, error) {
	b := &w.x.files
	if w.light || file.Size > maxFileBytes {
		return tree.Value{}, nil
	}
	if b.shown += int(file.Size); b.shown > maxRequestBytes {
		return tree.Value{}, Refuse(400, "INVALID_PARAMETER", "The files of the answer have more than %d bytes; ask for fewer records", maxRequestBytes)
	}
	content, err := w.x.s.options.Catalog.Content(w.ctx, file.URL)
	if fault.Is(err, fault.NotFound) {
		return tree.Value{}, nil
	}
	if err != nil {
		return tree.Value{}, err
	}
	defer content.Close()
	data, err := io.ReadAll(io.LimitReader(content, maxFileBytes+1))
	if err != nil || len(data) > maxFileBytes {
		return tree.Value{}, err
	}
	return tree.NewString(base64.StdEncoding.EncodeToString(data)), nil
}

// files reads the files of a field. Those that the item brings are stored at once; what
// is not attached to a record then goes by itself.
func (r *reader) files(l *mapLine, v tree.Value) error {
	f := l.Field()
	var files catalog.Files
	for i, e := range oneOrMany(v) {
		if isBlank(e) {
			continue
		}
		key := l.ExternalKey
		if v.Kind == tree.List {
			key += "[" + strconv.Itoa(i) + "]"
		}
		file, bad, err := r.x.file(r.ctx, l, e)
		if err != nil {
			return err
		}
		if bad != nil {
			r.complain(l, key, bad)
			return nil
		}
		if file != nil {
			files = append(files, *file)
		}
	}
	if len(files) > 1 && !f.Config.Multi {
		r.complain(l, l.ExternalKey, wrongly(tooManyCode, "only one file is allowed"))
		return nil
	}
	had, _ := r.had(f).(catalog.Files)
	if r.known(f) && sameFiles(had, files) {
		return nil
	}
	var value catalog.Value
	if len(files) > 0 {
		value = files
	}
	r.out.Values = append(r.out.Values, catalog.FieldValue{Field: f.Num, Value: value})
	return nil
}

// sameFiles tells whether files that an item names are those that the record has.
func sameFiles(had, files catalog.Files) bool {
	if len(had) != len(files) {
		return false
	}
	for i, file := range files {
		byID := file.ID == had[i].ID && file.ID != 0
		byURL := file.ID == 0 && file.URL == had[i].URL && had[i].Storage == catalog.Elsewhere
		if !byID && !byURL || file.Title != "" && file.Title != had[i].Title {
			return false
		}
	}
	return true
}

// file reads {id}, {name, content}, {url, name}, {src, title}, or an address; nil for
// one that a dry run does not store.
func (x *Exchange) file(ctx context.Context, l *mapLine, v tree.Value) (*catalog.File, *wrong, error) {
	if v.Kind == tree.String {
		file, bad := fileElsewhere(v.Str(), "")
		return file, bad, nil
	}
	expected := fault.Msg("a file: {id}, {name, content}, {url, name} or {src, title}")
	name := fileName(v)
	id, _ := v.Get("id")
	content, brings := v.Get("content")
	address, fetches := v.Get("url")
	src, elsewhere := v.Get("src")
	switch n, whole := id.Int(); {
	case v.Kind != tree.Object:
		return nil, mistyped(expected, v), nil
	case whole && n > 0:
		return &catalog.File{ID: n, Title: name}, nil, nil
	case !isBlank(id):
		return nil, mistyped(fault.Msg("the id of a file"), id), nil
	case brings && content.Kind == tree.String:
		return x.brought(ctx, content.Str(), name)
	case elsewhere && src.Kind == tree.String:
		file, bad := fileElsewhere(src.Str(), name)
		return file, bad, nil
	case fetches && address.Kind == tree.String && !l.Options.FetchFiles:
		return nil, wrongly(formatCode, "files are not fetched here; send the content or {src, title}"), nil
	case fetches && address.Kind == tree.String:
		return x.fetched(ctx, address.Str(), name)
	}
	return nil, mistyped(expected, v), nil
}

func fileName(v tree.Value) string {
	name, _ := v.Get("name")
	if name.Str() == "" {
		name, _ = v.Get("title")
	}
	return name.Str()
}

// fileElsewhere is a link to a file that stays where it is.
func fileElsewhere(address, title string) (*catalog.File, *wrong) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, wrongly(formatCode, "the address of a file must begin with http:// or https://")
	}
	if title == "" {
		title = titleOfURL(u)
	}
	return &catalog.File{URL: address, Title: title, Storage: catalog.Elsewhere}, nil
}

// titleOfURL names a file by its address.
func titleOfURL(u *url.URL) string {
	base := strings.ReplaceAll(strings.ToValidUTF8(path.Base(u.Path), "\uFFFD"), "\x00", "")
	if base == "." || base == "/" || base == "" {
		base = u.Host
	}
	return cut(base)
}

// brought stores a file whose content the item has as base64.
func (x *Exchange) brought(ctx context.Context, content, name string) (*catalog.File, *wrong, error) {
	if base64.StdEncoding.DecodedLen(len(content)) > maxFileBytes+3 {
		return nil, wrongly(tooLongCode, "a file has at most %d bytes", maxFileBytes), nil
	}
	data, err := base64.StdEncoding.DecodeString(content)
	if err != nil {
		if data, err = base64.RawStdEncoding.DecodeString(content); err != nil {
			return nil, wrongly(formatCode, "the content of a file is not base64"), nil
		}
	}
	return x.store(ctx, data, name, "")
}

// fetched stores a file that is at an address.
func (x *Exchange) fetched(ctx context.Context, address, name string) (*catalog.File, *wrong, error) {
	if x.s.options.Client == nil {
		return nil, wrongly(formatCode, "files are not fetched here; send the content or {src, title}"), nil
	}
	if x.files.files >= maxRequestFiles {
		return nil, wrongly(tooManyCode, "a request brings at most %d files", maxRequestFiles), nil
	}
	u, err := x.s.options.Client.CheckURL(address)
	if err != nil {
		return nil, wrongly(formatCode, "the file cannot be fetched from there: %s", why(err)), nil
	}
	if x.Dry {
		return nil, nil, nil
	}
	res, err := x.s.options.Client.Do(ctx, outbound.Request{URL: address, Timeout: fetchTimeout, MaxBody: maxFileBytes})
	switch {
	case ctx.Err() != nil:
		return nil, nil, ctx.Err()
	case err != nil:
		return nil, wrongly(formatCode, "the file cannot be fetched from there: %s", why(err)), nil
	case res.Status != http.StatusOK || res.Header.Get("Content-Encoding") != "":
		return nil, wrongly(formatCode, "the file cannot be fetched from there: the answer is %d", res.Status), nil
	}
	if name == "" {
		name = titleOfURL(u)
	}
	mime, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	return x.store(ctx, res.Body, name, strings.TrimSpace(mime))
}

// why is what people may know of a call that failed.
func why(err error) fault.Message {
	if e, ok := err.(*outbound.Error); ok {
		return e.Message
	}
	return fault.Msg("the address is not valid")
}

// store keeps a content as a file of the actor.
func (x *Exchange) store(ctx context.Context, data []byte, name, mime string) (*catalog.File, *wrong, error) {
	if bad := x.files.take(len(data)); bad != nil {
		return nil, bad, nil
	}
	if x.Dry {
		return nil, nil, nil
	}
	s := x.s.options.Catalog
	made, err := s.RegisterFile(ctx, x.actor, catalog.FileInput{Name: name, MimeType: mime, Size: int64(len(data))})
	if err != nil {
		return nil, nil, FaultError(err, x.plan.Compiled)
	}
	form := &blob.Form{File: bytes.NewReader(data), Fields: map[string]string{
		"key": made.Key, "acl": blob.ACL, "awsaccesskeyid": made.KeyID, "policy": made.Policy, "signature": made.Signature,
	}}
	if err := s.Receive(ctx, form); err != nil {
		return nil, nil, FaultError(err, x.plan.Compiled)
	}
	if _, err := s.ConfirmFile(ctx, x.actor, made.ID, catalog.ConfirmInput{}); err != nil {
		return nil, nil, FaultError(err, x.plan.Compiled)
	}
	return &catalog.File{ID: made.ID}, nil, nil
}
