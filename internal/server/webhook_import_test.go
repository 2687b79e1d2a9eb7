package server

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/adminapi"
	"kartoteka/internal/store/testdb"
)

// cutter is an output that ends its command at a line.
type cutter struct {
	bytes.Buffer
	at  string
	cut context.CancelFunc
}

func (c *cutter) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(c.at)) {
		c.cut()
	}
	return c.Buffer.Write(p)
}

// importRows imports a file into a new catalog, or goes on with it; at is where it is
// interrupted, "" for not at all.
func (h *hooked) importRows(file, at string) (string, error) {
	h.Helper()
	i := slices.IndexFunc(adminapi.Operations(), func(o adminapi.Operation) bool { return o.Name == "import" })
	task, err := adminapi.Operations()[i].Prepare(flag.NewFlagSet("import", flag.ContinueOnError), []string{"-", "--section", "Main", "--catalog", "Rows"})
	if err != nil {
		h.Fatal(err)
	}
	ctx, cut := context.WithCancel(h.Context())
	defer cut()
	out := &cutter{at: at, cut: cut}
	if at == "" {
		out.cut = func() {}
	}
	tools, clock := h.app.Tools(), time.Now()
	tools.Now = func() time.Time { clock = clock.Add(time.Second); return clock } // progress is shown each second
	err = task.Run(ctx, tools, adminapi.Call{In: strings.NewReader(file), Out: out, Terminal: at != ""})
	return out.String(), err
}

// importBegun imports some of so many rows into catalog 26, so that there may be
// subscriptions to the rest. It gives the file, and how many rows are stored.
func (h *hooked) importBegun(rows int) (file string, stored int) {
	h.Helper()
	var b strings.Builder
	b.WriteString("Name,Number\n")
	for n := range rows {
		fmt.Fprintf(&b, "Row %d,%d\n", n, n)
	}
	if out, err := h.importRows(b.String(), "Importing"); !errors.Is(err, context.Canceled) {
		h.Fatalf("%v\n%s", err, out)
	}
	h.catalog = "26"
	return b.String(), h.stored()
}

// stored is the number of the catalog's records, up to 2,000.
func (h *hooked) stored() int {
	h.Helper()
	return strings.Count(h.call(200, "GET", h.records()+"?limit=2000&fields=[]", ""), `"title"`)
}

// An import asks before each record and tells of it afterwards; a refused row is one
// that was not taken.
func TestWebhookOfImport(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		const rows, refused = 1500, 1490
		file, stored := h.importBegun(rows)
		if stored >= refused {
			t.Fatalf("%d records before the webhooks", stored)
		}
		before, after := newReceiver(h), newReceiver(h)
		before.calls, after.calls = make(chan received, 3*rows), make(chan received, 3*rows)
		before.json = true
		before.answers(func(_ int, c received) (int, string) {
			if c.Body.Payload.Values["2"] == float64(refused) {
				return 400, `{"message":"Not this one"}`
			}
			return 200, ""
		})
		h.subscribe(before.URL, `"record.before.created"`, "")
		h.subscribe(after.URL, `"record.created"`, "")
		out, err := h.importRows(file, "")
		if err != nil || !strings.Contains(out, `A webhook refused the change: "Not this one"`) || !strings.Contains(out, fmt.Sprintf("%d records of %d rows", rows-1, rows)) {
			t.Fatalf("%v\n%s", err, out)
		}
		if got := h.stored(); got != rows-1 {
			t.Errorf("%d records", got)
		}
		told := map[any]bool{}
		for range rows - 1 - stored {
			c := after.now()
			told[c.Body.Payload.Values["2"]] = true
			if c.Body.User.ID != nil {
				t.Errorf("somebody did it: %s", c.Raw)
			}
		}
		if len(told) != rows-1-stored || told[float64(refused)] {
			t.Errorf("told of %d records", len(told))
		}
		after.none("all were told")
		asked := map[any]bool{}
		for len(before.calls) > 0 {
			asked[(<-before.calls).Body.Payload.Values["2"]] = true
		}
		if len(asked) != rows-stored {
			t.Errorf("asked about %d records", len(asked))
		}
	})
}

// Without their module no webhooks can be made; those that are there go on.
func TestWebhooksNotLicensed(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		h := openHooked(t, target, "LICENSE_MODULES=boards,webhooks")
		r := newReceiver(h)
		hook := h.subscribe(r.URL, `"record.created"`, "")
		h.end()
		h.env = append(h.env, "LICENSE_MODULES=boards")
		h.start()
		for _, body := range []string{`{"values":{"$catalog":[{"catalogId":"$catalogs","recordId":"25"}],"$events":["record.created"],"$url":"http://example.com"}}`, `{"values":{"99":1}}`} {
			w := ask(h.http, "POST", "/api/v1/catalogs/5/records", body, "Authorization", basic())
			if w.Code != 426 || !strings.Contains(w.Body.String(), `"code":"module_not_licensed"`) || !strings.Contains(w.Body.String(), `"details":{"module":"webhooks"}`) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}
		h.call(200, "PATCH", "/api/v1/catalogs/5/records/"+hook, `{"values":{"$secret":"s"}}`)
		h.pass(time.Minute) // another process may hold the cursor as long
		h.add(`{"1":"a"}`)
		r.next()
	})
}
