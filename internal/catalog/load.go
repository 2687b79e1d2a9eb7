package catalog

import (
	"context"
	"encoding/json"
	"time"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// Import is how far the import of a file into a catalog came. What it counts
// includes what earlier runs did.
type Import struct {
	Catalog query.Catalog
	// File names the file's content and how it is read.
	File string
	// Plan is the importer's own: what its columns became.
	Plan json.RawMessage
	// Total is how many rows the file has, Done how many of them, from the
	// first, were stored or refused.
	Total, Done     int64
	Stored, Refused int64
	Cells           int64 // left empty because they did not fit
}

// Import tells how far the import into a catalog came, nil if there was none
// that the catalog was made for. Only operators ask.
func (s *Service) Import(ctx context.Context, a Actor, c query.Catalog) (found *Import, err error) {
	if !a.System {
		return nil, fault.New(fault.Forbidden, "You have no right to do this")
	}
	err = s.view(ctx, func(_ *Structure, r Reader) (err error) {
		found, err = r.Import(ctx, c)
		return err
	})
	return found, err
}

// CreateImport makes a catalog for a file's rows, as CreateCatalog does, and
// notes in the same transaction that they are to come. The fields' ids count
// from 1 in the order of the input.
func (s *Service) CreateImport(ctx context.Context, a Actor, in CatalogInput, i Import) (*Scope, error) {
	return s.createCatalog(ctx, a, in, func(w Writer, c *Catalog) error {
		i.Catalog = c.Num
		return w.BeginImport(ctx, i)
	})
}

// Prepared are operations that are worked out and wait for their transaction.
type Prepared struct {
	service *Service
	actor   Actor
	ops     []Op
	writing *writing
}

// Prepare is the part of Apply before its transaction, for a caller that has
// much to write and goes on with the next operations while the last ones are
// committed. It fails as Apply does. What an earlier Prepared creates does not
// exist for it until that is committed.
func (s *Service) Prepare(ctx context.Context, a Actor, ops []Op) (*Prepared, error) {
	w, err := s.workOut(ctx, a, ops)
	if err != nil {
		return nil, err
	}
	return &Prepared{s, a, ops, w}, nil
}

// Commit writes the operations, once, and tells how long others had to wait for
// it. alongside joins the transaction and may run twice. When records or the
// structure have changed since Prepare, all is worked out anew.
func (p *Prepared) Commit(ctx context.Context, alongside func(Writer) error) (held time.Duration, err error) {
	w := p.writing
	p.writing = nil
	for attempt := 0; ; attempt++ {
		if w == nil {
			if w, err = p.service.workOut(ctx, p.actor, p.ops); err != nil {
				return 0, err
			}
		}
		w.alongside = func(tx Writer, _ []Outcome) error { return alongside(tx) }
		err = w.finish(ctx)
		if w.asked && attempt == askedMost-1 && again(p.actor, err) {
			return 0, changedMeanwhile()
		}
		if !again(p.actor, err) || attempt == maxAttempts {
			return p.service.options.Now().Sub(w.begun), err
		}
		w = nil
	}
}
