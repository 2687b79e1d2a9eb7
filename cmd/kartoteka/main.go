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
	"syscall"
	_ "time/tzdata" // a bare machine may have no time zones

	"kartoteka/internal/adminapi"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
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
	run               func(ctx context.Context, io std, args []string) error
}

// commands lists the subcommands in the order of the help.
func commands() []command {
	all := []command{
		{"serve", "serve [--data DIR] [--listen ADDRESS]", "run the server", runServe},
	}
	for _, op := range adminapi.Operations() {
		all = append(all, operate(op))
	}
	return append(all, []command{
		{"config", "config [--all] [--markdown] [flags of serve]", "print the settings in force and where they come from", runConfig},
		{"version", "version", "print the version", runVersion},
	}...)
}

// errUsage tells that the arguments were wrong; what is wrong is already printed.
var errUsage = errors.New("wrong arguments")

// run gives the exit status: 0 done, 1 failed, 2 wrong arguments.
func run(ctx context.Context, io std, args []string) int {
	if len(args) == 0 {
		help(io.err)
		return 2
	}
	switch args[0] {
	case "help", "-h", "--help":
		help(io.out)
		return 0
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return status(io, c, c.run(ctx, io, args[1:]))
		}
	}
	fmt.Fprintf(io.err, "kartoteka: there is no command %q\n\n", args[0])
	help(io.err)
	return 2
}

func status(io std, c command, err error) int {
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	}
	fmt.Fprintf(io.err, "kartoteka %s: %v\n", c.name, err)
	return 1
}

func help(w io.Writer) {
	fmt.Fprint(w, "Usage: kartoteka COMMAND [ARGUMENTS]\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-52s %s\n", c.usage, c.help)
	}
	fmt.Fprint(w, "\n\"kartoteka COMMAND --help\" prints the flags of a command.\n")
}

// flagSet makes the flags of a command, with its usage as help.
func flagSet(io std, name, usage string) *flag.FlagSet {
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	set.SetOutput(io.err)
	set.Usage = func() {
		fmt.Fprintf(io.err, "Usage: kartoteka %s\n\n", usage)
		set.PrintDefaults()
	}
	return set
}

// parse reads the flags; the flag package has printed what is wrong. rest is
// the number of arguments that may follow them.
func parse(io std, set *flag.FlagSet, args []string, rest int) error {
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage
	}
	if set.NArg() > rest {
		fmt.Fprintf(io.err, "kartoteka %s: unexpected argument %q\n", set.Name(), set.Arg(rest))
		return errUsage
	}
	return nil
}
