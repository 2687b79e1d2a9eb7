package server

import (
	"context"
	"fmt"
)

// noticeCopy pauses deliveries of a database that was copied: the original may have
// made them, or still makes them.
func (a *App) noticeCopy(ctx context.Context) error {
	now, err := a.company.Identity(ctx)
	if err != nil {
		return err
	}
	copied, err := a.control.NoteIdentity(ctx, int64(company), now, func() error {
		return a.company.PauseDeliveries(ctx, true)
	})
	if err != nil {
		return fmt.Errorf("look whether the database is a copy: %w", err)
	}
	paused, err := a.company.DeliveriesPaused(ctx)
	if err != nil || !paused {
		return err
	}
	reason := "kartoteka sync pause, or a restored back-up"
	if copied {
		reason = "the database is a copy: what it has to deliver may have been delivered by the original"
	}
	a.Log.WarnContext(ctx, "deliveries.paused", "module", "Hooks", "reason", reason, "resume", "kartoteka sync resume")
	return nil
}
