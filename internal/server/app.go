package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/adminapi"
	"kartoteka/internal/apisync"
	"kartoteka/internal/blob"
	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/config"
	"kartoteka/internal/fault"
	"kartoteka/internal/hook"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/job"
	"kartoteka/internal/script"
	"kartoteka/internal/store"
	"kartoteka/internal/stream"
)

// company is the only company of this version.
const company account.CompanyID = 1

// App is the program's services over its databases.
type App struct {
	Settings *config.Settings
	Log      *slog.Logger
	Version  string // of the program, for the log and for $apiTags; may be ""
	Accounts *account.Service
	Catalog  *catalog.Service
	// FirstPassword is the random password of the first administrator, set when
	// Open made one.
	FirstPassword string

	now     func() time.Time
	control *store.Control
	company *store.Company
	// contents are those of the company's files.
	contents blob.Store
	files    catalog.FileOptions
	// resets makes the letters with links to new passwords; nil without letters.
	resets *resets
	hooks  *hook.Service
	// scripts runs scenarios.
	scripts *script.Engine
	// sync is the synchronisation module.
	sync *apisync.Service
	// schedules adds jobs when they are due.
	schedules *job.Scheduler
	streams   *stream.Service
	requests  requestCount
	// listening are the addresses of the open listeners.
	listening atomic.Pointer[[]netip.AddrPort]
	// journal is the log of the synchronisation module.
	journal *apisync.Journal
	// metrics count what the synchronisation module does.
	metrics *apisync.Metrics
	closers []func() error
}

// Open opens or makes the databases and the services. On SQLite it takes the
// data folder and fails with store.ErrFolderHeld when another process has it.
func Open(ctx context.Context, settings *config.Settings, version string, log *slog.Logger) (*App, error) {
	return openAt(ctx, settings, version, log, time.Now)
}

