package blob

import (
	"mime"
	"path"
	"slices"
	"strings"
)

// shown are the types that a browser may show: nothing in them runs.
var shown = []string{
	"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "application/pdf", "text/plain",
}

// active are types, beside all of XML, in which a browser could run something,
// or that stand for whatever it finds in them.
var active = []string{
	"text/html", "text/css", "text/javascript", "application/javascript", "application/x-javascript", "text/ecmascript",
	"application/ecmascript", "text/jscript", "text/livescript", "text/x-javascript", "text/x-ecmascript", "application/wasm",
	"application/x-shockwave-flash", "application/java-archive", "application/x-java-applet", "application/hta",
	"text/x-component", "text/x-server-parsed-html", "message/rfc822", "text/cache-manifest", "text/vbscript",
}

const unknownType = "application/octet-stream"

// Served is the type to answer a content with, and whether a browser may show it
// rather than save it. stored is what its uploader said, which is not believed
// further than that.
func Served(stored string) (contentType string, inline bool) {
	kind, _, err := mime.ParseMediaType(stored)
	switch {
	case err != nil || strings.Count(kind, "/") != 1 || slices.Contains(active, kind) || strings.HasSuffix(kind, "xml") ||
		strings.Contains(kind, "script") || strings.HasPrefix(kind, "multipart/"):
		return unknownType, false
	case kind == "text/plain":
		return "text/plain; charset=utf-8", true
	}
	return kind, slices.Contains(shown, kind)
}

// Types that are told by a name here, whatever the machine has installed.
var byExtension = map[string]string{
	".csv": "text/csv", ".doc": "application/msword", ".gz": "application/gzip", ".json": "application/json",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".bmp": "image/bmp",
	".gif": "image/gif", ".htm": "text/html", ".html": "text/html", ".jpeg": "image/jpeg", ".jpg": "image/jpeg",
	".js": "text/javascript", ".md": "text/markdown", ".mp3": "audio/mpeg", ".mp4": "video/mp4",
	".ods": "application/vnd.oasis.opendocument.spreadsheet", ".odt": "application/vnd.oasis.opendocument.text",
	".pdf": "application/pdf", ".png": "image/png", ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".rar": "application/vnd.rar", ".rtf": "application/rtf", ".svg": "image/svg+xml", ".txt": "text/plain",
	".wav": "audio/wav", ".webm": "video/webm", ".webp": "image/webp", ".xls": "application/vnd.ms-excel", ".xml": "application/xml",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".zip": "application/zip",
}

// TypeByName guesses a type by a file's name, "" if it tells nothing.
func TypeByName(name string) string { return byExtension[strings.ToLower(path.Ext(name))] }
