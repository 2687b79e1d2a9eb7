package hook

import (
	"context"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/script"
)

// askLiveScenario asks one scenario about a card. Why it failed is in its process.
func (s *Service) askLiveScenario(ctx context.Context, l *catalog.Live, h *catalog.Hook, actor string) (reply, error) {
	r := reply{source: scenarioSource, record: h.Record}
	inputs, err := bpium.AppendInputs(nil, s.liveEvent(l, h, actor), h.Script, false)
	if err != nil {
		return r, err
	}
	end, err := s.run(ctx, &run{script: h.Script, event: eventLink(h.Record), initiator: l.Actor, inputs: inputs})
	switch {
	case fault.Is(err, fault.RateLimited):
		r.failure = fault.Msg("The scenario failed")
		return r, nil
	case err != nil || end == nil:
		return r, err
	}
	answer := parsedBody(end.body)
	switch {
	case end.failure != nil && end.failure.Kind == script.KindUser:
		r.message = tree.AppendString(nil, text.Cut(end.failure.Message, messageMost))
		r.failure = fault.Msg("The scenario answered with an error")
	case end.failure != nil:
		r.failure = fault.Msg("The scenario failed")
	case end.status >= 400:
		r.message, r.failure = messageOf(answer), fault.Msg("The scenario answered with an error")
	default:
		r.message = messageOf(answer)
		r.values, _ = answer.Get("values")
	}
	return r, nil
}
