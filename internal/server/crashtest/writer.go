package crashtest

import (
	"context"

	"kartoteka/internal/catalog"
	"kartoteka/internal/job"
)

// writer passes the steps within a transaction. What the transaction is for shows in
// what it does: "write" of records, "reshape" of the structure, "dispatch" of changes
// to jobs, "pause" and "removal" of a subscription by the server.
type writer struct {
	catalog.Writer
	life  *life
	kind  string
	moved int64 // where the cursor is, 0 for unknown
}

func (w *writer) after(err error, step string) error {
	if err != nil {
		return err
	}
	return w.life.at(w.kind + " " + step)
}

func (w *writer) Write(ctx context.Context, list []catalog.Mutation) error {
	if len(list) > 0 && list[0].Change.Origin == "hook" && w.kind != "dispatch" {
		w.kind = "pause"
		if list[0].Kind == catalog.RemoveRecord {
			w.kind = "removal"
		}
	}
	if err := w.life.alive(); err != nil {
		return err
	}
	err := w.Writer.Write(ctx, list)
	if len(list) == 0 {
		return err
	}
	return w.after(err, "written")
}

func (w *writer) Cursor(ctx context.Context, consumer string, h job.Hold) (seq int64, held bool, err error) {
	w.kind = "dispatch"
	seq, held, err = w.Writer.Cursor(ctx, consumer, h)
	if held {
		w.moved = seq
		err = w.after(err, "begun")
	}
	return seq, held, err
}

func (w *writer) Fired(ctx context.Context, from, to int64, limit int) ([]catalog.FiredChange, error) {
	list, err := w.Writer.Fired(ctx, from, to, limit)
	return list, w.after(err, "read")
}

func (w *writer) AddJobs(ctx context.Context, jobs []job.Job) error {
	err := w.Writer.AddJobs(ctx, jobs)
	if len(jobs) == 0 {
		return err
	}
	return w.after(err, "jobs added")
}

func (w *writer) MoveCursor(ctx context.Context, consumer string, seq int64) error {
	w.moved = seq
	return w.after(w.Writer.MoveCursor(ctx, consumer, seq), "cursor moved")
}
