package adminapi

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"kartoteka/internal/apisync"
)

// defineSyncFile gives what makes a task of "export", "import FILE" and "reseal", nil for
// other words.
func defineSyncFile(set *flag.FlagSet) func(words []string) (*Task, error) {
	asJSON := set.Bool("json", false, "export: JSON instead of YAML")
	createOnly := set.Bool("create-only", false, "import: leave what is there already as it is")
	dry := set.Bool("dry-run", false, "import: change nothing, tell what would be done")
	return func(words []string) (*Task, error) {
		switch {
		case len(words) == 0:
			return nil, nil
		case words[0] == "export":
			if len(words) > 1 {
				return nil, usage("unexpected argument %q: the file is printed", words[1])
			}
			return &Task{run: func(ctx context.Context, t Tools, c Call) error {
				data, err := t.Sync.Export(ctx, operator("cli"), apisync.ExportAsk{JSON: *asJSON})
				if err == nil {
					_, err = c.Out.Write(data)
				}
				return err
			}}, nil
		case words[0] == "import":
			if len(words) != 2 {
				return nil, usage("import needs a FILE, - for standard input")
			}
			ask := apisync.ImportAsk{DryRun: *dry, Env: os.LookupEnv}
			if *createOnly {
				ask.Mode = apisync.CreateMode
			}
			return &Task{File: words[1], run: func(ctx context.Context, t Tools, c Call) error { return importSync(ctx, t, c, ask) }}, nil
		case words[0] == "reseal":
			if len(words) > 1 {
				return nil, usage("unexpected argument %q", words[1])
			}
			return &Task{run: reseal}, nil
		}
		return nil, nil
	}
}

func importSync(ctx context.Context, t Tools, c Call, ask apisync.ImportAsk) error {
	data, err := io.ReadAll(io.LimitReader(c.In, apisync.FileMost+1))
	if err != nil {
		return fmt.Errorf("read the file: %w", err)
	}
	file, err := apisync.ReadFile(data)
	if err != nil {
		return err
	}
	done, err := t.Sync.Import(ctx, operator("cli"), file, ask)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		list []string
	}{{"created", done.Created}, {"updated", done.Updated}, {"unchanged", done.Unchanged}} {
		for _, what := range part.list {
			fmt.Fprintf(c.Out, "%s %s\n", part.name, what)
		}
	}
	for _, w := range done.Warnings {
		fmt.Fprintf(c.Out, "warning: %s: %s\n", w.Path, w.Message.In(""))
	}
	for _, e := range done.Errors {
		fmt.Fprintf(c.Out, "error: %s: %s\n", e.Path, e.Message.In(""))
	}
	return nil
}

// reseal seals with the newest key of SYNC_SECRET_KEYS what older ones have sealed. It
// fails when something is left that none of them opens.
func reseal(ctx context.Context, t Tools, c Call) error {
	done, err := t.Sync.Reseal(ctx, operator("cli"))
	if err != nil {
		return err
	}
	requests, lost, err := t.Journal.Reseal(ctx)
	fmt.Fprintf(c.Out, "%d secrets and %d raw requests of the log are sealed with the newest key now\n", done.Secrets, requests)
	for _, name := range done.Lost {
		fmt.Fprintf(c.Out, "cannot be opened: %s\n", name)
	}
	switch {
	case err != nil:
		return err
	case len(done.Lost)+lost > 0:
		return fmt.Errorf("%d secrets and %d raw requests cannot be opened with the keys that this server has; with the key that has sealed them in SYNC_SECRET_KEYS, try again", len(done.Lost), lost)
	}
	return nil
}
