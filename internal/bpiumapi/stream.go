package bpiumapi

import (
	"context"
	"errors"
	"net/http"

	"kartoteka/internal/account"
	"kartoteka/internal/bpium"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/stream"
)

// stream answers with events until the client leaves.
func (a *API) stream(w http.ResponseWriter, r *http.Request) error {
	l, err := a.listen(r)
	if err != nil {
		return err
	}
	if r.Method == http.MethodHead {
		l.Close()
		httpkit.BeginEvents(w)
		return nil
	}
	conn, err := httpkit.TakeOver(w, r)
	switch {
	case err == nil:
		l.Take(conn)
	case errors.Is(err, errors.ErrUnsupported):
		l.Serve(r.Context(), httpkit.BeginEvents(w))
	default: // the client left
		l.Close()
	}
	return nil
}

// listen opens the stream that a request asks for.
func (a *API) listen(r *http.Request) (*stream.Listener, error) {
	c, err := a.call(r)
	if err != nil {
		return nil, err
	}
	ask, err := bpium.DecodeStream(c.params, r.Header.Get("Last-Event-ID"))
	if err != nil {
		return nil, err
	}
	who, _ := account.ActorOf(r.Context())
	return a.opt.Streams.Open(r.Context(), stream.Request{
		Actor: c.actor, Person: int64(who.Account), Catalogs: ask.Catalogs, Views: ask.Views, After: ask.After,
		Credential: who.Proof, Valid: a.mayListen(who), Told: bpium.AppendTold, Anew: bpium.AppendAnew,
	})
}

// mayListen tells whether somebody who opened a stream would still be let in.
func (a *API) mayListen(who account.Actor) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := a.opt.Accounts.Holds(ctx, who.Proof); err != nil {
			return err
		}
		return a.covered(ctx, actorFor(who))
	}
}
