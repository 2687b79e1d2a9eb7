package bpiumapi

import (
	"net/http"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
)

// A missing object or right is answered before what is wrong with the request's
// parameters and body, though these are read first: the values of a body, say,
// are read by the fields of the catalog.

// ordinaryBody is how much of a body net/http reads and drops by itself when an
// answer comes before it, to keep the connection. Up to here a right is looked at
// after the body, which costs those who have it nothing.
const ordinaryBody = 256 << 10

// righted is a handler with what its object asks of the caller. A large body of
// a caller without the right is not read.
func righted(h httpkit.Handler, right func(*http.Request) error) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.ContentLength < 0 || r.ContentLength > ordinaryBody {
			if err := right(r); err != nil {
				return err
			}
		}
		err := h(w, r)
		return insteadOf(err, func() error { return right(r) })
	}
}

// insteadOf gives the missing right, if one is, in place of a refused request.
func insteadOf(err error, right func() error) error {
	if err == nil || httpkit.Status(fault.CodeOf(err)) != http.StatusBadRequest {
		return err
	}
	if missing := right(); missing != nil {
		return missing
	}
	return err
}

func (a *API) mayCreateSection(r *http.Request) error {
	return a.opt.Catalog.MayCreateSection(r.Context(), actorOf(r))
}

func (a *API) mayChangeSection(r *http.Request) error {
	return a.opt.Catalog.MayChangeSection(r.Context(), actorOf(r), bpium.SectionKey(r.PathValue("section")))
}

func (a *API) mayChangeCatalog(r *http.Request) error {
	return a.opt.Catalog.MayChangeCatalog(r.Context(), actorOf(r), catalogKey(r))
}

func (a *API) mayCreateRecord(r *http.Request) error {
	return a.opt.Catalog.MayCreateRecord(r.Context(), actorOf(r), catalogKey(r))
}

// mayUseRecord asks for a privilege on the record of the path.
func (a *API) mayUseRecord(p catalog.Privilege) func(*http.Request) error {
	return func(r *http.Request) error {
		key := bpium.RecordKey(r.PathValue("record"))
		return a.opt.Catalog.MayUseRecord(r.Context(), actorOf(r), catalogKey(r), key, p)
	}
}

func (a *API) mayUseField(r *http.Request) error {
	scope, err := a.opt.Catalog.Catalog(r.Context(), actorOf(r), catalogKey(r))
	if err != nil {
		return err
	}
	f, err := bpium.LinkField(scope, r.PathValue("field"))
	if err == nil && scope.Access.Field(f) == catalog.HideField {
		err = fault.New(fault.FieldHidden, "You have no access to the field %s", f.Key)
	}
	return err
}

func (a *API) mayUseView(r *http.Request) error {
	_, err := a.opt.Catalog.View(r.Context(), actorOf(r), catalogKey(r), r.PathValue("view"))
	return err
}

func (a *API) mayWriteView(r *http.Request) error {
	return a.opt.Catalog.MayWriteView(r.Context(), actorOf(r), catalogKey(r), r.PathValue("view"), false)
}

func catalogKey(r *http.Request) string { return bpium.CatalogKey(r.PathValue("catalog")) }
