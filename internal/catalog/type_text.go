package catalog

import (
	"strings"

	"kartoteka/internal/fault"
	"kartoteka/internal/query/text"
)

// Kinds of text fields (Config.Kind); "" is KindText.
const (
	KindText      = "text"
	KindMask      = "mask"
	KindMultiline = "multiline"
	KindMail      = "mail"
	KindEditor    = "editor" // rich text, HTML
)

// Bounds of texts in bytes.
const (
	maxMultiline = 1 << 20
	maxEditor    = 5 << 20
	maxMask      = 256 // characters
)

// textType is a text of one line, of a mask, of many lines, or rich text.
type textType struct{ plain }

func (textType) Name() string            { return "text" }
func (textType) Storage(*Config) Storage { return TextStorage }

func (textType) Configure(path string, c *Config, _ *Config) []fault.Detail {
	switch c.Kind {
	case "", KindText, KindMultiline, KindMail, KindEditor:
		return nil
	case KindMask:
		if text.Len(c.Mask) > maxMask {
			return []fault.Detail{fault.At(path+".mask", fault.TooLong, "a mask has at most %d characters", maxMask)}
		}
		if _, ok := parseMask(c.Mask); !ok {
			return []fault.Detail{fault.At(path+".mask", fault.Mask, "the mask ends in a single backslash")}
		}
		return nil
	}
	return []fault.Detail{fault.At(path+".type", fault.Type, "unknown kind of text: %s", text.Cut(c.Kind, 40))}
}

// oneLine tells whether the configuration is of a text of one line.
func (c *Config) oneLine() bool { return c.Kind != KindMultiline && c.Kind != KindEditor }

func (textType) Accept(f *Field, v Value) (Value, *fault.Detail) {
	t, ok := v.(Text)
	if v == nil || ok && t == "" {
		return nil, nil
	}
	if !ok {
		return nil, mistyped(f)
	}
	s, limit := string(t), maxMultiline
	if strings.IndexByte(s, 0) >= 0 {
		return nil, failed(f, fault.Type, "%s: the text contains a NUL character", f.Name)
	}
	switch {
	case f.Config.Kind == KindEditor:
		limit = maxEditor
	case f.Config.oneLine():
		s = text.OneLine(s)
	}
	if len(s) > limit {
		return nil, failed(f, fault.TooLong, "%s: at most %d bytes", f.Name, limit)
	}
	if f.Config.Kind == KindMask && !matchesMask(f.Config.Mask, s) {
		return nil, failed(f, fault.Mask, "%s: the text does not match the mask %s", f.Name, f.Config.Mask)
	}
	if f.Config.Kind == KindEditor {
		s = sanitise(s)
	}
	if s == "" {
		return nil, nil
	}
	return Text(s), nil
}

// readable is the text that is searched and sorted by.
func readable(f *Field, v Value) string {
	s := string(v.(Text))
	if f.Config.Kind == KindEditor {
		return text.PlainText(s)
	}
	return s
}

func (textType) Search(f *Field, v Value) []SearchRow {
	if v == nil {
		return nil
	}
	return []SearchRow{{SearchText, text.Fold(readable(f, v))}}
}

func (textType) Key(f *Field, v Value) []byte {
	if v == nil {
		return nil
	}
	return text.SortKey(readable(f, v))
}
