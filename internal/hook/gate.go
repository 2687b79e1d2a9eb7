package hook

import (
	"context"
	"mime"
	"net/http"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

const (
	// asksAtOnce bounds the subscriptions that are asked at once about one write.
	asksAtOnce = 16
	// messageMost bounds a message of a refusal, in characters.
	messageMost = 10_000
)

// Ask implements catalog.Gate: all are asked in parallel, the first refusal decides
// and the others are given up.
func (s *Service) Ask(ctx context.Context, asks []catalog.Asked) ([][]catalog.FieldValue, error) {
	if len(asks) == 0 {
		return nil, nil
	}
	actor, err := s.options.Catalog.EmployeeCode(ctx, asks[0].Actor) // one write has one
	if err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(asksAtOnce)
	wanted := make([][]catalog.FieldValue, len(asks))
	for i := range asks {
		group.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if asks[i].Hook.Script == 0 {
				return s.askOne(ctx, &asks[i], actor)
			}
			wanted[i], err = s.askScenario(ctx, &asks[i], actor)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(wanted, func(set []catalog.FieldValue) bool { return len(set) > 0 }) {
		return nil, nil
	}
	return wanted, nil
}

// askedEvent is what a subscription is asked about.
func (s *Service) askedEvent(a *catalog.Asked, actor string) *bpium.Event {
	return &bpium.Event{
		Structure: a.Structure, Catalog: a.Catalog, Hook: a.Hook.Record, Kind: a.Event, Number: a.Number, At: a.At,
		Record: a.Record, Code: a.Code, Actor: a.Actor, ActorCode: actor, Changed: a.Changed, Before: a.Before,
		Files: s.options.Catalog.FileLinks(s.options.Base),
	}
}

// askOne asks one subscription. A receiver that cannot be asked refuses: requests
// are there to protect data.
func (s *Service) askOne(ctx context.Context, a *catalog.Asked, actor string) error {
	body, err := bpium.AppendEvent(nil, s.askedEvent(a, actor))
	if err != nil {
		return err
	}
	id := "ask_" + strconv.FormatInt(int64(a.Hook.Record), 10) + "_" + strconv.FormatInt(a.Number, 10)
	attempt, res, err := s.call(ctx, a.Hook, id, body)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	log := s.options.Log.With("module", "Hooks", "hook", int64(a.Hook.Record), "event", string(a.Event), "status", attempt.Status, "ms", attempt.Took)
	if !succeeded(attempt) {
		log.WarnContext(ctx, "webhook.refused", "reason", attempt.Error)
		refused := fault.Wrap(err, fault.Rejected, "A webhook refused the change")
		if res != nil {
			refused.Said = said(res.Header, res.Body)
		}
		return refused
	}
	log.InfoContext(ctx, "webhook.allowed")
	if attempt.Status == http.StatusGone {
		s.drop(ctx, a.Hook)
	}
	return nil
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && kind == "application/json"
}

// said reads the message of a refusal: a text, or an object of title and text. nil
// when there is none.
func said(header http.Header, body []byte) []byte {
	answer, ok := parsed(header, body)
	if !ok {
		return nil
	}
	return messageOf(answer)
}

// messageOf is the message of an answer, nil when there is none.
func messageOf(answer tree.Value) []byte {
	message, _ := answer.Get("message")
	switch message.Kind {
	case tree.String:
		if message.Str() == "" {
			return nil
		}
		return tree.AppendString(nil, text.Cut(message.Str(), messageMost))
	case tree.Object:
		dst := []byte{'{'}
		for _, name := range []string{"title", "text"} {
			part, _ := message.Get(name)
			if part.Kind != tree.String {
				continue
			}
			if len(dst) > 1 {
				dst = append(dst, ',')
			}
			dst = append(tree.AppendString(dst, name), ':')
			dst = tree.AppendString(dst, text.Cut(part.Str(), messageMost))
		}
		if len(dst) > 1 {
			return append(dst, '}')
		}
	}
	return nil
}
