package syncapi

import (
	"crypto/sha256"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"kartoteka/internal/apisync"
)

const apiVersion = "1.0"

// name finds out how the request is called: as its sender calls it, or else anew.
func (x *exchange) name() {
	x.id = x.r.Header.Get("X-Request-ID")
	if !visible(x.id, 128) {
		x.id = uuid.Must(uuid.NewV7()).String()
	}
	h := x.w.Header()
	h.Set("X-Request-ID", x.id)
	h.Set("X-API-Version", apiVersion)
}

// visible tells whether a text is 1 to most visible ASCII characters.
func visible(s string, most int) bool {
	return s != "" && len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// checkHeaders refuses versions, media types and encodings that are not served.
func (x *exchange) checkHeaders() error {
	h := x.r.Header
	if v := h.Get("X-API-Version"); !slices.Contains([]string{"", "1", "1.0", "v1"}, v) {
		return apisync.Refuse(http.StatusBadRequest, "UNSUPPORTED_API_VERSION", "there is no such version of the API").With("supported", []string{apiVersion})
	}
	if !x.sends() {
		return nil
	}
	if t := h.Get("Content-Type"); t != "" && !isJSON(t) {
		return apisync.Refuse(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "the body must be JSON in UTF-8 (Content-Type: application/json)")
	}
	if e := strings.ToLower(h.Get("Content-Encoding")); e != "" && e != "gzip" && e != "identity" {
		return apisync.Refuse(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "the body may be compressed with gzip only")
	}
	return nil
}

// sends tells whether the request has a body that is read.
func (x *exchange) sends() bool {
	return x.method() != http.MethodGet && x.r.Body != nil && x.r.ContentLength != 0
}

func isJSON(header string) bool {
	kind, params, err := mime.ParseMediaType(header)
	if err != nil {
		return false
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return false
	}
	return kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
}

// flag reads a parameter or header that is true or false.
func (x *exchange) flag(parameter, header string) (bool, error) {
	text := ""
	for _, p := range x.query {
		if p.Key == parameter {
			text = p.Value
		}
	}
	if text == "" && header != "" {
		text = x.r.Header.Get(header)
	}
	if text == "" {
		return false, nil
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		return false, apisync.Refuse(http.StatusBadRequest, "INVALID_PARAMETER", "%s must be true or false", parameter).With("parameter", parameter)
	}
	return on, nil
}

// once gives the key of a request that is carried out once, nil when it has none.
func (x *exchange) once() (*apisync.Once, error) {
	method := x.method()
	if method == http.MethodGet {
		return nil, nil
	}
	key, strict := x.r.Header.Get("Idempotency-Key"), true
	if key == "" {
		if method != http.MethodPost || x.r.Header.Get("X-Request-ID") != x.id {
			return nil, nil
		}
		key, strict = x.id, false
	} else {
		key = strings.TrimSuffix(strings.TrimPrefix(key, `"`), `"`)
		if !visible(strings.ReplaceAll(key, " ", "_"), 255) {
			return nil, apisync.Refuse(http.StatusBadRequest, "INVALID_HEADER", "%s must have 1 to %d visible ASCII characters", "Idempotency-Key", 255).With("header", "Idempotency-Key")
		}
	}
	o := &apisync.Once{Hash: sha256.Sum256(x.body), Strict: strict}
	from := "ip " + x.ip.String()
	switch {
	case x.credential != nil:
		from = "credential " + strconv.FormatInt(x.credential.ID, 10)
	case x.actor.Employee != x.config.RunAs:
		from = "employee " + strconv.FormatInt(int64(x.actor.Employee), 10)
	}
	parts := []string{strconv.FormatInt(x.config.ID, 10), from, method, x.r.URL.EscapedPath(), x.r.URL.RawQuery, key}
	if !strict {
		parts = append(parts, string(o.Hash[:]))
	}
	o.Key = sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return o, nil
}
