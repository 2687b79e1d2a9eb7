// Command kartoteka is the whole program: server and operator's tools.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	_ "time/tzdata" // a bare machine may have no time zones

	"kartoteka/internal/adminapi"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, std{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:]))
}

// std are the streams of a command.
type std struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// command is one subcommand. run gets the arguments after the name.
type command struct {
	name, usage, help string
	run               func(ctx context.Context, io std, c command, args []string) error
}

// commands lists the subcommands in the order of the help.
func commands() []command {
	all := []command{{"serve", "serve [--data DIR] [--listen ADDRESS] [--set NAME=VALUE]", "run the server", runServe}}
	for _, op := range adminapi.Operations() {
		all = append(all, operate(op))
	}
	return append(all,
		command{"restore", "restore DIR [--data NEWDIR]", "make a data folder of a backup", runRestore},
		command{"scripts", "scripts check FILE [--mode MODE], scripts run FILE [--input JSON] [--mode MODE]", "look at a Python script, or run it without records", runScripts},
		command{"config", "config [--all] [--markdown]", "print the settings in force and where they come from", runConfig},
		command{"version", "version", "print the version", runVersion})
}

// The exit statuses.
const (
	statusFailed      = 1
	statusUsage       = 2
	statusInterrupted = 130
)

// run gives the exit status.
func run(ctx context.Context, io std, args []string) int {
	if len(args) == 0 {
		help(io.err)
		return statusUsage
	}
	name, rest := args[0], args[1:]
	switch name {
	case "help", "-h", "-help", "--help":
		if len(rest) == 0 {
			help(io.out)
			return 0
		}
		name, rest = rest[0], []string{"--help"}
	case "-v", "-version", "--version":
		name = "version"
	}
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.name == name })
	if i < 0 {
		fmt.Fprintf(io.err, "kartoteka: there is no command %q\n\n", name)
		help(io.err)
		return statusUsage
	}
	return status(ctx, io, all[i], all[i].run(ctx, io, all[i], rest))
}

func status(ctx context.Context, io std, c command, err error) int {
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, adminapi.ErrUsage):
		fmt.Fprintf(io.err, "kartoteka %s: %v\n%s", c.name, err, usageLines(c))
		fmt.Fprintf(io.err, "\"kartoteka %s --help\" tells more.\n", c.name)
		return statusUsage
	case errors.Is(err, adminapi.ErrPostgres):
		fmt.Fprintf(io.err, "kartoteka %s: %v\n", c.name, err)
		return statusUsage
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintf(io.err, "kartoteka %s: interrupted\n", c.name)
		return statusInterrupted
	}
	fmt.Fprintf(io.err, "kartoteka %s: %s\n", c.name, adminapi.Explain(err))
	return statusFailed
}

func help(w io.Writer) {
	fmt.Fprint(w, "Usage: kartoteka COMMAND [ARGUMENTS]\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-10s%s\n", c.name, c.help)
	}
	fmt.Fprint(w, "\n\"kartoteka COMMAND --help\" prints the arguments of a command.\n")
}

// usageLines are the ways to call a command.
func usageLines(c command) string {
	return "Usage: kartoteka " + strings.ReplaceAll(c.usage, ", ", "\n       kartoteka ") + "\n"
}

// flagSet makes the flags of a command; it prints nothing itself.
func flagSet(c command) *flag.FlagSet {
	set := flag.NewFlagSet(c.name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {}
	return set
}

// parse reads the arguments of a command that has only flags.
func parse(io std, c command, set *flag.FlagSet, args []string) error {
	err := set.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return helped(io, c, set, err)
	case err != nil:
		return fmt.Errorf("%w: %w", adminapi.ErrUsage, err)
	case set.NArg() > 0:
		return fmt.Errorf("%w: unexpected argument %q", adminapi.ErrUsage, set.Arg(0))
	}
	return nil
}

// helped prints the help of a command when that is what err asks for.
func helped(io std, c command, set *flag.FlagSet, err error) error {
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(io.out, "%s\n%s%s.\n\nFlags:\n", usageLines(c), strings.ToUpper(c.help[:1]), c.help[1:])
		set.SetOutput(io.out)
		set.PrintDefaults()
	}
	return err
}
