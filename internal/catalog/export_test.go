package catalog

import (
	"context"
	"slices"

	"kartoteka/internal/query"
)

// OlderSystem makes new companies as versions did whose mirrors had nothing but
// names, whose webhooks had eight fields and whose events knew no times, until restore
// is called.
func OlderSystem() (restore func()) {
	now := systemCatalogs
	older := make([]systemCatalog, len(now))
	for i, c := range now {
		if c.mirror {
			c.fields = c.fields[:1]
		}
		if c.key == "$webhooks" {
			c.fields = c.fields[:8]
		}
		if c.key == eventsKey {
			c.fields = slices.Clone(c.fields[:7])
			c.fields[3].config = several(scenarioEvents[:len(scenarioEvents)-2]...)
		}
		older[i] = c
	}
	systemCatalogs = older
	return func() { systemCatalogs = now }
}

// TendColumns makes the columns that are wanted and follows the changes, once.
// From then on they answer whatever they can.
func (s *Service) TendColumns(ctx context.Context) error {
	s.columns.always = true
	return s.columns.tend(ctx)
}

// AllColumnBytes is the memory of all catalogs.
func (s *Service) AllColumnBytes() int64 { return s.columns.bytes() }

// ColumnBytes is the memory that a catalog takes, of how many records and fields.
func (s *Service) ColumnBytes(c query.Catalog) (bytes, records, fields int) {
	table := s.columns.tables[c]
	return int(table.bytes()), table.Len(), len(table.fields)
}

// ColumnsUsed tells, of the catalogs that are in memory, how many changes went in as
// the log has them, and how many answers took groups that were kept.
func (s *Service) ColumnsUsed() (told, reused int) {
	for _, table := range s.columns.tables {
		told += table.told
		for _, k := range table.kept {
			reused += int(k.Reused())
		}
	}
	return told, reused
}
