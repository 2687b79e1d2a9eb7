package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"kartoteka/internal/adminapi"
	"kartoteka/internal/config"
	"kartoteka/internal/server"
	"kartoteka/internal/store"
	"kartoteka/internal/table"
)

// operate makes the command of an operation. It runs here, or in the server
// that holds the data folder.
func operate(op adminapi.Operation) command {
	return command{op.Name, op.Usage, op.Help, func(ctx context.Context, io std, args []string) error {
		flags, rest := settingFlags(args)
		settings, log, err := setUp(io, flags)
		if err != nil {
			return err
		}
		call := adminapi.Call{Args: rest, Out: io.out, Terminal: table.IsTerminal(io.out)}
		closeInput, err := input(io, op, &call)
		if err != nil {
			return err
		}
		defer closeInput()
		app, err := server.Open(ctx, settings, log)
		switch {
		case errors.Is(err, store.ErrFolderHeld):
			err = adminapi.Dial(ctx, settings.DataDir, op.Name, call)
		case err == nil:
			greetFirst(io.out, app)
			err = errors.Join(op.Run(ctx, app.Tools(), call), app.Close())
		}
		if errors.Is(err, adminapi.ErrUsage) {
			return errUsage
		}
		return adminapi.Explain(err)
	}}
}

// settingFlags takes the flags of settings, which all commands share, out of
// the arguments.
func settingFlags(args []string) (flags map[string]string, rest []string) {
	set := flagSet(std{out: io.Discard, err: io.Discard}, "", "")
	flags = config.Flags(set)
	for i := 0; i < len(args); i++ {
		name, _, joined := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if !strings.HasPrefix(args[i], "-") || set.Lookup(name) == nil {
			rest = append(rest, args[i])
			continue
		}
		one := args[i : i+1]
		if !joined && i+1 < len(args) {
			one, i = args[i:i+2], i+1
		}
		if err := set.Parse(one); err != nil {
			rest = append(rest, one...)
		}
	}
	return flags, rest
}

// greetFirst tells, once, how to sign in to a new company.
func greetFirst(w io.Writer, app *server.App) {
	if app.FirstPassword != "" {
		fmt.Fprintf(w, "First administrator: login %s, password %s (shown this once)\n", app.Settings.AdminLogin, app.FirstPassword)
	}
}

// input opens what the operation reads.
func input(io std, op adminapi.Operation, call *adminapi.Call) (closeInput func(), err error) {
	call.In = io.in
	closeInput = func() {}
	switch {
	case op.Password && len(call.Args) > 0:
		call.In, err = password(io)
	case op.File:
		i := slices.IndexFunc(call.Args, func(a string) bool { return a == "-" || !strings.HasPrefix(a, "-") })
		if i < 0 || call.Args[i] == "-" {
			return closeInput, nil
		}
		f, err := os.Open(call.Args[i])
		if err != nil {
			return closeInput, err
		}
		call.In, closeInput = f, func() { _ = f.Close() }
	}
	return closeInput, err
}

// password asks for a password on a terminal, without showing it, and takes
// the first line of standard input otherwise.
func password(io std) (io.Reader, error) {
	f, ok := io.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return io.in, nil
	}
	fmt.Fprint(io.err, "Password: ")
	typed, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(io.err)
	if err != nil {
		return nil, fmt.Errorf("read the password: %w", err)
	}
	return bytes.NewReader(append(typed, '\n')), nil
}
