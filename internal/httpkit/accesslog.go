package httpkit

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

func (k *Kit) logStart(ctx context.Context, r *http.Request) {
	if !k.opt.Log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	k.opt.Log.LogAttrs(ctx, slog.LevelDebug, "request.start", slog.String("module", "Router:Api"),
		slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.String("query", maskQuery(r.URL.RawQuery)))
}

func (k *Kit) logEnd(ctx context.Context, r *http.Request, res *response, start time.Time) {
	if !k.opt.Log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	q := of(ctx)
	attrs := append(make([]slog.Attr, 0, 8), slog.String("module", "Router:Api"),
		slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.String("user", q.user),
		slog.String("ip", q.ip.String()), slog.Int("status", res.code()), slog.Int64("ms", time.Since(start).Milliseconds()))
	if q.token != "" {
		attrs = append(attrs, slog.String("token", q.token))
	}
	k.opt.Log.LogAttrs(ctx, slog.LevelInfo, "request.end", attrs...)
}

// maskQuery hides the values of parameters whose names, or which themselves,
// sound secret.
func maskQuery(raw string) string {
	if raw == "" {
		return ""
	}
	pairs := strings.Split(raw, "&")
	for i, pair := range pairs {
		name, value, found := strings.Cut(pair, "=")
		// A value may be an address with a query of its own.
		if found && (secretName(name) || strings.Contains(strings.ToLower(plain(value)), "password")) {
			pairs[i] = name + "=***"
		}
	}
	return strings.Join(pairs, "&")
}

func plain(escaped string) string {
	if s, err := url.QueryUnescape(escaped); err == nil {
		return s
	}
	return escaped
}

func secretName(name string) bool {
	name = strings.ToLower(plain(name))
	for _, word := range []string{"password", "passwd", "token", "secret", "key", "auth", "cookie", "sid"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
