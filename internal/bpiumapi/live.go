package bpiumapi

import (
	"net/http"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/query/tree"
)

// liveRoutes are those of cards that are being edited.
func (a *API) liveRoutes() []httpkit.Route {
	return []httpkit.Route{
		{Pattern: "POST /catalogs/{catalog}/records/{record}/changes", Handler: righted(a.changes, a.mayEdit)},
		{Pattern: "POST /catalogs/{catalog}/changes", Handler: righted(a.changes, a.mayEdit)},
		{Pattern: "POST /changes", Handler: a.changesByBody},
	}
}

// cardOf is the card that the path names.
func cardOf(r *http.Request) bpium.CardKey {
	key := bpium.CardKey{Catalog: catalogKey(r)}
	if id := r.PathValue("record"); id != "" {
		key.Record = bpium.RecordKey(id)
	}
	return key
}

func (a *API) mayEdit(r *http.Request) error {
	key := cardOf(r)
	return a.opt.Catalog.MayEdit(r.Context(), actorOf(r), key.Catalog, key.Record)
}

func (a *API) changes(w http.ResponseWriter, r *http.Request) error {
	return a.live(w, r, cardOf(r), func(o opened) (tree.Value, error) { return o.body() })
}

// changesByBody is changes of the card that the body names.
func (a *API) changesByBody(w http.ResponseWriter, r *http.Request) error {
	body, err := a.body(r)
	if err != nil {
		return err
	}
	key, err := bpium.DecodeCardKey(body)
	if err != nil {
		return err
	}
	err = a.live(w, r, key, func(opened) (tree.Value, error) { return body, nil })
	return insteadOf(err, func() error { return a.opt.Catalog.MayEdit(r.Context(), actorOf(r), key.Catalog, key.Record) })
}

// live asks who watches a card. Calls are made when nothing of the request is left
// that would be carried out again with another structure.
func (a *API) live(w http.ResponseWriter, r *http.Request, key bpium.CardKey, read func(opened) (tree.Value, error)) error {
	var asked *catalog.Live
	var with opened
	skip := false
	err := a.request(r, key.Catalog, func(o opened) (err error) {
		if skip, err = o.params.Bool("skipPrevId"); err != nil {
			return err
		}
		body, err := read(o)
		if err != nil {
			return err
		}
		card, err := bpium.DecodeCard(body, o.scope, o.at)
		if err != nil {
			return err
		}
		card.Record = key.Record
		with = o
		asked, err = a.opt.Catalog.Edit(r.Context(), o.actor, card)
		return err
	})
	if err != nil {
		return err
	}
	said, err := a.opt.Hooks.Live(r.Context(), with.actor, asked)
	if err != nil {
		return err
	}
	options := bpium.EncodeOptions{SkipPrevID: skip, Files: with.files}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeLive(dst, said, options, httpkit.Language(r.Context())) })
}
