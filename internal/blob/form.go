package blob

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strings"

	"kartoteka/internal/fault"
)

// What a form may have before its file: a policy is by far the longest part.
const (
	maxFields = 32
	maxHead   = 64 << 10 // bytes of all parts with their headers
)

// Form is a form that uploads a file, read up to the file.
type Form struct {
	// Fields are the texts by their names in lower case.
	Fields map[string]string
	// File is the rest: the content of the file.
	File io.Reader
}

// ReadForm reads a form up to its file, which must be the last part. It takes no
// more memory than the parts before it may have. It fails with InvalidParameter.
func ReadForm(contentType string, body io.Reader) (*Form, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/form-data" || params["boundary"] == "" {
		return nil, fault.New(fault.InvalidParameter, "A file is uploaded as multipart/form-data")
	}
	head := &bounded{from: body, left: maxHead}
	parts := multipart.NewReader(head, params["boundary"])
	form := &Form{Fields: map[string]string{}}
	for range maxFields {
		part, err := parts.NextRawPart()
		if err != nil {
			return nil, badForm(head, err)
		}
		name := strings.ToLower(part.FormName())
		if name == "file" {
			head.lifted = true
			form.File = &arrival{part}
			return form, nil
		}
		if _, twice := form.Fields[name]; twice {
			return nil, fault.New(fault.InvalidParameter, "The form has the field %s twice", KeyName(name))
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, badForm(head, err)
		}
		form.Fields[name] = string(value)
	}
	return nil, tooManyParts()
}

func tooManyParts() error {
	return fault.New(fault.InvalidParameter, "The form has too much before its file: at most %d fields and %d bytes", maxFields, maxHead)
}

func badForm(head *bounded, err error) error {
	switch {
	case head.left <= 0:
		return tooManyParts()
	case errors.Is(err, io.EOF):
		return fault.New(fault.InvalidParameter, "The form has no field file")
	}
	return fault.Wrap(err, fault.InvalidParameter, "The form did not arrive whole")
}

// bounded gives so many bytes and then fails, unless the bound is lifted.
type bounded struct {
	from   io.Reader
	left   int
	lifted bool
}

var errBound = errors.New("blob: the bound is reached")

func (b *bounded) Read(p []byte) (int, error) {
	if b.lifted {
		return b.from.Read(p)
	}
	if b.left <= 0 {
		return 0, errBound
	}
	n, err := b.from.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// arrival is the content of an arriving file: that it does not arrive is the
// sender's fault.
type arrival struct{ from io.Reader }

func (a *arrival) Read(p []byte) (int, error) {
	n, err := a.from.Read(p)
	if err != nil && err != io.EOF {
		err = fault.Wrap(err, fault.InvalidParameter, "The file did not arrive whole")
	}
	return n, err
}

// Limit is a content of at most most bytes: a longer one fails with BodyTooLarge.
// At its end it asks whether it may still be stored.
func Limit(content io.Reader, most int64, atEnd func() error) io.Reader {
	return &limited{content, most, most, atEnd}
}

type limited struct {
	from       io.Reader
	left, most int64
	atEnd      func() error
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.from.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, fault.New(fault.BodyTooLarge, "the file is larger than %d bytes", l.most)
	}
	if err == io.EOF {
		if refused := l.atEnd(); refused != nil {
			err = refused
		}
	}
	return n, err
}
