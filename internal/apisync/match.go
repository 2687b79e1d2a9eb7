package apisync

import (
	"context"
	"fmt"
	"slices"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// matchPlans are the plans by which records that no link knows yet are found: the
// config's own, with the line of each key of initial_match as their identifier.
func (p *plan) matchPlans() (plans []*plan) {
	if !p.linked() {
		return nil
	}
	for _, key := range p.InitialMatch {
		i := slices.IndexFunc(p.lines, func(l *mapLine) bool { return l.ExternalKey == key && l.matches() })
		if i < 0 {
			continue
		}
		config := *p.Config
		config.Identity = ByField
		line := p.lines[i]
		of := &Compiled{Config: &config, State: p.State, Catalog: p.Catalog, Lines: p.Lines, Identifier: line.CompiledLine}
		plans = append(plans, &plan{Compiled: of, lines: p.lines, identifier: line, active: p.active, known: p.known})
	}
	return plans
}

// matches tells whether records can be found by what a line reads.
func (l *mapLine) matches() bool {
	f := l.Field()
	return l.In() && l.ValueType == Plain && len(l.Path) == 1 && l.System == "" && f != nil && searchable(f) && l.why.Format == ""
}

// adopt gives to items whose identifier no link has a record that has one of their values
// of initial_match, and no link yet. The first key that finds one counts.
func (b *batching) adopt(ctx context.Context, items []*item) error {
	if b.call.ID != "" {
		return nil
	}
	taken := map[query.Record]bool{}
	for _, m := range b.x.plan.matches {
		var asked []*item
		var ids []*Ident
		for _, it := range items {
			if it.result.Err != nil || it.ident == nil || it.record != 0 || it.found != (Found{}) {
				continue
			}
			id, bad, err := b.x.identify(ctx, m, it.body)
			if err != nil {
				return err
			}
			if bad == nil && id != nil { // what is wrong with it is told when it is mapped
				asked, ids = append(asked, it), append(ids, id)
			}
		}
		if err := b.x.find(ctx, m, ids, false); err != nil {
			return err
		}
		if err := b.take(ctx, m, asked, ids, taken); err != nil {
			return err
		}
	}
	return nil
}

// take gives the found records to the items, each to one.
func (b *batching) take(ctx context.Context, m *plan, items []*item, ids []*Ident, taken map[query.Record]bool) error {
	var records []query.Record
	for _, id := range ids {
		if at := b.x.found[foundKey{m, id.key, false}]; at.record != 0 {
			records = append(records, at.record)
		}
	}
	if records == nil {
		return nil
	}
	links, err := b.service.options.Store.SyncLinksTo(ctx, m.group(), m.Catalog.Num, records)
	if err != nil {
		return err
	}
	for _, l := range links {
		taken[l.Record] = true
	}
	for i, it := range items {
		at := b.x.found[foundKey{m, ids[i].key, false}]
		switch {
		case at.record == 0 || taken[at.record]:
		case at.several:
			it.fail(ambiguous())
		default:
			taken[at.record] = true
			it.record = at.record
		}
	}
	return nil
}

// matching checks initial_match.
func (k *checking) matching(c *Config) {
	if len(c.InitialMatch) > childrenMost {
		k.fail("initial_match", fault.TooMany, "at most %d entries are possible", childrenMost)
		return
	}
	of := k.state.Compiled(c.Code)
	if of.Catalog == nil || !c.linked() {
		return
	}
	for i, key := range c.InitialMatch {
		is := func(l *mapLine) bool { return l.ExternalKey == key && l.matches() }
		if !slices.ContainsFunc(of.mapping().lines, is) {
			k.soft(fmt.Sprintf("initial_match[%d]", i), fault.NotFound, "there is no plain line with the key %s by whose field records can be searched", key)
		}
	}
}
