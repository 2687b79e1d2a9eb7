package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// What a bulk change of one catalog has queued up holds nobody else's messages back, not
// even when its receiver takes none of them.
func TestWebhookBulk(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		slow, quick := newReceiver(h), newReceiver(h)
		free := make(chan struct{})
		slow.answers(func(int, received) (int, string) { <-free; return 200, "" })
		slow.calls = make(chan received, 3000)
		const rows = 2000
		var file strings.Builder
		file.WriteString("Name,Number\n")
		for n := range rows {
			fmt.Fprintf(&file, "Row %d,%d\n", n, n)
		}
		// Subscriptions can be made once the catalog is there: during the import.
		if out, err := h.importRows(file.String(), "Importing"); !errors.Is(err, context.Canceled) {
			t.Fatalf("%v\n%s", err, out)
		}
		orders := h.catalog
		h.subscribe(quick.URL, `"record.created"`, "")
		h.catalog = "26"
		stored := strings.Count(h.call(200, "GET", h.records()+"?limit=2000&fields=[]", ""), `"title"`)
		bulk := h.subscribe(slow.URL, `"record.created"`, "")
		if _, err := h.importRows(file.String(), ""); err != nil {
			t.Fatal(err)
		}
		h.catalog = orders
		id := h.add(`{"1":"in a hurry"}`)
		if c := quick.now(); c.Body.Payload.RecordID != id {
			t.Errorf("got %s", c.Raw)
		}
		if n := len(slow.calls); n != 0 {
			t.Errorf("%d messages of the import ended before", n)
		}
		close(free)
		for range rows - stored {
			slow.now()
		}
		if got := h.hook(bulk)["$sequenceId"]; stored == rows || got != float64(rows-stored) {
			t.Errorf("the last number is %v", got)
		}
	}, "WEBHOOK_TIMEOUT=60000")
}
