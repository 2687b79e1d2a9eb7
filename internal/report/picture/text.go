package picture

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the fonts
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"
)

var (
	//go:embed font/Roboto-Regular.ttf.gz
	regular []byte
	//go:embed font/Roboto-Medium.ttf.gz
	medium []byte
)

// fonts are the two weights, read when the first picture is drawn.
var fonts = sync.OnceValue(func() [2]*sfnt.Font { return [2]*sfnt.Font{readFont(regular), readFont(medium)} })

func readFont(packed []byte) *sfnt.Font {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic(err) // embedded at build time
	}
	data, err := io.ReadAll(r)
	if err != nil {
		panic(err)
	}
	f, err := sfnt.Parse(data)
	if err != nil {
		panic(err)
	}
	return f
}

// maxText bounds a text, in characters, before anything is measured.
const maxText = 200

// clean is the text as it can be drawn: one line of what XML 1.0 may hold,
// without characters that reorder what stands around them.
func clean(s string) string {
	var b strings.Builder
	space, n := false, 0
	for _, r := range s {
		if n == maxText {
			b.WriteRune('…')
			break
		}
		switch {
		case unicode.IsSpace(r) && r != '\u00a0' && r != '\u202f':
			space = true
			continue
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Co, r), unicode.Is(unicode.Noncharacter_Code_Point, r),
			unicode.Is(unicode.Bidi_Control, r):
			continue
		}
		if space && n > 0 {
			b.WriteByte(' ')
			n++
		}
		space = false
		b.WriteRune(r)
		n++
	}
	return norm.NFC.String(b.String())
}

// glyph is a letter in units of the font; missing where the font has none.
type glyph struct {
	advance float64
	outline sfnt.Segments
	missing bool
}

// pen measures texts and has the outlines of letters. It is for one picture.
type pen struct {
	buf    sfnt.Buffer
	glyphs map[glyphKey]*glyph
}

type glyphKey struct {
	bold bool
	r    rune
}

func fontOf(bold bool) *sfnt.Font {
	if bold {
		return fonts()[1]
	}
	return fonts()[0]
}

// glyph loads a letter.
func (p *pen) glyph(r rune, bold bool) *glyph {
	key := glyphKey{bold, r}
	if g := p.glyphs[key]; g != nil {
		return g
	}
	f := fontOf(bold)
	g := &glyph{}
	i, err := f.GlyphIndex(&p.buf, r)
	if err != nil || i == 0 {
		g.missing = true
		i = 0
	}
	if g.missing && unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		p.glyphs[key] = g // takes no room, and is not shown
		return g
	}
	ppem := fixed.I(int(f.UnitsPerEm()))
	if advance, err := f.GlyphAdvance(&p.buf, i, ppem, font.HintingNone); err == nil {
		g.advance = float64(advance) / 64 / float64(f.UnitsPerEm())
	}
	if segments, err := f.LoadGlyph(&p.buf, i, ppem, nil); err == nil {
		g.outline = append(sfnt.Segments(nil), segments...)
	}
	p.glyphs[key] = g
	return g
}

// width of a text in pixels; size is that of the font.
func (p *pen) width(s string, size float64, bold bool) float64 {
	w := 0.0
	for _, r := range s {
		w += p.glyph(r, bold).advance
	}
	return w * size
}

// known tells whether the font has all letters of a text.
func (p *pen) known(s string, bold bool) bool {
	for _, r := range s {
		if p.glyph(r, bold).missing {
			return false
		}
	}
	return true
}

// fit cuts a text so that it takes at most so much room; "" if not even one letter
// does.
func (p *pen) fit(s string, size float64, bold bool, room float64) string {
	if p.width(s, size, bold) <= room {
		return s
	}
	room -= p.width("…", size, bold)
	w, end := 0.0, 0
	for i, r := range s {
		if w += p.glyph(r, bold).advance * size; w > room {
			break
		}
		end = i + utf8.RuneLen(r)
	}
	// A mark belongs to the letter before it.
	for end > 0 && end < len(s) {
		if r, _ := utf8.DecodeRuneInString(s[end:]); !unicode.Is(unicode.Mn, r) {
			break
		}
		_, n := utf8.DecodeLastRuneInString(s[:end])
		end -= n
	}
	if s = strings.TrimRight(s[:end], " ,.;:-–—\u00a0"); s == "" {
		return ""
	}
	return s + "…"
}

// wrap breaks a text at spaces into lines that fit; nil if it needs more than so
// many, or a word does not fit.
func (p *pen) wrap(s string, size, room float64, most int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Split(s, " ") {
		longer := strings.TrimPrefix(line+" "+word, " ")
		if p.width(longer, size, false) <= room {
			line = longer
			continue
		}
		if p.width(word, size, false) > room || line == "" || len(lines) == most-1 {
			return nil
		}
		lines = append(lines, line)
		line = word
	}
	return append(lines, line)
}
