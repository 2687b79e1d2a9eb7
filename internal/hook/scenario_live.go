package hook

import (
	"context"

	"golang.org/x/sync/errgroup"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/script"
)

// askScenarios asks the scenarios about a card.
func (s *Service) askScenarios(ctx context.Context, l *catalog.Live, actor string) ([]reply, error) {
	replies := make([]reply, len(l.Scenarios), len(l.Scenarios)+len(l.UnaskedScenarios))
	group, ctx := errgroup.WithContext(ctx)
	for i, h := range l.Scenarios { // at most catalog.LiveMost
		group.Go(func() (err error) {
			replies[i], err = s.askLiveScenario(ctx, l, h, actor)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, n := range l.UnaskedScenarios {
		replies = append(replies, reply{
			source: scenarioSource, record: n, failure: fault.Msg("The scenario was not asked: more than %d watch the card", catalog.LiveMost),
		})
	}
	return replies, nil
}

// askLiveScenario asks one scenario about a card. Why it failed is in its process.
func (s *Service) askLiveScenario(ctx context.Context, l *catalog.Live, h *catalog.Hook, actor string) (reply, error) {
	r := reply{source: scenarioSource, record: h.Record}
	inputs, err := bpium.AppendInputs(nil, &bpium.Event{
		Structure: l.Structure, Catalog: l.Catalog, Hook: h.Record, Kind: catalog.WhileEditing, At: l.At,
		Record: l.Record, Code: l.Code, Actor: l.Actor, ActorCode: actor, Changed: l.Changed, All: l.All,
		Files: s.options.Catalog.FileLinks(s.options.Base),
	}, h.Script, false)
	if err != nil {
		return r, err
	}
	end, err := s.run(ctx, &run{script: h.Script, event: eventLink(h), initiator: l.Actor, inputs: inputs})
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
