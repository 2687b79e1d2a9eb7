package apisync

import (
	"context"
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
	// Scripts runs Python; nil where none can run.
	Scripts *script.Engine
	// Client fetches files.
	Client *outbound.Client
	Now    func() time.Time
	Log    *slog.Logger
	// Zone is the company's time zone.
	Zone *time.Location
	// Shared says that other nodes serve the same company.
	Shared bool
}

// Service is the synchronisation module of a company. It is safe for concurrent use.
type Service struct {
	options Options
	mutex   sync.Mutex
	state   *State // nil before the first use
}

// New makes a Service.
func New(o Options) *Service { return &Service{options: o} }

// Current gives the configuration of now: that of this process unless the company's
// structure has changed, as it does when a resource is saved (BumpStructure).
func (s *Service) Current(ctx context.Context) (*State, error) {
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
	s.state, err = newState(st, resources)
	return s.state, err
}
