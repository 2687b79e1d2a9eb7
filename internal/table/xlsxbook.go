package table

import (
	"slices"
	"strconv"
	"strings"

	"kartoteka/internal/fault"
)

// workbook is what has to be known of a workbook to read one of its sheets.
type workbook struct {
	archive  *archive
	sheets   []sheetPart // those with a table that are shown
	date1904 bool
	styles   []numberFormat // by the number that cells have
	strings  *sharedStrings
}

type sheetPart struct{ name, part string }

func openWorkbook(a *archive) (*workbook, error) {
	main, err := a.mainPart()
	if err != nil {
		return nil, err
	}
	related, err := a.relations(main)
	if err != nil {
		return nil, err
	}
	b := &workbook{archive: a}
	err = a.scan(main, func(s *xmlScanner) error {
		switch s.name {
		case "workbookPr":
			b.date1904 = s.attr("date1904") == "1" || s.attr("date1904") == "true"
		case "sheet":
			if r := related[s.attr("id")]; r.kind == "worksheet" && !strings.Contains(strings.ToLower(s.attr("state")), "hidden") {
				b.sheets = append(b.sheets, sheetPart{s.attr("name"), r.target})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, r := range related {
		switch r.kind {
		case "styles":
			err = b.readStyles(r.target)
		case "sharedStrings":
			b.strings, err = readStrings(a, r.target)
		}
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

// mainPart is the one that the others hang on.
func (a *archive) mainPart() (string, error) {
	related, err := a.relations("")
	if err != nil {
		return "", err
	}
	for _, r := range related {
		if r.kind == "officeDocument" && strings.HasSuffix(r.target, ".xml") && a.parts[strings.ToLower(r.target)] != nil {
			return r.target, nil
		}
	}
	switch {
	case a.parts["xl/workbook.xml"] != nil:
		return "xl/workbook.xml", nil
	case a.parts["mimetype"] != nil && a.parts["content.xml"] != nil, a.parts["xl/workbook.bin"] != nil:
		return "", fault.New(fault.InvalidParameter, "workbooks of this kind cannot be read; save the sheet as XLSX or CSV")
	}
	return "", fault.New(fault.InvalidParameter, "the file is a ZIP archive and no XLSX workbook")
}

// sheet gives the sheet of that name, the first one for "".
func (b *workbook) sheet(name string) (sheetPart, error) {
	if len(b.sheets) == 0 {
		return sheetPart{}, fault.New(fault.InvalidParameter, "the workbook has no sheet with a table")
	}
	if name == "" {
		return b.sheets[0], nil
	}
	i := slices.IndexFunc(b.sheets, func(s sheetPart) bool { return strings.EqualFold(s.name, name) })
	if i < 0 {
		names := make([]string, min(len(b.sheets), 20))
		for n := range names {
			names[n] = strconv.Quote(shorten(b.sheets[n].name))
		}
		return sheetPart{}, fault.New(fault.InvalidParameter, "the workbook has no sheet %q but %s", shorten(name), strings.Join(names, ", "))
	}
	return b.sheets[i], nil
}

// Limits of the texts that cells share, which have to be kept in memory.
const (
	maxShared      = 8 << 20 // texts
	maxSharedBytes = 128 << 20
)

// sharedStrings are the texts that cells name by number.
type sharedStrings struct {
	data []byte
	ends []uint32
	// large are those that are too large for a cell and not kept.
	large map[int]bool
}

func (s *sharedStrings) get(n int) (text string, large, ok bool) {
	if s == nil || n < 0 || n >= len(s.ends) {
		return "", false, false
	}
	from := uint32(0)
	if n > 0 {
		from = s.ends[n-1]
	}
	return string(s.data[from:s.ends[n]]), s.large[n], true
}

func readStrings(a *archive, name string) (*sharedStrings, error) {
	body, err := a.open(name, 0)
	if err != nil || body == nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	all := &sharedStrings{large: map[int]bool{}}
	x := newXMLScanner(body)
	for {
		token, err := x.next()
		switch {
		case isEnd(err):
			return all, nil
		case err != nil:
			return nil, err
		case token != xmlStart || x.name != "si":
			continue
		}
		if err := all.add(x); err != nil {
			return nil, err
		}
	}
}

// add reads one text after its start tag.
func (s *sharedStrings) add(x *xmlScanner) error {
	from := len(s.data)
	var large bool
	var err error
	if s.data, large, err = readRich(x, s.data); err != nil {
		return err
	}
	if large {
		s.data, s.large[len(s.ends)] = s.data[:from], true
	}
	if s.ends = append(s.ends, uint32(len(s.data))); len(s.ends) > maxShared || len(s.data) > maxSharedBytes {
		return fault.New(fault.InvalidParameter, "the workbook has more than %d megabytes of text; save the sheet as CSV", maxSharedBytes>>20)
	}
	return nil
}

// readRich appends the text of an element made of runs, up to its end; phonetic
// hints are none of it. A text larger than a cell may be is cut.
func readRich(x *xmlScanner, dst []byte) (_ []byte, large bool, err error) {
	from, taken := len(dst), false
	for inside := 1; inside > 0; {
		token, err := x.next()
		if err != nil {
			return dst, false, partError(err)
		}
		switch {
		case token == xmlStart && x.name == "rPh":
			if err := x.skip(); err != nil {
				return dst, false, err
			}
		case token == xmlStart:
			inside++
			taken = x.name == "t"
		case token == xmlEnd:
			inside--
			taken = false
		case taken && len(dst)-from+len(x.text) > 8*MaxCell: // an escape has 7 bytes for one
			large = true
		case taken && !large:
			dst = append(dst, x.text...)
		}
	}
	text := unescapeCell(dst[from:])
	return dst[:from+len(text)], large || len(text) > MaxCell, nil
}

// unescapeCell decodes _x000D_ in place, which is how characters are written
// that XML cannot have.
func unescapeCell(b []byte) []byte {
	out := b[:0]
	for i := 0; i < len(b); {
		if b[i] == '_' && i+7 <= len(b) && b[i+1] == 'x' && b[i+6] == '_' {
			if n, err := strconv.ParseUint(string(b[i+2:i+6]), 16, 16); err == nil && n < 0xD800 {
				out = append(out, string(rune(n))...) // at most 3 bytes for 7
				i += 7
				continue
			}
		}
		out = append(out, b[i])
		i++
	}
	return out
}
