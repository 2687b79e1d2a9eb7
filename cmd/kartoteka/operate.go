package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"kartoteka/internal/adminapi"
	"kartoteka/internal/config"
	"kartoteka/internal/server"
	"kartoteka/internal/store"
	"kartoteka/internal/table"
)

// operate makes the command of an operation. It runs here, or in the server
// that holds the data folder.
func operate(op adminapi.Operation) command {
	return command{op.Name, op.Usage, op.Help, func(ctx context.Context, io std, c command, args []string) error {
		set := flagSet(c)
		flags := config.Flags(set)
		task, err := op.Prepare(set, args)
		if err != nil {
			return helped(io, c, set, err)
		}
		settings, log, err := setUp(io, flags)
		if err != nil {
			return err
		}
		if !task.Fresh && !server.Exists(settings) {
			return fmt.Errorf("there is no data in %s; --data names another folder", settings.DataDir)
		}
		call := adminapi.Call{Out: io.out, Terminal: table.IsTerminal(io.out), Width: table.TerminalWidth(io.out)}
		closeInput, err := input(ctx, io, task, &call)
		if err != nil {
			return err
		}
		defer closeInput()
		if task.Harmless && !server.Exists(settings) {
			return task.Run(ctx, server.NoTools(settings, log), call)
		}
		app, err := server.Open(ctx, settings, versionText(), log)
		if errors.Is(err, store.ErrFolderHeld) {
			return adminapi.Dial(ctx, settings.DataDir, op.Name, task.Args, call)
		}
		if err != nil {
			return err
		}
		greetFirst(io.out, app)
		tools := app.Tools()
		tools.Alone = settings.DBConnection == ""
		err = task.Run(ctx, tools, call)
		if failed := app.Close(); err == nil {
			err = failed
		}
		return err
	}}
}

// greetFirst tells, once, how to sign in to a new company.
func greetFirst(w io.Writer, app *server.App) {
	if app.FirstPassword != "" {
		fmt.Fprintf(w, "First administrator: login %s, password %s (shown this once)\n", app.Settings.AdminLogin, app.FirstPassword)
	}
}

// input opens what the task reads.
func input(ctx context.Context, io std, task *adminapi.Task, call *adminapi.Call) (closeInput func(), err error) {
	closeInput = func() {}
	switch task.File {
	case "":
		if task.Password {
			call.In, err = password(ctx, io)
		}
	case "-":
		call.In = interruptible(ctx, io.in)
	default:
		f, err := os.Open(task.File)
		if err != nil {
			return closeInput, err
		}
		call.In, closeInput = f, func() { _ = f.Close() }
	}
	return closeInput, err
}

// interruptible makes reading end with ctx: a terminal or a pipe may never give
// anything. A file never waits and stays as it is.
func interruptible(ctx context.Context, in io.Reader) io.Reader {
	if f, ok := in.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return in
		}
	}
	r, w := io.Pipe()
	context.AfterFunc(ctx, func() { _ = w.CloseWithError(ctx.Err()) })
	go func() { // it ends with the process when in gives nothing
		_, err := io.Copy(w, in)
		_ = w.CloseWithError(err)
	}()
	return r
}
