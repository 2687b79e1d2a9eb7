package adminapi

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/table"
)

// Tools are what operations work with.
type Tools struct {
	Catalog  *catalog.Service
	Accounts *account.Service
	Company  account.CompanyID
	// Check lists what is wrong with the stored data; nothing when all is well.
	Check func(ctx context.Context) ([]string, error)
	// Repair rebuilds what follows from other data and tells what it did.
	Repair func(ctx context.Context) ([]string, error)
	// Backup copies everything to a folder, empty or not there, and calls
	// progress with the bytes that are done and those that there are.
	Backup func(ctx context.Context, dir string, progress func(done, total int64)) (*Backup, error)
	// Deliveries are the queues; Wake lets the server look at them, nil for none.
	Deliveries Deliveries
	Wake       func()
	// Sync is the synchronisation module, Journal its log.
	Sync    *apisync.Service
	Journal *apisync.Journal
	Log     *slog.Logger
	Now     func() time.Time
	// Zone is where imported dates without an offset are.
	Zone *time.Location
	// Alone says that nobody else has the data open: nobody waits for what an
	// operation does.
	Alone bool
	// TempDir is where input that is read twice is kept.
	TempDir string
}

// Call is one run of a task.
type Call struct {
	In  io.Reader
	Out io.Writer
	// Terminal says that Out can rewrite a line.
	Terminal bool
	// Width is how many columns Out has; 0 when that is not known.
	Width int
}

// Operation is one thing that operators do.
type Operation struct {
	Name  string
	Usage string
	Help  string
	// define adds the operation's flags to set and gives what makes a task of
	// the arguments that are no flags.
	define func(set *flag.FlagSet) func(words []string) (*Task, error)
}

// Task is an operation with its arguments understood.
type Task struct {
	// File names the file whose content Call.In must be; "-" is standard input
	// and "" none.
	File string
	// Password tells that Call.In must have a password on its first line.
	Password bool
	// Fresh tells that the task makes sense where no data is yet.
	Fresh bool
	// Harmless tells that the task changes nothing. Where no data is yet it
	// runs with Tools that have no Catalog.
	Harmless bool
	// Args are arguments that Prepare makes the same task of.
	Args []string

	run func(ctx context.Context, t Tools, c Call) error
}

// Run carries the task out.
func (t *Task) Run(ctx context.Context, tools Tools, c Call) error { return t.run(ctx, tools, c) }

// Operations lists all operations in the order of the help.
func Operations() []Operation {
	return []Operation{
		{"import", "import FILE --section NAME [--catalog NAME] [--format FORMAT] [--sheet NAME] [--type COLUMN=TYPE] [--dry-run]", "make a catalog from a CSV, XLSX or JSON file, or go on where an import stopped", defineImport},
		{"user", "user add LOGIN [--name NAME], user password LOGIN", "add an employee who can sign in, or set a password", defineUser},
		{"check", "check [--repair]", "verify that the stored data is whole", defineCheck},
		{"backup", "backup DIR", "copy all data to a new folder, also while a server works", defineBackup},
		{"indexes", "indexes [add CATALOG FIELD[,FIELD]]", "list the added indexes, or add one", defineIndexes},
		{"rights", "rights USER CATALOG[/RECORD] [--field ID]", "tell what an employee may do, and by which rules", defineRights},
		{"report", "report CATALOG [--axis FIELD[:STEP]] [--split FIELD[:STEP]] [--value FUNCTION:FIELD] [--filter JSON] [--format FORMAT]", "print records in groups, counted or measured, as a table or bars", defineReport},
		{"undelete", "undelete section|catalog ID, undelete field CATALOG ID", "bring back what was removed less than 30 days ago", defineUndelete},
		{"jobs", "jobs", "tell how many deliveries wait, were made or failed, and what comes due when", defineJobs},
		{"sync", "sync pause|resume, sync export [--json], sync import FILE [--create-only] [--dry-run], sync reseal", "stop all deliveries, or let them go on: a restored folder begins paused; print the sync module's configuration, or take a file of it over; seal its secrets with the newest key", defineSync},
	}
}

// ErrUsage is in the error of arguments that are wrong.
var ErrUsage = errors.New("wrong arguments")

func usage(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUsage, fmt.Sprintf(format, args...))
}

// Prepare reads arguments: flags may stand before and after the others, until
// "--". set may have flags of the caller already; they are read, too, and are
// not among Task.Args. It fails with flag.ErrHelp or ErrUsage.
func (o Operation) Prepare(set *flag.FlagSet, args []string) (*Task, error) {
	theirs := map[string]bool{}
	set.VisitAll(func(f *flag.Flag) { theirs[f.Name] = true })
	task := o.define(set)
	words, err := interspersed(set, args)
	if err != nil {
		return nil, err
	}
	t, err := task(words)
	if err != nil {
		return nil, err
	}
	set.Visit(func(f *flag.Flag) {
		if !theirs[f.Name] {
			t.Args = append(t.Args, "--"+f.Name+"="+f.Value.String())
		}
	})
	t.Args = append(append(t.Args, "--"), words...)
	return t, nil
}

// interspersed parses flags among other arguments and gives the latter.
func interspersed(set *flag.FlagSet, args []string) (words []string, err error) {
	for rest := args; ; {
		if err := set.Parse(rest); errors.Is(err, flag.ErrHelp) {
			return nil, err
		} else if err != nil {
			return nil, usage("%v", err)
		}
		if read := len(rest) - set.NArg(); set.NArg() == 0 || read > 0 && rest[read-1] == "--" {
			return append(words, set.Args()...), nil
		}
		words, rest = append(words, set.Arg(0)), set.Args()[1:]
	}
}

// operator is who operations run as.
func operator(origin string) catalog.Actor { return catalog.Actor{System: true, Origin: origin} }

// Explain tells an operator what an error means.
func Explain(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err.Error()
	}
	text := f.Message.In("en")
	if f.Said != nil {
		text += ": " + string(f.Said)
	}
	for _, d := range f.Details {
		m := d.Message.In("en")
		switch {
		case m == text:
		case d.Path != "":
			text += "; " + d.Path + ": " + m
		default:
			text += "; " + m
		}
	}
	return table.Clean(text) // it may have names
}
