package bpiumapi

import (
	"net/http"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/httpkit"
)

func (a *API) views(w http.ResponseWriter, r *http.Request) error {
	o, err := a.open(r)
	if err != nil {
		return err
	}
	page, err := a.opt.Catalog.Views(r.Context(), o.actor, o.scope.Catalog.Key)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeViews(dst, page) })
}

func (a *API) view(w http.ResponseWriter, r *http.Request) error {
	o, err := a.open(r)
	if err != nil {
		return err
	}
	page, err := a.opt.Catalog.View(r.Context(), o.actor, o.scope.Catalog.Key, r.PathValue("view"))
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeView(dst, page) })
}

func (a *API) createView(w http.ResponseWriter, r *http.Request) error {
	o, err := a.open(r)
	if err != nil {
		return err
	}
	in, err := a.viewInput(r, o)
	if err != nil {
		return err
	}
	page, err := a.opt.Catalog.CreateView(r.Context(), o.actor, o.scope.Catalog.Key, in)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, map[string]string{"id": page.Views[0].Key})
}

// viewInput reads a view. That a legal one is for managers of the catalog comes
// before what is wrong with it.
func (a *API) viewInput(r *http.Request, o opened) (catalog.ViewInput, error) {
	body, err := a.body(r)
	if err != nil {
		return catalog.ViewInput{}, err
	}
	in, err := bpium.DecodeView(body, o.scope)
	return in, insteadOf(err, func() error {
		legal := in.Legal != nil && *in.Legal
		return a.opt.Catalog.MayWriteView(r.Context(), o.actor, o.scope.Catalog.Key, r.PathValue("view"), legal)
	})
}

func (a *API) updateView(w http.ResponseWriter, r *http.Request) error {
	o, err := a.open(r)
	if err != nil {
		return err
	}
	in, err := a.viewInput(r, o)
	if err != nil {
		return err
	}
	if _, err = a.opt.Catalog.UpdateView(r.Context(), o.actor, o.scope.Catalog.Key, r.PathValue("view"), in); err != nil {
		return err
	}
	return httpkit.Empty(w)
}

func (a *API) deleteView(w http.ResponseWriter, r *http.Request) error {
	o, err := a.open(r)
	if err != nil {
		return err
	}
	if err := a.opt.Catalog.DeleteView(r.Context(), o.actor, o.scope.Catalog.Key, r.PathValue("view")); err != nil {
		return err
	}
	return httpkit.Empty(w)
}
