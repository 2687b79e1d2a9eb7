package bpiumapi

import (
	"net/http"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/httpkit"
)

func (a *API) rights(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	objects, auto, err := bpium.DecodeRightsQuery(c.params)
	if err != nil {
		return err
	}
	page, err := a.opt.Catalog.Rights(r.Context(), c.actor, objects, auto)
	if err != nil {
		return err
	}
	options := bpium.RightsOptions{Language: httpkit.Language(r.Context()), SkipEmpty: true}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeRights(dst, page, options) })
}

func (a *API) setRights(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	body, err := httpkit.ReadJSON(r, a.opt.BodyLimit)
	if err != nil {
		return err
	}
	in, err := bpium.DecodeRights(body)
	if err != nil {
		return insteadOf(err, func() error { return a.maySetRights(r, c, in) })
	}
	page, err := a.opt.Catalog.SetRights(r.Context(), c.actor, in)
	if err != nil {
		return err
	}
	options := bpium.RightsOptions{Language: httpkit.Language(r.Context())}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeRights(dst, page, options) })
}

// maySetRights looks at the objects that could be read of a body.
func (a *API) maySetRights(r *http.Request, c call, in []catalog.RightsInput) error {
	for _, one := range in {
		if one.Object == (catalog.ObjectKey{}) {
			continue
		}
		if err := a.opt.Catalog.MaySetRights(r.Context(), c.actor, one.Object); err != nil {
			return err
		}
	}
	return nil
}

func (a *API) explainRights(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	ask, err := bpium.DecodeExplain(c.params, c.actor.Employee)
	if err != nil {
		return err
	}
	x, err := a.opt.Catalog.Explain(r.Context(), c.actor, ask)
	if err != nil {
		return err
	}
	language := httpkit.Language(r.Context())
	return answer(w, func(dst []byte) []byte { return bpium.EncodeExplanation(dst, x, language) })
}
