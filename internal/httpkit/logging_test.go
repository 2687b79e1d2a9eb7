package httpkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

func record(message string, level slog.Level, attrs ...slog.Attr) slog.Record {
	r := slog.NewRecord(time.Date(2026, 3, 4, 7, 6, 7, 89e6, time.FixedZone("", 7200)), level, message, 0)
	r.AddAttrs(attrs...)
	return r
}

func TestLogLines(t *testing.T) {
	marked := context.WithValue(t.Context(), requestKey{}, &request{id: "c1f0a2"})
	tests := []struct {
		name string
		ctx  context.Context
		with []any
		r    slog.Record
		text string
		json string
	}{
		{
			"a request", marked, nil,
			record("request.end", slog.LevelInfo, slog.String("module", "Router:Api"), slog.Int("status", 200), slog.String("path", "/a b")),
			`Wed, 04 Mar 2026 05:06:07 GMT Router:Api request.end marker=c1f0a2 status=200 path="/a b"`,
			`{"time":"2026-03-04T05:06:07.089Z","level":"INFO","module":"Router:Api","marker":"c1f0a2","event":"request.end","status":200,"path":"/a b"}`,
		},
		{
			"without a request", t.Context(), []any{"module", "Auth:Login", "node", 1},
			record("auth.login_failed", slog.LevelWarn, slog.Any("error", errors.New("x\ny")), slog.Bool("b", true)),
			`Wed, 04 Mar 2026 05:06:07 GMT Auth:Login auth.login_failed level=warn node=1 error="x\ny" b=true`,
			`{"time":"2026-03-04T05:06:07.089Z","level":"WARN","module":"Auth:Login","event":"auth.login_failed","node":1,"error":"x\ny","b":true}`,
		},
		{
			"groups, times, odd values", t.Context(), nil,
			record("x", slog.LevelInfo, slog.Group("g", slog.Duration("d", time.Second), slog.Time("t", time.Unix(0, 0))),
				slog.Any("none", nil), slog.Uint64("u", 7), slog.Float64("f", 1.5), slog.Attr{}),
			`Wed, 04 Mar 2026 05:06:07 GMT Server x g.d=1s g.t=1970-01-01T00:00:00Z none=<nil> u=7 f=1.5`,
			`{"time":"2026-03-04T05:06:07.089Z","level":"INFO","module":"Server","event":"x","g.d":"1s","g.t":"1970-01-01T00:00:00Z","none":"<nil>","u":7,"f":"1.5"}`,
		},
		{
			"a caller's text cannot forge a line", t.Context(), nil,
			record("x", slog.LevelInfo, slog.String("login", "a\nWed, 04 Mar 2026 05:06:07 GMT Auth:Login ok=1"), slog.String("e", ""), slog.String("bad", "\xff")),
			`Wed, 04 Mar 2026 05:06:07 GMT Server x login="a\nWed, 04 Mar 2026 05:06:07 GMT Auth:Login ok=1" e="" bad="\xff"`,
			`{"time":"2026-03-04T05:06:07.089Z","level":"INFO","module":"Server","event":"x","login":"a\nWed, 04 Mar 2026 05:06:07 GMT Auth:Login ok=1","e":"","bad":"�"}`,
		},
	}
	for _, test := range tests {
		for format, want := range map[string]string{"text": test.text, "json": test.json} {
			t.Run(test.name+" "+format, func(t *testing.T) {
				var b bytes.Buffer
				h := slog.New(NewLogHandler(&b, format, slog.LevelInfo)).With(test.with...).Handler()
				if err := h.Handle(test.ctx, test.r); err != nil {
					t.Fatal(err)
				}
				if got := b.String(); got != want+"\n" {
					t.Errorf("got  %swant %s", got, want)
				}
				if format == "json" && !json.Valid(b.Bytes()) {
					t.Error("not JSON")
				}
			})
		}
	}
}

func TestLogLevelAndGroup(t *testing.T) {
	var b bytes.Buffer
	level := &slog.LevelVar{}
	log := slog.New(NewLogHandler(&b, "text", level)).WithGroup("g").With("a", 1)
	log.Debug("hidden")
	level.Set(slog.LevelDebug)
	log.Debug("shown", "b", 2)
	if got := b.String(); strings.Contains(got, "hidden") || !strings.Contains(got, "shown level=debug g.a=1 g.b=2") {
		t.Error(got)
	}
}

func TestAccessLog(t *testing.T) {
	s := newSite(t, Options{}, routes(Route{"GET /x", echo("x")}))
	s.send(t, call{path: "/api/v1/x?a=1&password=geheim&access_token=geheim&p%61ssword=geheim&redirect=%2Fauth%2Flogin%3Flogin%3Da%26p%2561ssword%3Dx%26Password%3Dgeheim"})
	var events []string
	for line := range strings.Lines(s.log.String()) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		events = append(events, v["event"].(string))
		for _, key := range []string{"time", "level", "module", "marker", "method", "path"} {
			if !slices.Contains(slices.Collect(maps.Keys(v)), key) {
				t.Errorf("%s lacks %s", line, key)
			}
		}
	}
	if !slices.Equal(events, []string{"request.start", "request.end"}) {
		t.Errorf("events %v", events)
	}
	if log := s.log.String(); strings.Contains(log, "geheim") || !strings.Contains(log, "a=1&password=***") {
		t.Error(log)
	}
}
