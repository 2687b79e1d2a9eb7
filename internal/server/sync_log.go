package server

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"time"

	"kartoteka/internal/apisync"
	"kartoteka/internal/store"
)

// syncLogPath is the file of the log of the synchronisation module, in a data folder.
// Backups do without it.
func syncLogPath() string { return path.Join(companiesDir, fmt.Sprintf("%d.sync_log.db", company)) }

// openSyncLog opens the log of the synchronisation module. Without one the server serves
// all the same, and counts what is not kept.
func (a *App) openSyncLog(ctx context.Context, sealer *apisync.Sealer) {
	var log *store.SyncLog
	var err error
	if a.Settings.DBConnection == "" {
		log, err = store.OpenSyncLogSQLite(ctx, filepath.Join(a.Settings.DataDir, syncLogPath()), store.Options{Log: a.Log})
	} else {
		log, err = store.OpenSyncLogPostgres(ctx, a.Settings.DBConnection, companySchema()+"_log", store.Options{Log: a.Log})
	}
	o := apisync.JournalOptions{Sealer: sealer, Metrics: a.metrics, Log: a.Log, Now: a.now}
	if err != nil {
		a.Log.WarnContext(ctx, "sync.log.unavailable", "module", "Sync", "error", err)
	} else {
		o.Store = log
		a.closers = append(a.closers, log.Close)
	}
	a.journal = apisync.NewJournal(o)
}

// usesEvery is how often is stored when credentials were used.
const usesEvery = time.Minute

// keepSyncUses stores when credentials were used, at the end once more.
func (a *App) keepSyncUses(ctx context.Context) error {
	every := time.NewTicker(usesEvery)
	defer every.Stop()
	for done := false; !done; {
		select {
		case <-every.C:
		case <-ctx.Done():
			done = true
		}
		if err := a.sync.KeepUses(context.WithoutCancel(ctx)); err != nil {
			a.Log.WarnContext(ctx, "sync.uses", "module", "Sync", "error", err)
		}
	}
	return nil
}

// tidySyncLog removes what is too old or too much of the log, and answers that are not
// given again, hourly.
func (a *App) tidySyncLog(ctx context.Context) error {
	every := time.NewTicker(time.Hour)
	defer every.Stop()
	for {
		st, err := a.sync.Current(ctx)
		if err == nil {
			_, err = a.journal.Upkeep(ctx, st.Settings.Log)
			err = errors.Join(err, a.sync.DropAnswers(ctx))
		}
		if err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "sync.log.upkeep", "module", "Sync", "error", err)
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return nil
		}
	}
}
