package bpiumapi

import (
	"net/http"
	"net/url"
	"strconv"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
)

func (a *API) fileRoutes() []httpkit.Route {
	return []httpkit.Route{
		{Pattern: "POST /files", Handler: a.registerFile},
		{Pattern: "GET /files/upload", Handler: a.uploaded},
		{Pattern: "GET /files/{file}", Handler: a.file},
		{Pattern: "PATCH /files/{file}", Handler: a.confirmFile},
	}
}

func (a *API) registerFile(w http.ResponseWriter, r *http.Request) error {
	c, body, err := a.callWithBody(r)
	if err != nil {
		return err
	}
	in, err := bpium.DecodeFile(body)
	if err != nil {
		return err
	}
	made, err := a.opt.Catalog.RegisterFile(r.Context(), c.actor, in)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte {
		return bpium.EncodeRegistered(dst, made, a.url(r)+"/"+url.PathEscape(a.opt.Bucket))
	})
}

func (a *API) confirmFile(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	id, err := fileID(r)
	if err != nil {
		return err
	}
	body, err := a.body(r)
	if err != nil {
		return err
	}
	in, err := bpium.DecodeConfirmation(body)
	if err != nil {
		return err
	}
	f, err := a.opt.Catalog.ConfirmFile(r.Context(), c.actor, id, in)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeFile(dst, f, a.opt.Catalog.FileLinks(a.url(r))) })
}

// fileID reads the number of a file in the path.
func fileID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("file"), 10, 64)
	if err != nil || id < 1 {
		return 0, fault.New(fault.NotFound, "There is no such file")
	}
	return id, nil
}

// file leads to a file's content: by a link, which whoever follows the redirection
// needs, because clients do not send their credentials on.
func (a *API) file(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	id, err := fileID(r)
	if err != nil {
		return err
	}
	inline, err := c.params.Bool("inline")
	if err != nil {
		return err
	}
	f, err := a.opt.Catalog.File(r.Context(), c.actor, id)
	if err != nil {
		return err
	}
	to := f.URL
	if f.Storage == catalog.InStore {
		to = a.opt.Catalog.ShortFileLinks(a.url(r)).URL(f.ID, f.URL)
		if !inline {
			to += "&" + asAttachment
		}
	}
	w.Header().Set("Location", to)
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusFound)
	return nil
}

// uploaded is where old forms are sent on to.
func (a *API) uploaded(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.call(r); err != nil {
		return err
	}
	return httpkit.JSON(w, struct{}{})
}
