package adminapi

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
)

// Tools are what operations work with.
type Tools struct {
	Catalog  *catalog.Service
	Accounts *account.Service
	// Check lists what is wrong with the stored data; nothing when all is well.
	Check func(ctx context.Context) ([]string, error)
	Now   func() time.Time
	// TempDir is where input that is read twice is kept.
	TempDir string
}

// Call is one run of an operation.
type Call struct {
	Args []string
	In   io.Reader
	Out  io.Writer
	// Terminal says that Out can rewrite a line.
	Terminal bool
}

// Operation is one thing that operators do.
type Operation struct {
	Name  string
	Usage string
	Help  string
	// File tells that the first argument names a file whose content is Call.In;
	// "-" is standard input.
	File bool
	// Password tells that Call.In has a password on its first line.
	Password bool
	Run      func(ctx context.Context, t Tools, c Call) error
}

// Operations lists all operations in the order of the help.
func Operations() []Operation {
	return []Operation{
		{Name: "import", Usage: "import FILE --section NAME --catalog NAME", Help: "make a catalog from a CSV or JSON file", File: true, Run: runImport},
		{Name: "user", Usage: "user add|password LOGIN [--name NAME]", Help: "add an employee who can sign in, or set a password", Password: true, Run: runUser},
		{Name: "check", Usage: "check", Help: "verify that the stored data is whole", Run: runCheck},
		{Name: "indexes", Usage: "indexes [add CATALOG FIELD[,FIELD]]", Help: "list the indexes, or add one", Run: runIndexes},
		{Name: "undelete", Usage: "undelete section|catalog ID, or field CATALOG ID", Help: "bring back what was removed less than 30 days ago", Run: runUndelete},
	}
}

// ErrUsage says that the arguments of a call are wrong; why was written to its Out.
var ErrUsage = errors.New("wrong arguments")

// operator is who operations run as.
func operator(origin string) catalog.Actor { return catalog.Actor{System: true, Origin: origin} }

// parse reads flags that may stand before or after the arguments, and wants
// between low and high of these.
func parse(c Call, set *flag.FlagSet, usage string, low, high int) ([]string, error) {
	set.SetOutput(c.Out)
	set.Usage = func() {
		fmt.Fprintf(c.Out, "Usage: kartoteka %s\n", usage)
		set.PrintDefaults()
	}
	var words []string
	for rest := c.Args; ; {
		if err := set.Parse(rest); err != nil {
			return nil, ErrUsage
		}
		if set.NArg() == 0 {
			break
		}
		words, rest = append(words, set.Arg(0)), set.Args()[1:]
	}
	if len(words) < low || len(words) > high {
		set.Usage()
		return nil, ErrUsage
	}
	return words, nil
}

// Explain gives an error with a text for an operator; nil stays nil.
func Explain(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(explain(err))
}

func explain(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err.Error()
	}
	text := f.Message.In("en")
	for _, d := range f.Details {
		if m := d.Message.In("en"); m != text {
			text += "; " + d.Path + " " + m
		}
	}
	return text
}
