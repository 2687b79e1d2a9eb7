package catalog

import (
	"context"
	"fmt"
	"slices"

	"kartoteka/internal/account"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// CandidatesAsk selects records for a link field.
type CandidatesAsk struct {
	Title   string // part of the title; "" for all
	Catalog string // public id of the only source that is wanted; "" for all
	// Record is the card that the link is for, whose values the field's conditions
	// compare; the zero Key for none.
	Record query.Key
	// Sources are conditions on records of single catalogs, by Where and View.
	Sources map[query.Catalog]query.Query
	Limit   int
	Offset  int
}

// Candidates are records that a link field may link, or links, by title.
type Candidates struct {
	Structure *Structure
	Refs      []query.Ref
	Titles    Titles
	// Rows have, by catalog, what the field's card shows of those that the actor
	// may view, as Selection says; nil where it is of no interest.
	Rows      map[query.Catalog]*Rows
	Selection map[query.Catalog]*Selection
}

// Candidates lists the records that a link field may link: those of its source
// catalogs and views, whether the actor may view them or, if the field says so,
// only as far as he may. It fails with NotFound, Forbidden, FieldHidden,
// InvalidParameter and what a list of records fails with.
func (s *Service) Candidates(ctx context.Context, a Actor, c query.Catalog, field query.Field, ask CandidatesAsk) (*Candidates, error) {
	return s.titled(ctx, a, c, field, ask, func(d *reading, f *Field) ([]*stream, error) {
		if f.Config.DisableSelect {
			return nil, nil
		}
		var card map[string]FieldValue
		if ask.Record != (query.Key{}) {
			var err error
			if card, err = d.cardValues(ctx, f, ask.Record); err != nil {
				return nil, err
			}
		}
		var streams []*stream
		for _, n := range sources(f) {
			source := d.st.Catalog(n)
			if source == nil || ask.Catalog != "" && ask.Catalog != source.Key || !d.access.may(account.Reads, source) {
				continue
			}
			where, err := d.candidates(ctx, f, source, ask, card)
			if err != nil {
				return nil, err
			}
			streams = d.appendTitled(streams, source, where, ask.Title)
		}
		return streams, nil
	})
}

// candidates is the condition of the records of a source that may be linked.
func (d *reading) candidates(ctx context.Context, f *Field, c *Catalog, ask CandidatesAsk, card map[string]FieldValue) (query.Node, error) {
	where := d.access.offeredIf(f, c, func(s Source) query.Node { return d.conditionsOf(f, s, card) })
	asked, limited := ask.Sources[c.Num]
	if f.Config.AccessOnly || limited {
		// What a record has is known only to those who may view it.
		if d.access.Catalog(c) < AvailablePrivilege {
			return none, nil
		}
		where = both(where, d.viewable(c))
	}
	if !limited || isNone(where) {
		return where, nil
	}
	if err := d.checkWhere(c, asked.Where); err != nil {
		return nil, err
	}
	if asked.View != "" {
		view, err := d.viewOf(ctx, c, asked.View)
		if err != nil {
			return nil, err
		}
		where = both(where, view)
	}
	if asked.Where != nil {
		where = both(where, d.restrict(c, asked.Where))
	}
	return where, nil
}

// viewable is the condition that the actor may view a record.
func (d *reading) viewable(c *Catalog) query.Node {
	if n := d.access.Where(c); n != nil {
		return n
	}
	return all
}

// FilterCandidates lists the records that occur as a value of a link field in
// records that the actor may view. It fails like Candidates.
func (s *Service) FilterCandidates(ctx context.Context, a Actor, c query.Catalog, field query.Field, ask CandidatesAsk) (*Candidates, error) {
	page, err := s.titled(ctx, a, c, field, ask, func(d *reading, f *Field) ([]*stream, error) {
		where := d.viewable(d.st.Catalog(c))
		if visible := d.access.visible(f); visible != nil {
			where = both(where, visible)
		}
		if isNone(where) {
			return nil, nil
		}
		var streams []*stream
		for _, n := range sources(f) {
			if source := d.st.Catalog(n); source != nil && (ask.Catalog == "" || ask.Catalog == source.Key) {
				linked := query.LinkedBy{Catalog: c, Field: f.Num, Where: where}
				streams = d.appendTitled(streams, source, linked, ask.Title)
			}
		}
		return streams, nil
	})
	if page != nil {
		page.Rows, page.Selection = nil, nil
	}
	return page, err
}

// titled answers with the records that find selects for a link field.
func (s *Service) titled(ctx context.Context, a Actor, c query.Catalog, field query.Field, ask CandidatesAsk,
	find func(*reading, *Field) ([]*stream, error),
) (*Candidates, error) {
	if err := s.checkPage(ask.Limit, ask.Offset); err != nil {
		return nil, err
	}
	var page *Candidates
	err := s.viewAs(ctx, a, func(st *Structure, r Reader) error {
		d, catalog, err := s.open(ctx, st, r, a, c)
		if err != nil {
			return err
		}
		f, err := d.linkField(catalog, field)
		if err != nil {
			return err
		}
		page, d.more = &Candidates{Structure: st}, true
		streams, err := find(d, f)
		if err != nil || len(streams) == 0 || ask.Limit == 0 {
			return err
		}
		if page.Refs, err = d.merge(ctx, streams, ask.Limit, ask.Offset); err != nil {
			return err
		}
		return d.show(ctx, page, f)
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// appendTitled adds the records of a catalog for which a condition holds and
// whose title, as the actor sees it, contains a text; sorted by it.
func (d *reading) appendTitled(streams []*stream, c *Catalog, where query.Node, part string) []*stream {
	if isNone(where) {
		return streams
	}
	return append(streams, &stream{ordered: true, selected: d.byTitle(c, where, part)})
}

func (d *reading) byTitle(c *Catalog, where query.Node, part string) *Selected {
	s := &Selected{
		Structure: d.st, Catalog: c, Columns: []*Field{}, Where: where,
		Search: query.Search{Fold: text.Fold(part)}, SearchTitle: true, Sort: query.Sort{By: query.ByTitle},
	}
	title := c.Title()
	if title == nil {
		return s
	}
	s.SearchFields = []*Field{title} // its texts are indexed, titles are not
	if shown := d.access.titles(c); shown != nil {
		s.Visible = map[query.Field]query.Node{title.Num: shown}
	}
	return s
}

// show reads the titles of candidates and what the field's card shows of them.
func (d *reading) show(ctx context.Context, page *Candidates, f *Field) (err error) {
	if page.Titles, err = d.readTitles(ctx, slices.Clone(page.Refs)); err != nil {
		return fmt.Errorf("read titles: %w", err)
	}
	page.Rows = map[query.Catalog]*Rows{}
	page.Selection = d.asked(f, &Selection{LinkedShown: true})
	for n, sel := range page.Selection {
		var records []query.Record
		for _, ref := range page.Refs {
			if ref.Catalog() == n {
				records = append(records, ref.Record())
			}
		}
		c := d.st.Catalog(n)
		if c == nil || len(records) == 0 || d.access.Catalog(c) < AvailablePrivilege {
			continue
		}
		rows, err := d.recordsOf(ctx, c, records, sel, false)
		if err != nil {
			return err
		}
		if err := d.follow(ctx, rows, sel); err != nil {
			return err
		}
		page.Rows[n] = rows
	}
	return nil
}
