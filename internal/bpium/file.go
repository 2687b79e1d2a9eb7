package bpium

import (
	"bytes"
	"encoding/json"
	"math"

	"kartoteka/internal/blob"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query/tree"
)

// remoteStorage is the only kind of storage that files are uploaded to.
const remoteStorage = "remoteStorage"

// DecodeFile reads the body of a file to register.
func DecodeFile(v tree.Value) (in catalog.FileInput, err error) {
	b, err := newBody(v)
	if err != nil {
		return in, err
	}
	if name := b.textOrNull("name"); name != nil {
		in.Name = *name
	}
	if mime := b.textOrNull("mimeType"); mime != nil {
		in.MimeType = *mime
	}
	in.Size = b.size("size")
	if storage := b.textOrNull("typeStorage"); storage != nil && *storage != "" && *storage != remoteStorage {
		b.refuse("typeStorage", fault.InvalidParameter, "files are uploaded to %s only", remoteStorage)
	}
	if id := b.id("catalogId"); id != nil {
		in.Catalog = CatalogKey(*id)
	}
	if id := b.id("recordId"); id != nil {
		in.Record = RecordKey(*id)
	}
	if id := b.id("fieldId"); id != nil {
		in.Field = *id
	}
	return in, b.err()
}

// size reads a number of bytes; 0 when it is absent.
func (b body) size(name string) int64 {
	n := b.number(name)
	if n == nil {
		return 0
	}
	if *n < 0 || *n != math.Trunc(*n) || *n > 1<<53 {
		b.refuse(name, fault.Type, "expected a whole number")
		return 0
	}
	return int64(*n)
}

// DecodeConfirmation reads what an uploader says of a file that has arrived. The
// real size counts, whatever is said.
func DecodeConfirmation(v tree.Value) (in catalog.ConfirmInput, err error) {
	b, err := newBody(v)
	if err != nil {
		return in, err
	}
	in.Name, in.MimeType = b.textOrNull("name"), b.textOrNull("mimeType")
	if key := b.textOrNull("url"); key != nil && *key != "" {
		in.Key = key
	}
	b.size("size")
	return in, b.err()
}

// EncodeRegistered adds what lets a client upload a file to that address.
func EncodeRegistered(dst []byte, f *catalog.Registered, uploadURL string) []byte {
	w := writer{b: dst}
	w.open('{')
	w.number("fileId", f.ID)
	w.str("uploadUrl", uploadURL)
	w.str("redirect", "/api/v1/files/upload?type=s3")
	w.str("acl", blob.ACL)
	w.str("fileKey", f.Key)
	w.str("AWSAccessKeyId", f.KeyID)
	w.str("police", f.Policy) // so spelled
	w.str("signature", f.Signature)
	w.end('}')
	return w.b
}

// EncodeFile adds a confirmed file. Its previews are keys here, and links in
// values of records.
func EncodeFile(dst []byte, f *catalog.StoredFile, links *catalog.FileLinks) []byte {
	return appendFile(dst, &f.File, links, func(name string) string { return blob.Beside(f.URL, name) })
}

// inStore is what tells a list of stored files that has one in our store: quotes
// within texts are escaped there.
var inStore = []byte(`"typeStorage":"` + catalog.InStore + `"`)

// appendFiles adds stored files with what clients make of them.
func appendFiles(dst, stored []byte, links *catalog.FileLinks) []byte {
	if !bytes.Contains(stored, inStore) {
		return appendElsewhere(dst, stored)
	}
	var files catalog.Files
	if json.Unmarshal(stored, &files) != nil {
		return append(dst, "[]"...) // `kartoteka check` tells
	}
	dst = append(dst, '[')
	for i := range files {
		if i > 0 {
			dst = append(dst, ',')
		}
		f := &files[i]
		dst = appendFile(dst, f, links, func(name string) string { return address(links, f.ID, blob.Beside(f.URL, name)) })
	}
	return append(dst, ']')
}

func address(links *catalog.FileLinks, id int64, key string) string {
	if links == nil {
		return key
	}
	return links.URL(id, key)
}

// appendFile adds a file; preview tells where one of its previews is.
func appendFile(dst []byte, f *catalog.File, links *catalog.FileLinks, preview func(name string) string) []byte {
	w := writer{b: dst}
	w.open('{')
	w.number("id", f.ID)
	w.str("title", f.Title)
	url := f.URL
	if f.Storage == catalog.InStore {
		url = address(links, f.ID, f.URL)
	}
	w.str("url", url)
	w.number("size", f.Size)
	if f.MimeType == nil {
		w.key("mimeType")
		w.raw("null")
	} else {
		w.str("mimeType", *f.MimeType)
	}
	w.str("typeStorage", f.Storage)
	w.key("metadata")
	if f.Image == nil {
		w.raw("null")
	} else {
		w.open('{')
		w.key("size")
		w.open('{')
		w.number("width", int64(f.Image.Width))
		w.number("height", int64(f.Image.Height))
		w.end('}')
		w.str("preview", preview(blob.PreviewName))
		w.str("thumbnail", preview(blob.ThumbnailName))
		w.end('}')
	}
	w.end('}')
	return w.b
}

// appendElsewhere adds stored files that are elsewhere, with the member that only
// previews fill.
func appendElsewhere(dst, stored []byte) []byte {
	depth, quoted := 0, false
	start := 0
	for i := 0; i < len(stored); i++ {
		switch c := stored[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				dst = append(dst, stored[start:i]...)
				dst = append(dst, `,"metadata":null`...)
				start = i
			}
		}
	}
	return append(dst, stored[start:]...)
}
