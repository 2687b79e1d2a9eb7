package adminapi

import (
	"context"
	"flag"
	"fmt"
	"text/tabwriter"
	"time"

	"kartoteka/internal/job"
)

// Deliveries are the queues as operators see them.
type Deliveries interface {
	Counts(ctx context.Context) ([]job.Count, error)
	DeliveriesPaused(ctx context.Context) (bool, error)
	PauseDeliveries(ctx context.Context, paused bool) error
	Schedules(ctx context.Context, q job.Queue, target int64) ([]job.Schedule, error)
}

func defineSync(set *flag.FlagSet) func(words []string) (*Task, error) {
	move := defineSyncFile(set)
	return func(words []string) (*Task, error) {
		if task, err := move(words); task != nil || err != nil {
			return task, err
		}
		if len(words) != 1 || words[0] != "pause" && words[0] != "resume" {
			return nil, usage("pause, resume, export, import or reseal?")
		}
		pause := words[0] == "pause"
		return &Task{run: func(ctx context.Context, t Tools, c Call) error {
			if err := t.Deliveries.PauseDeliveries(ctx, pause); err != nil {
				return err
			}
			if t.Wake != nil {
				t.Wake()
			}
			if pause {
				fmt.Fprintln(c.Out, "Deliveries are paused")
			} else {
				fmt.Fprintln(c.Out, "Deliveries go on")
			}
			return nil
		}}, nil
	}
}

func defineJobs(*flag.FlagSet) func(words []string) (*Task, error) {
	return func(words []string) (*Task, error) {
		if len(words) > 0 {
			return nil, usage("unexpected argument %q", words[0])
		}
		return &Task{run: listJobs}, nil
	}
}

func listJobs(ctx context.Context, t Tools, c Call) error {
	paused, err := t.Deliveries.DeliveriesPaused(ctx)
	if err != nil {
		return err
	}
	list, err := t.Deliveries.Counts(ctx)
	if err != nil {
		return err
	}
	if paused {
		fmt.Fprintln(c.Out, "Deliveries are paused: \"kartoteka sync resume\" lets them go on")
	}
	w := tabwriter.NewWriter(c.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "QUEUE\tTARGET\tPENDING\tDONE\tFAILED\tFAILURES IN A ROW")
	for _, n := range list {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\n", n.Queue, n.Target, n.Pending, n.Done, n.Dead, n.Failures)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return listSchedules(ctx, t, c)
}

// listSchedules tells when what comes due by itself was and will be, if there is any.
func listSchedules(ctx context.Context, t Tools, c Call) error {
	list, err := t.Deliveries.Schedules(ctx, "", 0)
	if err != nil || len(list) == 0 {
		return err
	}
	moment := func(ms int64) string {
		if ms == 0 {
			return "never"
		}
		return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05Z")
	}
	fmt.Fprintln(c.Out)
	w := tabwriter.NewWriter(c.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "QUEUE\tTARGET\tKIND\tSCHEDULE\tMISSED\tLAST\tNEXT")
	for _, s := range list {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\n", s.Queue, s.Target, s.Kind, s.Spec, s.Spec.Missed, moment(s.Last), moment(s.Next))
	}
	return w.Flush()
}
