package bpiumapi

import (
	"net/http"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/query/tree"
)

func (a *API) catalogs(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	filter, skip, err := bpium.DecodeCatalogs(c.params)
	if err != nil {
		return err
	}
	scopes, err := a.opt.Catalog.Catalogs(r.Context(), c.actor, filter)
	if err != nil {
		return err
	}
	if err := a.opt.Catalog.CountChats(r.Context(), c.actor, scopes...); err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte {
		return bpium.EncodeCatalogs(dst, scopes, bpium.CatalogOptions{SkipPrevID: skip})
	})
}

func (a *API) catalog(w http.ResponseWriter, r *http.Request) error {
	o, err := a.open(r)
	if err != nil {
		return err
	}
	options, err := o.structureOptions()
	if err != nil {
		return err
	}
	if err := a.opt.Catalog.CountChats(r.Context(), o.actor, o.scope); err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeCatalog(dst, o.scope, options) })
}

// structureOptions reads how the catalog is to be written.
func (o opened) structureOptions() (options bpium.CatalogOptions, err error) {
	if options.SkipPrevID, err = o.params.Bool("skipPrevId"); err != nil {
		return options, err
	}
	options.Fields, err = bpium.FieldIDs(o.params)
	return options, err
}

func (a *API) createCatalog(w http.ResponseWriter, r *http.Request) error {
	c, body, err := a.callWithBody(r)
	if err != nil {
		return err
	}
	st, err := a.opt.Catalog.Current(r.Context())
	if err != nil {
		return err
	}
	in, err := bpium.DecodeCatalog(body, st, nil)
	if err != nil {
		return insteadOf(err, func() error {
			if in.Section == nil {
				return nil
			}
			return a.opt.Catalog.MayChangeSection(r.Context(), c.actor, *in.Section)
		})
	}
	scope, err := a.opt.Catalog.CreateCatalog(r.Context(), c.actor, in)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return appendCreated(dst, scope) })
}

// appendCreated adds {"id":"41","values":{catalog}}.
func appendCreated(dst []byte, scope *catalog.Scope) []byte {
	dst = tree.AppendString(append(dst, `{"id":`...), scope.Catalog.Key)
	dst = bpium.EncodeCatalog(append(dst, `,"values":`...), scope, bpium.CatalogOptions{})
	return append(dst, '}')
}

func (a *API) updateCatalog(w http.ResponseWriter, r *http.Request) error {
	o, err := a.open(r)
	if err != nil {
		return err
	}
	options, err := o.structureOptions()
	if err != nil {
		return err
	}
	body, err := a.body(r)
	if err != nil {
		return err
	}
	in, err := bpium.DecodeCatalog(body, o.scope.Structure, o.scope.Catalog)
	if err != nil {
		return err
	}
	if err := a.opt.Catalog.CountChats(r.Context(), o.actor, o.scope); err != nil {
		return err
	}
	scope, err := a.opt.Catalog.UpdateCatalog(r.Context(), o.actor, o.scope.Catalog.Key, in)
	if err != nil {
		return err
	}
	scope.NewChats = o.scope.NewChats
	return answer(w, func(dst []byte) []byte { return bpium.EncodeCatalog(dst, scope, options) })
}

func (a *API) deleteCatalog(w http.ResponseWriter, r *http.Request) error {
	o, err := a.open(r)
	if err != nil {
		return err
	}
	if err := a.opt.Catalog.DeleteCatalog(r.Context(), o.actor, o.scope.Catalog.Key); err != nil {
		return err
	}
	return httpkit.Empty(w)
}

func (a *API) clearCatalog(w http.ResponseWriter, r *http.Request) error {
	o, err := a.open(r)
	if err != nil {
		return err
	}
	body, err := a.body(r)
	if err != nil {
		return err
	}
	name, _ := body.Get("name")
	if name.Kind != tree.String {
		return fault.New(fault.InvalidParameter, "name: the exact name of the catalog is required")
	}
	n, err := a.opt.Catalog.ClearCatalog(r.Context(), o.actor, o.scope.Catalog.Key, name.Str())
	if err != nil {
		return err
	}
	return httpkit.JSON(w, map[string]int64{"deleted": n})
}
