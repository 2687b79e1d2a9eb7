package blob

import (
	"crypto/rand"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Names of what is made of an image, beside it.
const (
	PreviewName   = "preview.png"
	ThumbnailName = "thumbnail.png"
)

// maxName is the longest name in a key, in bytes: file systems take 255.
const maxName = 150

// nameless stands for a name of which nothing is left.
const nameless = "file"

var keyForm = regexp.MustCompile(`^[1-9][0-9]{0,9}/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/[^/]+$`)

// NewKey makes the key of a new file of a company.
func NewKey(company int64, name string) string {
	name = KeyName(name)
	if strings.EqualFold(name, PreviewName) || strings.EqualFold(name, ThumbnailName) {
		name = "_" + name // those names are taken
	}
	return strconv.FormatInt(company, 10) + "/" + newID() + "/" + name
}

// newID makes a random identifier of 122 bits in the usual form.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: the runtime ends the program instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// ValidKey tells whether a text is a key that NewKey could have made, or that of
// a preview: the only form that reaches a store.
func ValidKey(key string) bool {
	return keyForm.MatchString(key) && path.Base(key) == KeyName(path.Base(key))
}

// Company is the number that a valid key begins with.
func Company(key string) int64 {
	number, _, _ := strings.Cut(key, "/")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// FolderOf is the folder of a content and its previews.
func FolderOf(key string) string { return path.Dir(key) }

// Beside is the key of another content in the folder of a key.
func Beside(key, name string) string { return path.Dir(key) + "/" + name }

// KeyName makes of any text a name that is safe in paths, addresses and headers:
// one part, no controls, no marks that turn the direction of writing, nothing that
// a file system gives a meaning.
func KeyName(name string) string {
	name = strings.Map(safeRune, strings.ToValidUTF8(name, "_"))
	name = strings.Trim(norm.NFC.String(name), ". ")
	if len(name) > maxName {
		name = shortened(name)
	}
	if name == "" {
		return nameless
	}
	if reserved.MatchString(name) {
		return "_" + name
	}
	return name
}

// reserved are names of devices on Windows, with any extension.
var reserved = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$`)

func safeRune(r rune) rune {
	switch {
	case strings.ContainsRune(`/\:*?"<>|`, r):
		return '_'
	case unicode.IsSpace(r):
		return ' '
	case unicode.In(r, unicode.C, unicode.Zl, unicode.Zp):
		return -1
	}
	return r
}

// shortened cuts a name and keeps its extension, unless that is most of it.
func shortened(name string) string {
	ext := path.Ext(name)
	if len(ext) > 20 {
		ext = ""
	}
	cut := name[:maxName-len(ext)]
	for !utf8.ValidString(cut) {
		cut = cut[:len(cut)-1]
	}
	return strings.TrimRight(cut, ". ") + ext
}

// CleanTitle takes out of a file's title what would make it look like another
// one: controls, and marks that turn the direction of writing.
func CleanTitle(title string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r) || unicode.In(r, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(title, "\uFFFD")))
}
