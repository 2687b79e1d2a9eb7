package server

import (
	"strings"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/job"
)

// Schedules add jobs while the program runs, also what came due before it started,
// and operators see when.
func TestSchedules(t *testing.T) {
	eachHooked(t, func(h *hooked) {
		st, err := h.app.Catalog.Structure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = h.app.company.Update(t.Context(), catalog.Plan{Version: st.Version}, func(w catalog.Writer) error {
			spec := job.Spec{Cron: "*/30 * * * *", Zone: "Europe/Kyiv", Missed: job.RunOnce}
			return job.Plan(t.Context(), w, "pull", 3, "pull", spec, h.clock.Now())
		})
		if err != nil {
			t.Fatal(err)
		}
		shown := func(want string) {
			t.Helper()
			out := strings.Join(strings.Fields(h.operate("jobs")), " ")
			if !strings.HasSuffix(out, " QUEUE TARGET KIND SCHEDULE MISSED LAST NEXT pull 3 pull */30 * * * * Europe/Kyiv once "+want) {
				t.Errorf("jobs: %s", out)
			}
		}
		shown("never 2027-01-15 08:30:00Z")
		h.end()
		h.clock.ms.Add((40 * time.Minute).Milliseconds())
		h.start()
		h.eventually("a job", func() bool {
			list, err := h.app.company.Jobs(t.Context(), "pull", 3, 0, 10)
			return err == nil && len(list) == 1 && list[0].Number == 1_800_001_800_000
		})
		shown("2027-01-15 08:40:00Z 2027-01-15 09:00:00Z")
	})
}
