package catalog_test

import (
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// Runs that are over are noted at once and in their order; what names a record that is
// not there any more is noted without, and the others with all that they name.
func TestNoteEnded(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		scripts, events, c := w.system("$scripts"), w.system("$events"), w.system("$processes")
		script := w.apply(catalog.Create{Catalog: scripts.Num, Values: values(scripts, "$name", catalog.Text("s"))})[0].Record
		event := w.apply(catalog.Create{Catalog: events.Num, Values: values(events, "$name", catalog.Text("e"), "$status", catalog.Items{2},
			"$catalog", catalog.Links{link(w.system("$catalogs"), 25)})})[0].Record
		run := func(code string, script query.Record) catalog.EndedProcess {
			return catalog.EndedProcess{
				Process: catalog.Process{
					Started: 1_000, Script: script, Code: code, Event: query.Link{Catalog: events.Num, Key: query.Key{Record: event}}, Params: "{}", Initiator: 1,
				},
				End: catalog.ProcessEnd{Status: catalog.ProcessDone, Finished: 2_000, Result: `{"status":200}`, Seconds: 1},
			}
		}
		const gone = 77
		last := query.Record(0)
		for _, list := range [][]catalog.EndedProcess{
			{run("one", script), run("two", script)},
			{run("three", script), run("four", gone), run("five", script)},
		} {
			numbers, err := w.s.NoteEnded(t.Context(), list)
			if err != nil || len(numbers) != len(list) {
				t.Fatal(numbers, err)
			}
			for i, n := range numbers {
				got := text(w.row(c, n, nil), 0)
				names := strings.Contains(got, "$script=") && strings.Contains(got, "$event=") && strings.Contains(got, "$initiator=")
				if !strings.Contains(got, `$code="`+list[i].Process.Code+`"`) || names != (list[i].Process.Script != gone) || n <= last {
					t.Errorf("note %d of %s: %s", n, list[i].Process.Code, got)
				}
				last = n
			}
		}
	})
}
