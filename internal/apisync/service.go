package apisync

import (
	"context"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/outbound"
	"kartoteka/internal/script"
)

// Options are what a Service needs.
type Options struct {
	Catalog *catalog.Service
	Store   Store
	Sealer  *Sealer
	// Passwords hashes the secrets that people choose.
	Passwords Passwords
	// Metrics count; nil for nothing.
	Metrics *Metrics
	// Scripts runs Python; nil where none can run.
	Scripts *script.Engine
	// Client fetches files.
	Client *outbound.Client
	Now    func() time.Time
	Log    *slog.Logger
	// Zone is the company's time zone.
	Zone *time.Location
	// Company names the company to scripts.
	Company int64
	// Shared says that other nodes serve the same company.
	Shared bool
}

// Service is the synchronisation module of a company. It is safe for concurrent use.
type Service struct {
	options Options
	mutex   sync.Mutex
	state   *State // nil before the first use

	verified verified
	used     usedNames
	running  running
	uses     uses
	// identifiers are those that requests are about to write.
	identifiers identifiers
}

// New makes a Service.
func New(o Options) *Service {
	return &Service{options: o, identifiers: identifiers{seed: maphash.MakeSeed()}}
}

// Current gives the configuration of now, whichever node changed it last: a resource
// that is saved changes the company's structure (BumpStructure).
func (s *Service) Current(ctx context.Context) (*State, error) {
	st, err := s.options.Catalog.Current(ctx)
	if err != nil {
		return nil, err
	}
	return s.under(ctx, st)
}

// Known gives the configuration as this process knows it. Another node may have changed
// it since; ErrChanged tells so on the way.
func (s *Service) Known(ctx context.Context) (*State, error) {
	st, err := s.options.Catalog.Structure(ctx)
	if err != nil {
		return nil, err
	}
	return s.under(ctx, st)
}

// under gives the configuration as compiled against a structure.
func (s *Service) under(ctx context.Context, st *catalog.Structure) (*State, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.state != nil && s.state.Structure.Version.Structure >= st.Version.Structure {
		return s.state, nil
	}
	resources, err := s.options.Store.SyncResources(ctx)
	if err != nil {
		return nil, err
	}
	s.state, err = newState(st, s.options.Sealer, resources)
	return s.state, err
}
