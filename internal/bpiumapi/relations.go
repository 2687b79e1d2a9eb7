package bpiumapi

import (
	"context"
	"net/http"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

func (a *API) relations(w http.ResponseWriter, r *http.Request, o opened) error {
	ask, err := bpium.DecodeRelations(o.params)
	if err != nil {
		return err
	}
	key := bpium.RecordKey(r.PathValue("record"))
	list, err := a.opt.Catalog.Relations(r.Context(), o.actor, o.scope.Catalog.Num, key, ask)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeRelations(dst, list) })
}

func (a *API) contacts(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	ask, err := bpium.DecodeContacts(c.params)
	if err != nil {
		return err
	}
	page, err := a.opt.Catalog.Contacts(r.Context(), c.actor, ask)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeContacts(dst, page) })
}

func (a *API) availableRecords(w http.ResponseWriter, r *http.Request, o opened) error {
	decode := func(f *catalog.Field) (catalog.CandidatesAsk, error) {
		return bpium.DecodeCandidates(o.params, o.scope, f, o.at)
	}
	return a.candidates(w, r, o, decode, a.opt.Catalog.Candidates, true)
}

func (a *API) availableFilterRecords(w http.ResponseWriter, r *http.Request, o opened) error {
	decode := func(*catalog.Field) (catalog.CandidatesAsk, error) {
		return bpium.DecodeFilterCandidates(o.params)
	}
	return a.candidates(w, r, o, decode, a.opt.Catalog.FilterCandidates, false)
}

func (a *API) candidates(w http.ResponseWriter, r *http.Request, o opened,
	decode func(*catalog.Field) (catalog.CandidatesAsk, error),
	find func(context.Context, catalog.Actor, query.Catalog, query.Field, catalog.CandidatesAsk) (*catalog.Candidates, error),
	values bool,
) error {
	f, err := bpium.LinkField(o.scope, r.PathValue("field"))
	if err != nil {
		return err
	}
	ask, err := decode(f)
	if err != nil {
		return err
	}
	page, err := find(r.Context(), o.actor, o.scope.Catalog.Num, f.Num, ask)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeCandidates(dst, page, values, o.files) })
}
