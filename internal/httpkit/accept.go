package httpkit

import (
	"mime"
	"net/http"
	"strings"
)

// PrefersHTML tells whether the client is a browser that shows a page.
func PrefersHTML(r *http.Request) bool {
	for _, header := range r.Header["Accept"] {
		for item := range strings.SplitSeq(header, ",") {
			switch kind, _, _ := mime.ParseMediaType(item); kind {
			case "text/html", "application/xhtml+xml":
				return true
			case "application/json":
				return false
			}
		}
	}
	return false
}
