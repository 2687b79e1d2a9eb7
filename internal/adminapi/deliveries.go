package adminapi

import (
	"context"
	"flag"
	"fmt"
	"text/tabwriter"

	"kartoteka/internal/job"
)

// Deliveries are the queues as operators see them.
type Deliveries interface {
	Counts(ctx context.Context) ([]job.Count, error)
	DeliveriesPaused(ctx context.Context) (bool, error)
	PauseDeliveries(ctx context.Context, paused bool) error
}

func defineSync(*flag.FlagSet) func(words []string) (*Task, error) {
	return func(words []string) (*Task, error) {
		if len(words) != 1 || words[0] != "pause" && words[0] != "resume" {
			return nil, usage("pause or resume?")
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
	return w.Flush()
}
