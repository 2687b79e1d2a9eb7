package httpkit

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
)

// PageHeaders are those of an HTML page, which may have that style, forms to this
// server and nothing else. Other sites may frame it if framed. The referrer policy
// is not stricter because with no-referrer browsers send "Origin: null" with forms,
// which looks like another site.
func PageHeaders(h http.Header, style string, framed bool) {
	hash := sha256.Sum256([]byte(style))
	policy := "default-src 'none'; base-uri 'none'; form-action 'self'; style-src 'sha256-" +
		base64.StdEncoding.EncodeToString(hash[:]) + "'"
	if !framed {
		policy += "; frame-ancestors 'self'"
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "same-origin")
}
