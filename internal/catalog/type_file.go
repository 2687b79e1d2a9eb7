package catalog

import (
	"encoding/binary"
	"net/url"
	"strings"

	"kartoteka/internal/fault"
	"kartoteka/internal/query/text"
)

// Bounds of a file field's value.
const (
	maxFiles     = 1000
	maxFileTitle = 1000 // characters
	maxFileURL   = 4096 // bytes
)

// fileType is a list of files, in the store or elsewhere.
type fileType struct{ plain }

func (fileType) Name() string            { return "file" }
func (fileType) Storage(*Config) Storage { return FilesStorage }

func (fileType) Accept(f *Field, v Value) (Value, *fault.Detail) {
	if v == nil {
		return nil, nil
	}
	files, ok := v.(Files)
	if !ok {
		return nil, mistyped(f)
	}
	switch {
	case len(files) == 0:
		return nil, nil
	case len(files) > maxFiles:
		return nil, failed(f, fault.TooMany, "%s: at most %d entries", f.Name, maxFiles)
	case len(files) > 1 && !f.Config.Multi:
		return nil, failed(f, fault.TooMany, "%s: only one file is allowed", f.Name)
	}
	for _, file := range files {
		if d := checkFile(f, &file); d != nil {
			return nil, d
		}
	}
	return files, nil
}

func checkFile(f *Field, file *File) *fault.Detail {
	if text.Len(file.Title) > maxFileTitle || len(file.URL) > maxFileURL {
		return failed(f, fault.TooLong, "%s: the title or the address of a file is too long", f.Name)
	}
	mime := ""
	if file.MimeType != nil {
		mime = *file.MimeType
	}
	if strings.IndexByte(file.Title+file.URL+mime, 0) >= 0 || len(mime) > 255 || file.Size < 0 {
		return mistyped(f)
	}
	if file.Storage == InStore { // found by its number, see planner.resolveFiles
		return nil
	}
	u, err := url.Parse(file.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return failed(f, fault.Type, "%s: the address of a file must begin with http:// or https://", f.Name)
	}
	return nil
}

// Key is the number of files.
func (fileType) Key(_ *Field, v Value) []byte {
	if v == nil {
		return nil
	}
	return binary.BigEndian.AppendUint32(nil, uint32(len(v.(Files))))
}
