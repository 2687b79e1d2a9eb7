package catalog

import (
	"context"
	"encoding/json"
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
	linked := map[query.Catalog][]query.Record{}
	for i := range entries {
		for _, l := range linksOf(c, &entries[i]) {
			if secret[l.Catalog] {
				linked[l.Catalog] = append(linked[l.Catalog], l.Record)
			}
		}
	}
	hidden := map[query.Ref]bool{}
	for n, records := range linked {
		of := d.st.Catalog(n)
		on, err := rightsOn(ctx, d.r, d.access, of, records)
		if err != nil {
			return nil, err
		}
		for _, record := range records {
			hidden[query.MakeRef(n, record)] = on.hides(of.Title(), record)
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
