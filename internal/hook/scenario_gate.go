package hook

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/script"
	"kartoteka/internal/scriptenv"
)

// actedOn are statuses that clients act on by themselves: a scenario's refusal with
// one of them is a plain 400.
var actedOn = []int{http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusMethodNotAllowed, http.StatusUpgradeRequired, http.StatusTooManyRequests}

// askScenario asks one scenario about a write, and gives the values that it wants in
// it. One that fails refuses.
func (s *Service) askScenario(ctx context.Context, a *catalog.Asked, actor string) ([]catalog.FieldValue, error) {
	end, err := s.runFor(ctx, a, actor)
	if err != nil || end == nil {
		return nil, err
	}
	if err := refusal(end); err != nil {
		return nil, err
	}
	values, _ := parsedBody(end.body).Get("values")
	if a.Event == catalog.BeforeDelete || values.IsNull() {
		return nil, nil
	}
	scope, err := s.options.Catalog.Catalog(ctx, catalog.ScenarioActor(a.Depth, true), a.Catalog.Key)
	if err != nil {
		return nil, err
	}
	wanted, _ := bpium.DecodeFilling(scriptenv.Given(scope, values), scope, catalog.Moment{Now: s.options.Now().UnixMilli(), Employee: a.Actor})
	return wanted, nil
}

// runFor runs the scenario of a question.
func (s *Service) runFor(ctx context.Context, a *catalog.Asked, actor string) (*ending, error) {
	inputs, err := bpium.AppendInputs(nil, s.askedEvent(a, actor), a.Hook.Script, false)
	if err != nil {
		return nil, err
	}
	return s.run(ctx, &run{
		script: a.Hook.Script, event: eventLink(a.Hook.Record), initiator: a.Actor, depth: a.Depth, asked: true, inputs: inputs,
	})
}

func eventLink(n query.Record) query.Link {
	return query.Link{Catalog: catalog.Events, Key: query.Key{Record: n}}
}

// refusal is the failure of the write that a run refuses, nil when it allows it.
func refusal(end *ending) error {
	if end.failure != nil {
		refused := fault.New(fault.Rejected, "A scenario failed, so the change was not made")
		if end.failure.Kind == script.KindUser {
			refused.Said = tree.AppendString(nil, text.Cut(end.failure.Message, messageMost))
		}
		return refused
	}
	switch {
	case end.status >= 500:
		return fault.New(fault.Rejected, "A scenario failed, so the change was not made")
	case end.status < 400:
		return nil
	}
	refused := fault.New(fault.Rejected, "A scenario refused the change")
	refused.Said = messageOf(parsedBody(end.body))
	if !slices.Contains(actedOn, end.status) {
		refused.Status = end.status
	}
	return refused
}

// parsedBody is the body of an answer, null when there is none.
func parsedBody(body json.RawMessage) tree.Value {
	if body == nil {
		return tree.Value{}
	}
	v, err := tree.ParseJSON(body, tree.Limits{Depth: 32})
	if err != nil {
		return tree.Value{}
	}
	return v
}
