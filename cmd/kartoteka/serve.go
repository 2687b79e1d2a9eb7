package main

import (
	"context"
	"errors"
	"fmt"
	stray "log"
	"log/slog"
	"net"
	"net/url"
	"strings"

	"kartoteka/internal/config"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/server"
)

func runServe(ctx context.Context, io std, c command, args []string) (err error) {
	set := flagSet(c)
	flags := config.Flags(set)
	if err := parse(io, c, set, args); err != nil {
		return err
	}
	settings, log, err := setUp(io, flags)
	if err != nil {
		return err
	}
	takeStrayLines(log)
	for _, w := range settings.Warnings() {
		log.WarnContext(ctx, "config.warning", "module", "Server", "warning", w)
	}
	app, err := server.Open(ctx, settings, versionText(), log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, app.Close()) }()
	defer spareCollections()()
	// At once: a password that a failed start swallowed could not be had again.
	greetFirst(io.out, app)
	return app.Run(ctx, func(l net.Addr) {
		fmt.Fprintf(io.out, "Kartoteka %s listens on %s\n", app.Version, address(settings, l))
	})
}

// setUp reads the settings and makes the log.
func setUp(io std, flags map[string]string) (*config.Settings, *slog.Logger, error) {
	settings, err := load(flags)
	if err != nil {
		return nil, nil, err
	}
	return settings, slog.New(httpkit.NewLogHandler(io.err, settings.LogFormat, settings.LogLevel)), nil
}

// takeStrayLines sends what libraries print by the standard log into ours: net/http
// tells so of receivers that say something unasked.
func takeStrayLines(log *slog.Logger) {
	stray.SetFlags(0)
	stray.SetOutput(strayLines{log.With("module", "Server:Library")})
}

type strayLines struct{ log *slog.Logger }

func (s strayLines) Write(line []byte) (int, error) {
	s.log.Warn("library.said", "text", strings.TrimSpace(string(line)))
	return len(line), nil
}

// address is where a browser on this machine finds the server.
func address(s *config.Settings, l net.Addr) string {
	scheme, usual := "http", "80"
	if s.HTTPS {
		scheme, usual = "https", "443"
	}
	host, port, err := net.SplitHostPort(l.String())
	if err != nil {
		return l.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	u := url.URL{Scheme: scheme, Host: net.JoinHostPort(host, port)}
	if port == usual {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	return u.String()
}
