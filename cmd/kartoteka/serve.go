package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"

	"kartoteka/internal/config"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/server"
)

func runServe(ctx context.Context, io std, args []string) (err error) {
	set := flagSet(io, "serve", "serve [--data DIR] [--listen ADDRESS] [--set NAME=VALUE]")
	flags := config.Flags(set)
	if err := parse(io, set, args, 0); err != nil {
		return err
	}
	settings, log, err := setUp(io, flags)
	if err != nil {
		return err
	}
	for _, w := range settings.Warnings() {
		log.WarnContext(ctx, "config.warning", "module", "Server", "warning", w)
	}
	app, err := server.Open(ctx, settings, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, app.Close()) }()
	app.Version = versionText()
	// At once: a password that a failed start swallowed could not be had again.
	greetFirst(io.out, app)
	return app.Run(ctx, func() {
		fmt.Fprintf(io.out, "Kartoteka %s listens on %s\n", app.Version, address(settings))
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

// address is where a browser on this machine finds the server.
func address(s *config.Settings) string {
	scheme, host := "http", s.Listen
	if host == "" {
		host = net.JoinHostPort("localhost", strconv.Itoa(s.PortHTTP))
		if s.HTTPS && s.PortHTTPS != 0 {
			host = net.JoinHostPort("localhost", strconv.Itoa(s.PortHTTPS))
		}
	}
	if s.HTTPS {
		scheme = "https"
	}
	return scheme + "://" + host
}