// openAt is Open with the clock that the services are to use.
func openAt(ctx context.Context, settings *config.Settings, version string, log *slog.Logger, now func() time.Time) (*App, error) {
	a := &App{Settings: settings, Version: version, Log: log, now: now}
	if err := a.open(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) open(ctx context.Context) error {
	if err := os.MkdirAll(a.Settings.DataDir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	keys, err := a.Settings.Keys()
	if err != nil {
		return err
	}
	if a.Settings.DBConnection == "" {
		err = a.openSQLite(ctx)
	} else {
		err = a.openPostgres(ctx, keys)
	}
	if err != nil {
		return err
	}
	if err := a.noticeCopy(ctx); err != nil {
		return err
	}
	a.Accounts = account.New(a.control, a.accountOptions(keys))
	if a.files, err = a.openFiles(keys); err != nil {
		return err
	}
	letters, err := a.letters()
	if err != nil {
		return err
	}
	options := a.catalogOptions(accountDirectory{a.Accounts})
	options.Letters = letters
	a.schedules = job.NewScheduler(a.company, a.now, a.Log)
	a.schedules.Moved = a.scheduled
	options.Planned = a.schedules.Wake
	a.openScripts()
	a.Catalog = catalog.New(a.company, options)
	if err := a.openSync(ctx, keys); err != nil {
		return err
	}
	if err := a.openHooks(); err != nil {
		return err
	}
	a.streams = stream.New(stream.Options{
		Catalog: a.Catalog, Now: a.now, Log: a.Log, Ended: a.Accounts.Ended(), Write: httpkit.EventPatience, Left: httpkit.Left,
	})
	if letters.Send != nil {
		a.resets = newResets(a)
	}
	if err := a.first(ctx); err != nil {
		return err
	}
	return a.loadSyncFile(ctx)
}

// scheduled follows schedules that were moved on.
func (a *App) scheduled(ctx context.Context, moved []job.Schedule) error {
	a.hooks.Wake()
	return a.Catalog.NoteSchedules(ctx, moved)
}

func (a *App) catalogOptions(accounts catalog.AccountDirectory) catalog.Options {
	return catalog.Options{
		Now:        a.now,
		Log:        a.Log,
		Directory:  directory{a.Accounts},
		Filters:    bpium.ViewFilters{},
		FieldsMax:  a.Settings.FieldsMax,
		TextMax:    a.Settings.TextMaxLength,
		RecordsMax: a.Settings.RecordsLimitMax,
		Zone:       a.Settings.CompanyTimezone,
		Language:   a.Settings.DefaultLanguage,
		Files:      a.files,
		Company:    company,
		Server:     a.serverOptions(accounts),
		Gate: func(ctx context.Context, asks []catalog.Asked) ([][]catalog.FieldValue, error) {
			return a.hooks.Ask(ctx, asks)
		},
		CheckSource: a.checkSource, ChainMost: a.Settings.EventChainLimit,
		NoWebhooks: !slices.Contains(a.Settings.LicenseModules, "*") && !slices.Contains(a.Settings.LicenseModules, "webhooks"),
		Columns: catalog.ColumnOptions{
			Bytes: int64(a.Settings.ReportCacheBytes), Worth: a.Settings.ReportCacheAfter, Tight: memoryIsTight,
		},
	}
}

func (a *App) serverOptions(accounts catalog.AccountDirectory) catalog.ServerOptions {
	name := a.Settings.Host
	if name == "" {
		name = "Kartoteka"
	}
	database := companyPath()
	if a.Settings.DBConnection != "" {
		database = companySchema()
	}
	return catalog.ServerOptions{Accounts: accounts, Name: name, Database: database, Version: a.Version}
}

// first makes the first administrator on an empty database. Without a password
// in the settings it gets a random one: there is no default.
func (a *App) first(ctx context.Context) error {
	password := a.Settings.AdminPassword
	if password == "" {
		password = rand.Text()
	}
	made, err := a.Catalog.Open(ctx, catalog.First{
		Name:     fault.Msg("Administrator").In(a.Settings.DefaultLanguage),
		Login:    a.Settings.AdminLogin,
		Password: password,
		Section:  fault.Msg("Main").In(a.Settings.DefaultLanguage),
	})
	if made && a.Settings.AdminPassword == "" {
		a.FirstPassword = password
	}
	return err
}

// controlFile is in every data folder with SQLite databases.
const controlFile = "control.db"

// companiesDir is the folder of the companies' files in a data folder.
const companiesDir = "companies"

// companySchema is the company's schema on PostgreSQL.
func companySchema() string { return fmt.Sprintf("kartoteka_company_%d", company) }

// Exists tells whether there may be data: Open would not begin a new folder.
func Exists(settings *config.Settings) bool {
	if settings.DBConnection != "" {
		return true
	}
	_, err := os.Stat(filepath.Join(settings.DataDir, controlFile))
	return !errors.Is(err, os.ErrNotExist)
}

func (a *App) openSQLite(ctx context.Context) error {
	dir := a.Settings.DataDir
	release, err := store.LockFolder(dir)
	if err != nil {
		return err
	}
	a.closers = append(a.closers, func() error { release(); return nil })
	if a.control, err = store.OpenControlSQLite(ctx, filepath.Join(dir, controlFile)); err != nil {
		return err
	}
	a.closers = append(a.closers, a.control.Close)
	companies := filepath.Join(dir, companiesDir)
	if err := os.MkdirAll(companies, 0o700); err != nil {
		return fmt.Errorf("make the folder of companies: %w", err)
	}
	file := filepath.Join(dir, companyPath())
	if err := a.notLost(ctx, file); err != nil {
		return err
	}
	if a.company, err = store.OpenSQLite(ctx, file, store.Options{Log: a.Log}); err != nil {
		return err
	}
	a.closers = append(a.closers, a.company.Close)
	return nil
}

// notLost refuses to begin a company anew that there are accounts of: its file
// was not copied along, or its disk is not there.
func (a *App) notLost(ctx context.Context, file string) error {
	info, err := os.Stat(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("look for the company's database: %w", err)
	}
	if err == nil && info.Size() > 0 {
		return nil
	}
	accounts, err := a.control.Accounts(ctx)
	if err != nil {
		return fmt.Errorf("look for accounts: %w", err)
	}
	if len(accounts) > 0 {
		return fmt.Errorf("%s is missing or empty, but %s has accounts of it: put it back, or restore a backup into another folder", file, controlFile)
	}
	return nil
}

// controlConnections is the size of the control database's pool: sessions are
// cached, so that it is asked seldom.
const controlConnections = 4

func (a *App) openPostgres(ctx context.Context, keys config.Keys) error {
	var err error
	if a.control, err = store.OpenControlPostgres(ctx, a.Settings.DBConnection, controlConnections); err != nil {
		return err
	}
	a.closers = append(a.closers, a.control.Close)
	if err := a.control.CheckKey(ctx, keys.Fingerprint()); err != nil {
		return err
	}
	if a.company, err = store.OpenPostgres(ctx, a.Settings.DBConnection, companySchema(), store.Options{Log: a.Log}); err != nil {
		return err
	}
	a.closers = append(a.closers, a.company.Close)
	return nil
}

// sessionRecheck is how long a node trusts a session that another node may
// have ended.
const sessionRecheck = time.Second

func (a *App) accountOptions(keys config.Keys) account.Options {
	s := a.Settings
	o := account.Options{
		Secret:     keys.Cookie,
		SessionTTL: s.SessionTTL,
		BasicTTL:   s.BasicCacheTTL,
		LoginLimit: account.LoginLimit{
			Enabled:     s.LoginLimit,
			Speed:       s.LoginLimitSpeed,
			MaxInterval: s.LoginLimitMaxInterval,
			MaxAttempts: s.LoginLimitMaxAttempts,
		},
		Now:    a.now,
		Logger: a.Log,
	}
	if s.DBConnection != "" {
		o.SessionRecheck = sessionRecheck
	}
	return o
}

// Close closes what Open opened, in the reverse order.
func (a *App) Close() error {
	var errs []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		errs = append(errs, a.closers[i]())
	}
	a.closers = nil
	return errors.Join(errs...)
}

// Tools are the services as operators' commands see them.
func (a *App) Tools() adminapi.Tools {
	t := NoTools(a.Settings, a.Log)
	t.Catalog, t.Accounts, t.Company = a.Catalog, a.Accounts, company
	t.Check, t.Repair, t.Backup = a.check, a.repair, a.backup
	t.Deliveries, t.Wake = a.company, func() { a.hooks.Wake(); a.schedules.Wake() }
	t.Now, t.Sync, t.Journal = a.now, a.sync, a.journal
	return t
}

// NoTools are those of a folder without data, for what changes nothing.
func NoTools(settings *config.Settings, log *slog.Logger) adminapi.Tools {
	return adminapi.Tools{Log: log, Now: time.Now, Zone: settings.CompanyTimezone, TempDir: os.TempDir()}
}
