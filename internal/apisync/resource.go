package apisync

import (
	"context"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// Kind is a kind of resource.
type Kind string

// The kinds of resources.
const (
	ConfigKind   Kind = "config"
	ScriptKind   Kind = "script"
	SettingsKind Kind = "settings" // one, with the code ""
)

// Resource is a stored part of the module's configuration.
type Resource struct {
	Kind    Kind
	ID      int64 // one counter for all kinds
	Code    string
	Version int64
	Created int64 // Unix ms
	Updated int64
	Body    []byte // JSON, secrets sealed or hashed
}

// Store keeps the module's part of one company's database. It is safe for concurrent
// use. catalog.Store's Update gives its functions a catalog.Writer that is a Writer too.
type Store interface {
	// Update is catalog.Store's.
	Update(ctx context.Context, p catalog.Plan, fn func(catalog.Writer) error) error
	// SyncResources reads all resources, by kind and code.
	SyncResources(ctx context.Context) ([]Resource, error)
	// SyncAnswer finds the answer that was kept under a key and is not older than
	// since (Unix ms); nil if there is none.
	SyncAnswer(ctx context.Context, key []byte, since int64) (*Answer, error)
	// SyncLinksOf finds the links of a group to external ids. Those of records that are
	// not there are left out.
	SyncLinksOf(ctx context.Context, group string, external []string) ([]Link, error)
	// SyncLinksTo finds the links of a group to records of a catalog.
	SyncLinksTo(ctx context.Context, group string, c query.Catalog, records []query.Record) ([]Link, error)
	// SyncUses reads the last uses of credentials that were kept.
	SyncUses(ctx context.Context) ([]Use, error)
}

// Writer writes the module's part within a transaction that catalog.Store's Update
// gives.
type Writer interface {
	// SyncResources reads all resources as the transaction leaves them.
	SyncResources(ctx context.Context) ([]Resource, error)
	// SaveSyncResource inserts a resource with ID 0, which it sets, or updates by ID.
	SaveSyncResource(ctx context.Context, r *Resource) error
	DeleteSyncResource(ctx context.Context, id int64) error
	// KeepSyncAnswer keeps an answer, in place of one of the same key that is older
	// than since (Unix ms); false when there is a younger one, and nothing changed.
	KeepSyncAnswer(ctx context.Context, a *Answer, since int64) (kept bool, err error)
	// ReserveSyncIdentifier takes an identifier of a model's field until the end of
	// the transaction: whoever else wants it waits.
	ReserveSyncIdentifier(ctx context.Context, c query.Catalog, identifier string) error
	// DropSyncAnswers drops at most limit answers that are older (Unix ms).
	DropSyncAnswers(ctx context.Context, before int64, limit int) (int, error)
	// KeepSyncLink keeps a link in place of the one that its record has in the group;
	// false when another record that is there has the external id, and nothing changed.
	// Whoever keeps one has reserved it (ReserveSyncIdentifier, catalog 0).
	KeepSyncLink(ctx context.Context, l Link) (kept bool, err error)
	DropSyncLink(ctx context.Context, group string, c query.Catalog, n query.Record) error
	// KeepSyncUses keeps the uses that are later than those that are kept.
	KeepSyncUses(ctx context.Context, list []Use) error
}

// Answer is a kept answer to a request, found by its key (§2.13).
type Answer struct {
	Key     []byte // 32 bytes: of config, credential, method, path and the caller's key
	Hash    []byte // 32 bytes: of the request's raw body
	At      int64  // Unix ms
	Status  int
	Headers []byte // JSON object
	Body    []byte // nil when it was larger than 64 KiB
}

func writer(w catalog.Writer) Writer { return w.(Writer) } // store's are
