package hook

import (
	"context"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/job"
	"kartoteka/internal/query"
)

// runScheduled runs the scenario of an event that is due: the job's Number says since
// when, Unix ms.
func (s *Service) runScheduled(ctx context.Context, r job.Result) job.Result {
	event := query.Ref(r.Target).Record()
	of, err := s.options.Catalog.ScheduledRun(ctx, event)
	if err != nil {
		return s.later(ctx, r, err)
	}
	if of == nil {
		r.State, r.Error, r.Missed = job.Dead, "the event is switched off or removed", true
		return r
	}
	inputs := marshalled(map[string]any{
		"event":       map[string]any{"id": recordID(event, ""), "type": string(catalog.Scheduled), "async": true},
		"script":      map[string]any{"id": recordID(of.Script, "")},
		"user":        map[string]any{"id": nil},
		"catalogId":   of.Catalog,
		"scheduledAt": time.UnixMilli(r.Number).UTC().Format("2006-01-02T15:04:05.000Z"),
	})
	link := query.Link{Catalog: catalog.Events, Key: query.Key{Record: event}}
	return s.runJob(ctx, r, &run{script: of.Script, event: link, async: true, inputs: inputs})
}
