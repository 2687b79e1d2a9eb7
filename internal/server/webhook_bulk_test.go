package server

import "testing"

// What a bulk change of one catalog has queued up holds nobody else's messages back, not
// even when its receiver takes none of them.
func TestWebhookBulk(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		slow, quick := newReceiver(h), newReceiver(h)
		free := make(chan struct{})
		slow.answers(func(int, received) (int, string) { <-free; return 200, "" })
		slow.calls = make(chan received, 3000)
		const rows = 2000
		orders := h.catalog
		h.subscribe(quick.URL, `"record.created"`, "")
		file, stored := h.importBegun(rows)
		bulk := h.subscribe(slow.URL, `"record.created"`, "")
		if _, err := h.importRows(file, ""); err != nil {
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
