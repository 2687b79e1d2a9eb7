package catalog

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"kartoteka/internal/query"
)

// HidesTitle tells whether the actor may not know how a record that an entry
// links was called.
func (p *HistoryPage) HidesTitle(ref query.Ref) bool { return p.hidden[ref] }

// pastLinks are the links of one field of an entry; see AppendHistoryJSON.
type pastLinks struct {
	Old []pastLink `json:"o"`
	New []pastLink `json:"n"`
}

type pastLink struct {
	Catalog query.Catalog `json:"c"`
	Record  query.Record  `json:"r"`
}

// hiddenTitles finds the linked records of entries whose titles, which were kept
// with the links, are hidden from the actor.
func (d *reading) hiddenTitles(ctx context.Context, c *Catalog, entries []HistoryEntry) (map[query.Ref]bool, error) {
	secret := map[query.Catalog]bool{}
	for _, of := range d.st.Catalogs {
		if d.access.titles(of) != nil {
			secret[of.Num] = true
		}
	}
	if len(secret) == 0 {
		return nil, nil
	}
	var refs []query.Ref
	for i := range entries {
		for _, l := range linksOf(c, &entries[i]) {
			if secret[l.Catalog] {
				refs = append(refs, query.MakeRef(l.Catalog, l.Record))
			}
		}
	}
	slices.Sort(refs)
	refs = slices.Compact(refs)
	titles, hidden, err := knownTitles(ctx, d.r, d.access, refs)
	if err != nil {
		return nil, err
	}
	for _, ref := range refs {
		if _, known := titles[ref]; !known { // nobody can tell any more
			if hidden == nil {
				hidden = map[query.Ref]bool{}
			}
			hidden[ref] = true
		}
	}
	return hidden, nil
}

// linksOf lists the links that an entry tells of.
func linksOf(c *Catalog, e *HistoryEntry) (links []pastLink) {
	if e.Kind != Created && e.Kind != Updated {
		return nil
	}
	var payload map[string]json.RawMessage
	if json.Unmarshal(e.Payload, &payload) != nil {
		return nil // an entry without payload
	}
	for _, f := range c.Fields {
		stored, ok := payload[strconv.FormatInt(int64(f.Num), 10)]
		if !ok || f.Storage() != LinksStorage {
			continue
		}
		var past pastLinks
		if json.Unmarshal(stored, &past) == nil {
			links = append(append(links, past.Old...), past.New...)
		}
	}
	return links
}
