package catalog

import (
	"context"
	"slices"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// resolve copies the values that have a field that keeps values, with links
// given their numbers. Operations on linked records become steps.
func (p *planner) resolve(ctx context.Context, c *Catalog, values []FieldValue) ([]FieldValue, error) {
	given := make([]FieldValue, 0, len(values))
	for _, v := range values {
		f := c.Field(v.Field)
		if f == nil {
			return nil, fault.New(fault.UnknownField, "There is no field %d in this catalog", v.Field)
		}
		if f.Storage() == NoStorage {
			continue
		}
		if !p.access.Shown(f) && p.access.settable(f) == HideField {
			return nil, hidden(f)
		}
		if links, ok := v.Value.(Links); ok && f.Storage() == LinksStorage {
			var err error
			if v.Value, err = p.resolveLinks(ctx, f, links); err != nil {
				return nil, err
			}
		}
		p.noteFiles(v.Value)
		given = append(given, v)
	}
	return given, nil
}

// resolveLinks gives links their catalog and record. A link that cannot be
// resolved makes the whole value a Bad one.
func (p *planner) resolveLinks(ctx context.Context, f *Field, links Links) (Value, error) {
	p.viewed = p.viewed || slices.ContainsFunc(f.Config.Sources, func(s Source) bool { return s.View != 0 })
	if len(links) > MaxLinks {
		return Bad{*failed(f, fault.TooMany, "%s: at most %d links", f.Name, MaxLinks)}, nil
	}
	resolved := make(Links, 0, len(links))
	for _, l := range links {
		bad, err := p.resolveLink(ctx, f, &l)
		if err != nil {
			return nil, err
		}
		if bad != nil {
			return Bad{*bad}, nil
		}
		resolved = append(resolved, Link{Link: query.Link{Catalog: l.Catalog, Key: query.Key{Record: l.Record}}})
	}
	return resolved, nil
}

func (p *planner) resolveLink(ctx context.Context, f *Field, l *Link) (*fault.Detail, error) {
	if l.Self {
		if p.actor.Employee == 0 {
			return failed(f, fault.NotFound, "%s: there is no current employee", f.Name), nil
		}
		l.Catalog, l.Record = Employees, p.actor.Employee
		return nil, nil
	}
	if l.Catalog == 0 {
		if l.Catalog = onlySource(f); l.Catalog == 0 {
			return failed(f, fault.NotFound, "%s: a link must name its catalog", f.Name), nil
		}
	}
	if l.Create {
		return p.createLinked(ctx, f, l)
	}
	if bad, err := p.findLinked(ctx, f, l); bad != nil || err != nil {
		return bad, err
	}
	return nil, p.updateLinked(ctx, f, l)
}

// findLinked turns a custom id into a number. Removed records and catalogs
// count, because links to them that are stored may stay.
func (p *planner) findLinked(ctx context.Context, f *Field, l *Link) (*fault.Detail, error) {
	c := p.st.AnyCatalog(l.Catalog)
	if l.Record != 0 || c == nil {
		if l.Record < 1 || l.Record > query.MaxRecord || l.Catalog < 1 || l.Catalog > query.MaxCatalog {
			return missingLink(f, *l), nil
		}
		return nil, nil
	}
	for _, sub := range p.fresh {
		if sub.catalog == c && sub.code != "" && sub.code == l.Code {
			l.Record = sub.record
			return nil, nil
		}
	}
	record, err := p.numberOf(ctx, c, l.Link)
	if err != nil {
		return nil, err
	}
	if l.Record = record; record == 0 {
		return missingLink(f, *l), nil
	}
	return nil, nil
}

// numberOf finds a record by custom id and remembers it: the rows of an import
// often link the same few records.
func (p *planner) numberOf(ctx context.Context, c *Catalog, l query.Link) (query.Record, error) {
	if record, ok := p.codes[l]; ok {
		return record, nil
	}
	record, err := everKnown(ctx, p.r, c, l.Key)
	if err != nil {
		return 0, err
	}
	if p.codes == nil {
		p.codes = map[query.Link]query.Record{}
	}
	p.codes[l] = record
	return record, nil
}

func (p *planner) createLinked(ctx context.Context, f *Field, l *Link) (*fault.Detail, error) {
	switch {
	case !f.Config.EnableUnsaved:
		return failed(f, fault.Forbidden, "%s: linked records cannot be created through this field", f.Name), nil
	case !slices.Contains(sources(f), l.Catalog):
		return missingLink(f, *l), nil
	case len(p.through) >= maxDepth:
		return tooDeep(f), nil
	}
	defer p.follow(f)()
	sub, err := p.addCreate(ctx, Create{Catalog: l.Catalog, Code: l.Code, Values: l.Values})
	if err != nil {
		return nil, err
	}
	l.Record = sub.record
	return nil, nil
}

// updateLinked plans the change of a linked record as far as the field's
// configuration lets the parent's card edit it.
func (p *planner) updateLinked(ctx context.Context, f *Field, l *Link) error {
	values := editable(f, l.Values)
	if len(values) == 0 {
		return nil
	}
	if len(p.through) >= maxDepth {
		return fault.Invalid(outward(p.through, *tooDeep(f)))
	}
	defer p.follow(f)()
	return p.addUpdate(ctx, Update{Catalog: l.Catalog, Record: l.Key, Values: values})
}

// follow goes on with the record that a field links; what it gives goes back.
func (p *planner) follow(f *Field) (back func()) {
	p.through = append(p.through, f)
	return func() { p.through = p.through[:len(p.through)-1] }
}

// outward makes failures of a linked record those of the field of the
// operation's record that asked for it: its own fields mean nothing there.
func outward(through []*Field, details ...fault.Detail) []fault.Detail {
	for i := range details {
		for _, f := range slices.Backward(through) {
			details[i] = fault.Field(f.Key, details[i].Code, "%s: %s", f.Name, details[i].Message)
		}
	}
	return details
}

func editable(f *Field, values []FieldValue) []FieldValue {
	var kept []FieldValue
	for _, v := range values {
		if slices.Contains(f.Config.Shown, ShownField{Field: v.Field, Edit: true}) {
			kept = append(kept, v)
		}
	}
	return kept
}

// checkLinks tells whether the links that the record does not have yet may be
// made: their target lives, is in a source catalog and may be linked.
func (p *planner) checkLinks(ctx context.Context, access *Access, f *Field, old, links Links) (*fault.Detail, error) {
	had := make(map[query.Ref]bool, len(old))
	for _, l := range old {
		had[l.Ref()] = true
	}
	for _, l := range links {
		if had[l.Ref()] {
			continue
		}
		c := p.st.Catalog(l.Catalog)
		if c == nil || !slices.Contains(sources(f), l.Catalog) || !p.lives(l.Ref()) {
			return missingLink(f, l), nil
		}
		if !p.made(l.Ref()) {
			ok, err := isOffered(ctx, p.r, access, f, c, l.Record)
			if err != nil {
				return nil, err
			}
			if !ok {
				return missingLink(f, l), nil
			}
		}
		if !f.Config.AccessOnly || p.made(l.Ref()) {
			continue
		}
		on, err := rightsOn(ctx, p.r, access, c, []query.Record{l.Record})
		if err != nil {
			return nil, err
		}
		if on.privilege(l.Record) < ViewPrivilege {
			return failed(f, fault.Forbidden, "%s: you may not view the record %s", f.Name, keyText(l.Key)), nil
		}
	}
	return nil, nil
}

// made tells whether a record is being made by the same operations.
func (p *planner) made(ref query.Ref) bool {
	sub := p.subjects[ref]
	return sub != nil && sub.fresh
}

// lives tells whether a record exists, counting what earlier steps did.
func (p *planner) lives(ref query.Ref) bool {
	if sub := p.subjects[ref]; sub != nil {
		return sub.found && !sub.removed
	}
	t, ok := p.titles[ref]
	return ok && !t.Removed
}

func missingLink(f *Field, l Link) *fault.Detail {
	return failed(f, fault.NotFound, "%s: there is no record %s to link to", f.Name, keyText(l.Key))
}

func tooDeep(f *Field) *fault.Detail {
	return failed(f, fault.TooMany, "%s: linked records nest deeper than %d levels", f.Name, maxDepth)
}
