package table

import (
	"archive/zip"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"kartoteka/internal/fault"
)

// Limits of what is unpacked.
const (
	// maxDirectory bounds the list of a workbook's parts, in bytes.
	maxDirectory = 4 << 20
	// maxRatio is how many times its packed size a part may have once it is
	// larger than bigPart; Deflate can pack a thousand times.
	maxRatio = 200
	bigPart  = 64 << 20
	// maxSmallPart bounds parts that are not tables: names, styles.
	maxSmallPart = 16 << 20
)

// randomAccess is what a workbook is read from: its list of parts is at its end.
type randomAccess interface {
	io.ReaderAt
	io.Seeker
}

// archive is a workbook's file.
type archive struct {
	in    *meteredAt
	parts map[string]*zip.File // by name in lower case
}

// meteredAt counts what is read, and fails when that is more than allowed.
type meteredAt struct {
	r    io.ReaderAt
	n    int64
	size int64
	most int64 // 0: no limit
}

var errDirectory = errors.New("the list of parts is too long")

func (m *meteredAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := m.r.ReadAt(p, off)
	if m.n += int64(n); m.most > 0 && m.n > m.most {
		return n, errDirectory
	}
	return n, err
}

func openArchive(r randomAccess) (*archive, error) {
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, inputError(err)
	}
	a := &archive{in: &meteredAt{r: r, size: size, most: maxDirectory}, parts: map[string]*zip.File{}}
	z, err := zip.NewReader(a.in, size)
	if err != nil {
		return nil, partError(err)
	}
	a.in.most, a.in.n = 0, 0
	for _, f := range z.File {
		name := strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(f.Name, `\`, "/"), "/"))
		if _, twice := a.parts[name]; twice {
			return nil, fault.New(fault.InvalidParameter, "the workbook is damaged: the part %s is there twice", shorten(name))
		}
		a.parts[name] = f
	}
	return a, nil
}

// partError tells the input's own errors from those of damaged content.
func partError(err error) error {
	var known *fault.Error
	var corrupt flate.CorruptInputError
	if errors.Is(err, io.EOF) { // which means the end of a table to others
		err = io.ErrUnexpectedEOF
	}
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, errDirectory), errors.Is(err, zip.ErrFormat), errors.Is(err, zip.ErrAlgorithm), errors.Is(err, zip.ErrChecksum),
		errors.Is(err, zip.ErrInsecurePath), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &corrupt):
		return fault.Wrap(err, fault.InvalidParameter, "the workbook is damaged or cut off")
	}
	return fmt.Errorf("read table: %w", err)
}

// open opens a part, nil if it is not there. most bounds its size, 0 for that of
// a table.
func (a *archive) open(name string, most int64) (io.ReadCloser, error) {
	f := a.parts[strings.ToLower(name)]
	if f == nil {
		return nil, nil
	}
	if f.Flags&1 != 0 {
		return nil, fault.New(fault.InvalidParameter, "the workbook is protected by a password; save it without one")
	}
	body, err := f.Open()
	if err != nil {
		return nil, partError(err)
	}
	if most == 0 {
		most = max(bigPart, int64(min(f.CompressedSize64, 1<<50))*maxRatio)
	}
	return &unpacked{body, most}, nil
}

// unpacked is a part's content up to a limit.
type unpacked struct {
	io.ReadCloser
	left int64
}

func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	if u.left -= int64(n); u.left < 0 {
		return 0, fault.New(fault.InvalidParameter, "the workbook unpacks to far more than its size; save the sheet as CSV if that is right")
	}
	return n, err
}

// scan calls each for every start tag of a small part, which need not be there.
func (a *archive) scan(name string, each func(s *xmlScanner) error) error {
	body, err := a.open(name, maxSmallPart)
	if err != nil || body == nil {
		return err
	}
	defer func() { _ = body.Close() }()
	s := newXMLScanner(body)
	for {
		token, err := s.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case token == xmlStart:
			if err := each(s); err != nil {
				return err
			}
		}
	}
}

// relation is what a part says of another one.
type relation struct{ kind, target string }

// relations lists those of a part by id. kind is the last word of the type,
// which has two long forms.
func (a *archive) relations(of string) (map[string]relation, error) {
	dir, base := path.Split(of)
	all := map[string]relation{}
	err := a.scan(dir+"_rels/"+base+".rels", func(s *xmlScanner) error {
		if s.name != "Relationship" || s.attr("TargetMode") == "External" {
			return nil
		}
		target := s.attr("Target")
		if !strings.HasPrefix(target, "/") {
			target = path.Join("/", dir, target)
		}
		all[s.attr("Id")] = relation{path.Base(s.attr("Type")), strings.TrimPrefix(path.Clean(target), "/")}
		return nil
	})
	return all, err
}
