package bpiumapi

import (
	"net/http"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/httpkit"
)

func (a *API) sections(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	infos, err := a.opt.Catalog.Sections(r.Context(), c.actor)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeSections(dst, infos) })
}

func (a *API) section(w http.ResponseWriter, r *http.Request) error {
	_, info, err := a.openSection(r)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeSection(dst, info) })
}

// openSection is a call about a section that the actor may see.
func (a *API) openSection(r *http.Request) (call, catalog.SectionInfo, error) {
	info, err := a.opt.Catalog.Section(r.Context(), actorOf(r), bpium.SectionKey(r.PathValue("section")))
	if err != nil {
		return call{}, info, err
	}
	c, err := a.call(r)
	return c, info, err
}

func (a *API) createSection(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	in, err := a.sectionInput(r)
	if err != nil {
		return err
	}
	info, err := a.opt.Catalog.CreateSection(r.Context(), c.actor, in)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, map[string]string{"id": info.Key})
}

func (a *API) updateSection(w http.ResponseWriter, r *http.Request) error {
	c, info, err := a.openSection(r)
	if err != nil {
		return err
	}
	in, err := a.sectionInput(r)
	if err != nil {
		return err
	}
	if info, err = a.opt.Catalog.UpdateSection(r.Context(), c.actor, info.Key, in); err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeSection(dst, info) })
}

func (a *API) sectionInput(r *http.Request) (catalog.SectionInput, error) {
	body, err := a.body(r)
	if err != nil {
		return catalog.SectionInput{}, err
	}
	return bpium.DecodeSection(body)
}

func (a *API) deleteSection(w http.ResponseWriter, r *http.Request) error {
	c, info, err := a.openSection(r)
	if err != nil {
		return err
	}
	if err := a.opt.Catalog.DeleteSection(r.Context(), c.actor, info.Key); err != nil {
		return err
	}
	return httpkit.Empty(w)
}
