package main

import (
	"context"
	"fmt"
	"time"

	"kartoteka/internal/adminapi"
	"kartoteka/internal/config"
	"kartoteka/internal/server"
	"kartoteka/internal/table"
)

// runRestore makes a data folder of a backup. No server can do it: what it
// makes is not there yet.
func runRestore(ctx context.Context, io std, c command, args []string) error {
	set := flagSet(c)
	flags := config.Flags(set)
	words, err := adminapi.Words(set, args)
	if err != nil {
		return helped(io, c, set, err)
	}
	if len(words) != 1 {
		return fmt.Errorf("%w: one folder with a backup is wanted", adminapi.ErrUsage)
	}
	settings, err := load(flags)
	if err != nil {
		return err
	}
	progress := adminapi.BytesProgress(io.out, table.IsTerminal(io.out), time.Now, "Restoring")
	done, err := server.Restore(ctx, words[0], settings, progress.Set)
	progress.Finish()
	if err != nil {
		return err
	}
	return done.Report(io.out, settings.DataDir)
}
