package server

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/config"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/syncapi"
)

// openSync makes the synchronisation module.
func (a *App) openSync(ctx context.Context, keys config.Keys) error {
	// What was sealed before there were keys in the settings is opened still.
	list := append(slices.Clone(a.Settings.SyncSecretKeys), keys.Derive("sync secrets"))
	sealer, err := apisync.NewSealer(list...)
	if err != nil {
		return err
	}
	a.metrics = apisync.NewMetrics()
	a.openSyncLog(ctx, sealer)
	a.sync = apisync.New(apisync.Options{
		Catalog: a.Catalog, Store: a.company, Sealer: sealer, Passwords: a.Accounts, Scripts: a.scripts, Company: int64(company),
		Now: a.now, Log: a.Log, Metrics: a.metrics, Zone: a.Settings.CompanyTimezone, Shared: a.Settings.DBConnection != "",
	})
	return nil
}

// loadSyncFile imports the file of SYNC_CONFIG_FILE. A server whose file is wrong does
// not start.
func (a *App) loadSyncFile(ctx context.Context) error {
	path := a.Settings.SyncConfigFile
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("SYNC_CONFIG_FILE: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, apisync.FileMost+1))
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("SYNC_CONFIG_FILE: %w", err)
	}
	file, err := apisync.ReadFile(data)
	if err != nil {
		return fmt.Errorf("SYNC_CONFIG_FILE %s: %w", path, err)
	}
	who := catalog.Actor{System: true, Origin: "cli"}
	done, err := a.sync.Import(ctx, who, file, apisync.ImportAsk{Env: os.LookupEnv})
	if err != nil {
		return fmt.Errorf("SYNC_CONFIG_FILE %s: %w", path, err)
	}
	for _, w := range done.Warnings {
		a.Log.WarnContext(ctx, "sync.file", "module", "Sync", "path", w.Path, "warning", w.Message.In(""))
	}
	a.Log.InfoContext(ctx, "sync.file", "module", "Sync", "created", len(done.Created), "updated", len(done.Updated),
		"unchanged", len(done.Unchanged))
	return nil
}

func (a *App) syncAPI(kit *httpkit.Kit) *syncapi.API {
	return syncapi.New(syncapi.Options{
		Sync: a.sync, Accounts: a.Accounts, Kit: kit, Cookies: a.cookies(), Company: company,
		BodyLimit: a.Settings.APIBodyLimit, Now: a.now, Log: a.Log, Journal: a.journal, Metrics: a.metrics,
	})
}
