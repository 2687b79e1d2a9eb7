package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// password asks for a password on a terminal, twice and without showing it, and
// gives standard input otherwise, whose first line it is.
func password(ctx context.Context, io std) (io.Reader, error) {
	f, ok := io.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return interruptible(ctx, io.in), nil
	}
	typed, err := ask(ctx, io, f, "Password: ")
	if err != nil {
		return nil, err
	}
	again, err := ask(ctx, io, f, "Once more: ")
	if err != nil {
		return nil, err
	}
	if typed != again {
		return nil, errors.New("the two passwords differ")
	}
	return strings.NewReader(typed + "\n"), nil
}

// ask reads a line without showing it. When ctx ends first, the terminal is as
// it was.
func ask(ctx context.Context, io std, f *os.File, prompt string) (string, error) {
	fd := int(f.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	type result struct {
		line []byte
		err  error
	}
	done := make(chan result, 1)
	fmt.Fprint(io.err, prompt)
	defer fmt.Fprintln(io.err)
	go func() { // it ends with the process when nothing is typed
		line, err := term.ReadPassword(fd)
		done <- result{line, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return "", fmt.Errorf("read the password: %w", r.err)
		}
		return string(r.line), nil
	case <-ctx.Done():
		_ = term.Restore(fd, before) // the process ends anyway
		return "", ctx.Err()
	}
}
