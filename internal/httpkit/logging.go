package httpkit

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"kartoteka/internal/query/tree"
)

// logHandler writes a line per record:
//
//	Sat, 21 Nov 2026 10:00:00 GMT Auth:Login auth.login_failed marker=c1f0a2 login=anna
//	{"time":"2026-11-21T10:00:00.000Z","level":"WARN","module":"Auth:Login","marker":"c1f0a2","event":"auth.login_failed","login":"anna"}
//
// The module is the attribute "module", the marker comes from the context, the
// event is the record's message.
type logHandler struct {
	out    *lockedWriter
	level  slog.Leveler
	json   bool
	module string
	group  string // prefix of keys, ends with a dot
	attrs  []byte // rendered attributes of With
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

const defaultModule = "Server"

// NewLogHandler makes the program's log: format is "text" or "json".
func NewLogHandler(w io.Writer, format string, level slog.Leveler) slog.Handler {
	return &logHandler{out: &lockedWriter{w: w}, level: level, json: format == "json", module: defaultModule}
}

func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h2 := *h
	h2.attrs = slices.Clip(h.attrs)
	for _, a := range attrs {
		h2.add(&h2.attrs, h.group, a)
	}
	return &h2
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	h2 := *h
	if name != "" {
		h2.group += name + "."
	}
	return &h2
}

var lines = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	line := *h // its own module, if the record names one
	attrs := lines.Get().(*[]byte)
	buf := lines.Get().(*[]byte)
	*attrs, *buf = (*attrs)[:0], (*buf)[:0]
	defer func() { lines.Put(attrs); lines.Put(buf) }()
	r.Attrs(func(a slog.Attr) bool { line.add(attrs, h.group, a); return true })
	if h.json {
		line.appendJSON(buf, ctx, r)
	} else {
		line.appendText(buf, ctx, r)
	}
	*buf = append(append(*buf, h.attrs...), *attrs...)
	if h.json {
		*buf = append(*buf, '}')
	}
	*buf = append(*buf, '\n')
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	_, err := h.out.w.Write(*buf)
	return err
}

func (h *logHandler) appendText(buf *[]byte, ctx context.Context, r slog.Record) {
	*buf = r.Time.UTC().AppendFormat(*buf, http.TimeFormat)
	*buf = append(*buf, ' ')
	*buf = append(*buf, h.module...)
	*buf = append(*buf, ' ')
	*buf = appendWord(*buf, r.Message)
	if r.Level != slog.LevelInfo {
		h.pair(buf, "level", strings.ToLower(r.Level.String()))
	}
	if id := RequestID(ctx); id != "" {
		h.pair(buf, "marker", id)
	}
}

func (h *logHandler) appendJSON(buf *[]byte, ctx context.Context, r slog.Record) {
	*buf = append(*buf, `{"time":"`...)
	*buf = r.Time.UTC().AppendFormat(*buf, "2006-01-02T15:04:05.000Z")
	*buf = append(*buf, '"')
	h.pair(buf, "level", r.Level.String())
	h.pair(buf, "module", h.module)
	if id := RequestID(ctx); id != "" {
		h.pair(buf, "marker", id)
	}
	h.pair(buf, "event", r.Message)
}

// add renders an attribute, or takes it as the module.
func (h *logHandler) add(buf *[]byte, prefix string, a slog.Attr) {
	v := a.Value.Resolve()
	switch {
	case a.Key == "module" && v.Kind() == slog.KindString:
		h.module = v.String()
	case v.Kind() == slog.KindGroup:
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, inner := range v.Group() {
			h.add(buf, prefix, inner)
		}
	case a.Key == "":
	default:
		h.value(buf, prefix+a.Key, v)
	}
}

func (h *logHandler) value(buf *[]byte, key string, v slog.Value) {
	switch v.Kind() {
	case slog.KindInt64:
		h.key(buf, key)
		*buf = strconv.AppendInt(*buf, v.Int64(), 10)
	case slog.KindUint64:
		h.key(buf, key)
		*buf = strconv.AppendUint(*buf, v.Uint64(), 10)
	case slog.KindBool:
		h.key(buf, key)
		*buf = strconv.AppendBool(*buf, v.Bool())
	case slog.KindTime:
		h.pair(buf, key, v.Time().UTC().Format(time.RFC3339Nano))
	case slog.KindAny:
		h.pair(buf, key, fmt.Sprint(v.Any()))
	default:
		h.pair(buf, key, v.String())
	}
}

func (h *logHandler) key(buf *[]byte, key string) {
	if h.json {
		*buf = append(*buf, ',')
		*buf = tree.AppendString(*buf, key)
		*buf = append(*buf, ':')
		return
	}
	*buf = append(*buf, ' ')
	*buf = appendWord(*buf, key)
	*buf = append(*buf, '=')
}

func (h *logHandler) pair(buf *[]byte, key, value string) {
	h.key(buf, key)
	if h.json {
		*buf = tree.AppendString(*buf, value)
		return
	}
	*buf = appendWord(*buf, value)
}

// appendWord quotes what would not read as one word: a caller's text must not
// look like a line or a pair of ours.
func appendWord(buf []byte, s string) []byte {
	plain := s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r == ' ' || r == '"' || r == '=' || r == '\\' || !unicode.IsPrint(r)
	})
	if plain {
		return append(buf, s...)
	}
	return strconv.AppendQuote(buf, s)
}
