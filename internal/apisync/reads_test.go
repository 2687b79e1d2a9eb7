package apisync_test

import (
	"context"
	"log/slog"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/store"
)

// countedReads counts the times that records are read.
type countedReads struct {
	*store.Company
	views atomic.Int64
}

func (c *countedReads) View(ctx context.Context, v catalog.Version, fn func(catalog.Reader) error) error {
	c.views.Add(1)
	return c.Company.View(ctx, v, fn)
}

// TestReadsOfChange: a change by path reads its record before and when it is worked out,
// and for the answer within its transaction.
func TestReadsOfChange(t *testing.T) {
	w := oneMapWorld(t)
	counted := &countedReads{Company: w.db}
	o := w.options
	service := catalog.New(counted, o)
	if _, err := service.Open(t.Context(), catalog.First{}); err != nil {
		t.Fatal(err)
	}
	module := apisync.New(apisync.Options{Catalog: service, Store: counted, Now: o.Now, Log: slog.New(slog.DiscardHandler), Zone: time.UTC})
	_, err := module.SaveConfig(t.Context(), w.actor, "", nil, "config.created", func(apisync.Doc) (apisync.Doc, error) {
		line := apisync.Doc{"field": "name", "external_key": "name", "is_record_identifier": true}
		return apisync.Doc{
			"code": "c", "name": "C", "request_type": "in", "model": "cities", "endpoint": "c", "auth_types": []any{"platform"},
			"methods": []any{"GET", "PUT"}, "lines": []any{line},
		}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	n := w.create(w.cities, "name", catalog.Text("Lviv"))
	st, err := module.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	call := func(method, id, body string) int64 {
		t.Helper()
		before := counted.views.Load()
		c := &apisync.Call{Config: st.Compiled("c"), Actor: w.actor, Method: method, ID: id, Body: value(t, body), HasBody: body != "null"}
		if _, err := module.Do(t.Context(), c); err != nil {
			t.Fatalf("%s %s %s: %v", method, id, body, err)
		}
		return counted.views.Load() - before
	}
	id := strconv.FormatInt(int64(n), 10)
	call("GET", id, "null") // what is read once
	one := call("GET", id, "null")
	if got := call("PUT", id, `{"other":1}`); got != one+1 {
		t.Errorf("a change of nothing reads %d times, and a GET %d", got, one)
	}
	if got := call("PUT", id, `{"name":"Lwów"}`); got != one+2 { // for the identifier, and when it is worked out
		t.Errorf("a change reads %d times, and a GET %d", got, one)
	}
}
