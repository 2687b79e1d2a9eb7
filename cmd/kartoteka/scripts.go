package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"kartoteka/internal/adminapi"
	"kartoteka/internal/config"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/script"
)

// runScripts looks at a script or runs it. It needs no data, so it works beside a
// server.
func runScripts(ctx context.Context, io std, c command, args []string) (err error) {
	set := flagSet(c)
	flags := config.Flags(set)
	mode := set.String("mode", string(script.Evaluate), "evaluate: the last expression is the value; execute: the name result is")
	input := set.String("input", "{}", "JSON object whose members are names in the script; all of it is request_data and inputs")
	words, err := adminapi.Words(set, args)
	if err != nil {
		return helped(io, c, set, err)
	}
	if len(words) != 2 || words[0] != "check" && words[0] != "run" {
		return fmt.Errorf("%w: check or run and a file are wanted", adminapi.ErrUsage)
	}
	if *mode != string(script.Evaluate) && *mode != string(script.Execute) {
		return fmt.Errorf("%w: --mode is evaluate or execute", adminapi.ErrUsage)
	}
	item, err := scriptInput(*input)
	if err != nil {
		return fmt.Errorf("%w: --input is no JSON object: %w", adminapi.ErrUsage, err)
	}
	source, err := readScript(words[1])
	if err != nil {
		return err
	}
	settings, err := load(flags)
	if err != nil {
		return err
	}
	log := slog.New(httpkit.NewLogHandler(io.err, settings.LogFormat, max(settings.LogLevel, slog.LevelWarn)))
	engine := script.New(script.Config{Dir: scriptFolder(settings), Python: settings.ScriptPython,
		Workers: settings.ScriptWorkers, Unsafe: settings.ScriptUnsafe, Log: log})
	defer func() { err = errors.Join(err, engine.Close()) }()
	name := filepath.Base(words[1])
	if words[0] == "check" {
		return checkScript(ctx, io, engine, name, source, script.Mode(*mode))
	}
	return runScript(ctx, io, engine, &script.Request{Name: name, Source: source, Mode: script.Mode(*mode), Items: []script.Item{item}})
}

func scriptInput(text string) (script.Item, error) {
	item := script.Item{}
	if err := json.Unmarshal([]byte(text), &item.Inputs); err != nil {
		return item, err
	}
	if item.Inputs == nil {
		return item, errors.New("it is null")
	}
	for _, name := range []string{"inputs", "request_data"} {
		if _, given := item.Inputs[name]; !given {
			item.Inputs[name] = json.RawMessage(text)
		}
	}
	return item, nil
}

// readScript reads no more than it must to see that a source is too long.
func readScript(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // it was only read
	source, err := io.ReadAll(io.LimitReader(f, script.SourceMax+1))
	return string(source), err
}

// scriptFolder is where the interpreter is unpacked: the data folder, or the user's
// cache where there is none.
func scriptFolder(s *config.Settings) string {
	if _, err := os.Stat(s.DataDir); err != nil {
		if cache, err := os.UserCacheDir(); err == nil {
			return filepath.Join(cache, "kartoteka")
		}
	}
	return s.DataDir
}

func checkScript(ctx context.Context, io std, engine *script.Engine, name, source string, mode script.Mode) error {
	checked, err := engine.Check(ctx, "command", name, source, mode)
	if err != nil {
		return err
	}
	for _, p := range checked.Errors {
		fmt.Fprintf(io.out, "%s:%d:%d: %s\n", name, p.Line, p.Column, p.Message)
	}
	if n := len(checked.Errors); n > 0 {
		return fmt.Errorf("mistakes in %s: %d", name, n)
	}
	fmt.Fprintf(io.out, "%s: no mistakes\n", name)
	if len(checked.Imports) > 0 {
		fmt.Fprintf(io.out, "imports: %s\n", strings.Join(checked.Imports, ", "))
	}
	if len(checked.Names) > 0 {
		fmt.Fprintf(io.out, "names from outside: %s\n", strings.Join(checked.Names, ", "))
	}
	return nil
}

// noRecords is the host of scripts at the command line.
type noRecords struct{}

func (noRecords) Call(_ context.Context, c script.Call) (json.RawMessage, error) {
	return nil, script.Raise("RuntimeError", "records cannot be reached from the command line ("+c.Method+")")
}

func runScript(ctx context.Context, io std, engine *script.Engine, req *script.Request) error {
	req.Key = script.Key{Company: "command", Version: "1"}
	req.Limits = script.ActionLimits
	results, err := engine.Run(ctx, noRecords{}, req)
	if err != nil {
		return err
	}
	r := results[0]
	fmt.Fprint(io.err, r.Log)
	if r.Err != nil {
		return r.Err
	}
	var value bytes.Buffer
	if err := json.Indent(&value, r.Value, "", "  "); err != nil {
		return err
	}
	_, err = fmt.Fprintln(io.out, value.String())
	return err
}
