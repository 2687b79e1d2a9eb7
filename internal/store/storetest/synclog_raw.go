package storetest

import (
	"fmt"
	"slices"
	"time"

	"kartoteka/internal/apisync"
)

// raws reads all raw requests, a page of two at a time.
func (b *logbook) raws() (list []string) {
	b.Helper()
	after := apisync.LogID{}
	for {
		page, err := b.log.RawRequests(b.Context(), after, 2)
		if err != nil {
			b.Fatalf("raw requests: %v", err)
		}
		if len(page) == 0 {
			return list
		}
		for _, r := range page {
			list, after = append(list, r.Raw), r.ID
		}
	}
}

func testLogRaw(b *logbook) {
	var all []apisync.LogRecord
	for n := range 6 {
		all = append(all, b.entry(logNow.Add(time.Duration(n)*12*time.Hour), func(r *apisync.LogRecord) {
			if n == 2 {
				r.RequestBody = "{}"
				return
			}
			r.RequestBody, r.Raw = "{}", fmt.Sprint("raw ", n)
		}))
	}
	b.append(all...)
	if got, want := b.raws(), []string{"raw 0", "raw 1", "raw 3", "raw 4", "raw 5"}; !slices.Equal(got, want) {
		b.Errorf("raw requests %v, want %v", got, want)
	}
	if there, err := b.log.Delete(b.Context(), all[4].ID); err != nil || !there {
		b.Fatalf("delete: %t %v", there, err)
	}
	err := b.log.ReplaceRaw(b.Context(), []apisync.SealedRequest{{ID: all[1].ID, Raw: "new 1"}, {ID: all[2].ID, Raw: "new 2"}, {ID: all[4].ID, Raw: "new 4"}})
	if err != nil {
		b.Fatalf("replace: %v", err)
	}
	if err := b.log.ReplaceRaw(b.Context(), nil); err != nil {
		b.Fatalf("replace nothing: %v", err)
	}
	if got, want := b.raws(), []string{"raw 0", "new 1", "raw 3", "raw 5"}; !slices.Equal(got, want) {
		b.Errorf("raw requests %v, want %v", got, want)
	}
	if r := b.one(all[1].ID); r.Raw != "new 1" || r.RequestBody != "{}" {
		b.Errorf("the entry has %q and %q", r.Raw, r.RequestBody)
	}
}
