package main

import (
	"context"
	"fmt"
	"os"

	"kartoteka/internal/config"
)

func runConfig(_ context.Context, io std, c command, args []string) error {
	set := flagSet(c)
	all := set.Bool("all", false, "print settings without effect, too")
	markdown := set.Bool("markdown", false, "print the reference of all settings as Markdown")
	flags := config.Flags(set)
	if err := parse(io, c, set, args); err != nil {
		return err
	}
	if *markdown {
		return config.Markdown(io.out)
	}
	settings, err := load(flags)
	if err != nil {
		return err
	}
	for _, w := range settings.Warnings() {
		fmt.Fprintf(io.err, "warning: %s\n", w)
	}
	return config.Print(io.out, settings.Table(), *all)
}

// load reads the settings from the flags, the environment and the working folder.
func load(flags map[string]string) (*config.Settings, error) {
	return config.Load(config.Sources{Flags: flags, Env: os.Environ(), Dir: "."})
}
