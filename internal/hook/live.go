package hook

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/scriptenv"
)

// Sources of replies to a card that is edited.
const (
	webhookSource  = "webhook"
	scenarioSource = "event"
)

// reply is what one subscriber says to a card that is edited. Webhooks' come first;
// subscribers of another source come after them.
type reply struct {
	source  string
	record  query.Record    // the subscription
	message json.RawMessage // nil for none
	values  tree.Value      // what is to be put into the card
	failure fault.Message   // zero for none
}

// Live asks all subscribers about a card in parallel, waits for all, and merges what
// they say as far as the actor may see it. It fails with the faults of catalog.Fill,
// and when ctx ends.
func (s *Service) Live(ctx context.Context, a catalog.Actor, l *catalog.Live) (*bpium.LiveAnswer, error) {
	if len(l.Hooks)+len(l.Scenarios) == 0 {
		return &bpium.LiveAnswer{}, nil
	}
	actor, err := s.options.Catalog.EmployeeCode(ctx, l.Actor)
	if err != nil {
		return nil, err
	}
	var hooks, scenarios []reply
	group, asking := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		hooks, err = askAll(asking, l.Hooks, func(ctx context.Context, h catalog.LiveHook) (reply, error) {
			return s.askLive(ctx, l, h, actor)
		})
		for _, n := range l.Unasked {
			hooks = append(hooks, reply{
				source: webhookSource, record: n, failure: fault.Msg("The webhook was not asked: more than %d watch the card", catalog.LiveMost),
			})
		}
		return err
	})
	group.Go(func() (err error) {
		scenarios, err = askAll(asking, l.Scenarios, func(ctx context.Context, h *catalog.Hook) (reply, error) {
			return s.askLiveScenario(ctx, l, h, actor)
		})
		for _, n := range l.UnaskedScenarios {
			scenarios = append(scenarios, reply{
				source: scenarioSource, record: n, failure: fault.Msg("The scenario was not asked: more than %d watch the card", catalog.LiveMost),
			})
		}
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return s.merge(ctx, a, l, append(hooks, scenarios...))
}

// askAll asks subscribers of a card, at most catalog.LiveMost, in parallel.
func askAll[T any](ctx context.Context, list []T, ask func(context.Context, T) (reply, error)) ([]reply, error) {
	replies := make([]reply, len(list))
	group, ctx := errgroup.WithContext(ctx)
	for i, one := range list {
		group.Go(func() (err error) {
			replies[i], err = ask(ctx, one)
			return err
		})
	}
	return replies, group.Wait()
}

// liveEvent is what a subscription is told of a card.
func (s *Service) liveEvent(l *catalog.Live, h *catalog.Hook, actor string) *bpium.Event {
	return &bpium.Event{
		Structure: l.Structure, Catalog: l.Catalog, Hook: h.Record, Kind: catalog.WhileEditing, At: l.At,
		Record: l.Record, Code: l.Code, Actor: l.Actor, ActorCode: actor, Changed: l.Changed, All: l.All,
		Files: s.options.Catalog.FileLinks(s.options.Base),
	}
}

// askLive asks one webhook about a card. What its people want to know of a failure
// is in the log: an address is nothing for everybody who may edit a card.
func (s *Service) askLive(ctx context.Context, l *catalog.Live, h catalog.LiveHook, actor string) (reply, error) {
	r := reply{source: webhookSource, record: h.Record}
	event := s.liveEvent(l, h.Hook, actor)
	event.Number = h.Number
	body, err := bpium.AppendEvent(nil, event)
	if err != nil {
		return r, err
	}
	id := "live_" + strconv.FormatInt(int64(h.Record), 10) + "_" + strconv.FormatInt(h.Number, 10)
	attempt, res, _ := s.call(ctx, h.Hook, id, body)
	if ctx.Err() != nil {
		return r, ctx.Err()
	}
	log := s.options.Log.With("module", "Hooks", "hook", int64(h.Record), "event", string(catalog.WhileEditing), "status", attempt.Status, "ms", attempt.Took)
	ok := succeeded(attempt)
	if res != nil {
		r.message, r.values = answered(res.Header, res.Body)
	}
	switch {
	case ok:
		log.InfoContext(ctx, "webhook.answered")
	case attempt.Status != 0:
		r.values, r.failure = tree.Value{}, fault.Msg("The webhook answered with an error")
	default:
		r.values, r.failure = tree.Value{}, fault.Msg("The webhook did not answer")
	}
	if !ok {
		log.WarnContext(ctx, "webhook.unanswered", "reason", attempt.Error)
	}
	if attempt.Status == http.StatusGone {
		s.drop(ctx, h.Hook)
	}
	return r, nil
}

// answered reads the message and the values of an answer.
func answered(header http.Header, body []byte) (message json.RawMessage, values tree.Value) {
	answer, ok := parsed(header, body)
	if !ok {
		return nil, tree.Value{}
	}
	values, _ = answer.Get("values")
	return messageOf(answer), values
}

// parsed reads an answer in JSON.
func parsed(header http.Header, body []byte) (tree.Value, bool) {
	if !isJSON(header.Get("Content-Type")) || !utf8.Valid(body) {
		return tree.Value{}, false
	}
	answer, err := tree.ParseJSON(body, tree.Limits{Depth: 32})
	return answer, err == nil
}

// merge puts the replies together: of values of one field the last counts.
func (s *Service) merge(ctx context.Context, a catalog.Actor, l *catalog.Live, replies []reply) (*bpium.LiveAnswer, error) {
	a.Under = nil // by the rights of now, which calls took some time to come to
	scope, err := s.options.Catalog.Catalog(ctx, a, l.Catalog.Key)
	if err != nil {
		return nil, err
	}
	at := catalog.Moment{Now: s.options.Now().UnixMilli(), Offset: a.Offset, Employee: a.Employee}
	answer := &bpium.LiveAnswer{}
	sets := make([][]catalog.FieldValue, len(replies))
	for i, r := range replies {
		if r.message != nil {
			answer.Messages = append(answer.Messages, r.message)
		}
		values := r.values
		if r.source == scenarioSource {
			values = scriptenv.Given(scope, values)
		}
		sets[i], _ = bpium.DecodeFilling(values, scope, at)
	}
	if answer.Filled, err = s.options.Catalog.Fill(ctx, a, scope.Catalog.Num, l.Key(), sets); err != nil {
		return nil, err
	}
	refused := answer.Filled.Refused
	for i, r := range replies {
		if r.failure.Format != "" {
			answer.Failures = append(answer.Failures, bpium.LiveFailure{Source: r.source, Record: r.record, Message: r.failure})
		}
		for ; len(refused) > 0 && refused[0].Set == i; refused = refused[1:] {
			answer.Failures = append(answer.Failures, bpium.LiveFailure{Source: r.source, Record: r.record, Message: fault.Msg("The value was not taken: %s", refused[0].Detail.Message)})
		}
	}
	return answer, nil
}
