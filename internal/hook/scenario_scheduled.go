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
		return passedOver(r, eventGone)
	}
	at := time.UnixMilli(r.Number).UTC().Format("2006-01-02T15:04:05.000Z")
	inputs := marshalled(withStart(map[string]any{"catalogId": of.Catalog, "scheduledAt": at}, string(catalog.Scheduled), true, event, of.Script, nil))
	return s.runJob(ctx, r, &run{script: of.Script, event: eventLink(event), async: true, inputs: inputs})
}
