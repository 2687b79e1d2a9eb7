package syncapi

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
)

// connection is the built-in one: our own catalogs.
type connection struct {
	Code   string `json:"code"`
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Active bool   `json:"active"`
}

var local = connection{apisync.Local, "Local catalogs", apisync.Local, true}

func (a *API) connections(w http.ResponseWriter, _ *http.Request, _ *apisync.State) error {
	return httpkit.JSON(w, page[connection]{[]connection{local}, 1})
}

// known fails with NotFound for another connection than the built-in one.
func known(r *http.Request) error {
	if r.PathValue("code") != apisync.Local {
		return fault.New(fault.NotFound, "there is no such resource")
	}
	return nil
}

func (a *API) connection(w http.ResponseWriter, r *http.Request, _ *apisync.State) error {
	if err := known(r); err != nil {
		return err
	}
	return httpkit.JSON(w, local)
}

func (a *API) models(w http.ResponseWriter, r *http.Request, st *apisync.State) error {
	if err := known(r); err != nil {
		return err
	}
	p, err := pageOf(r)
	if err != nil {
		return err
	}
	list, total := st.Models(p.Q, p.Limit)
	return httpkit.JSON(w, page[apisync.Model]{list, total})
}

func (a *API) fields(w http.ResponseWriter, r *http.Request, st *apisync.State) error {
	if err := known(r); err != nil {
		return err
	}
	p, err := pageOf(r)
	if err != nil {
		return err
	}
	list, total, err := st.Fields(r.PathValue("model"), p.Q, p.Limit)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, page[apisync.ModelField]{list, total})
}

func (a *API) configs(w http.ResponseWriter, r *http.Request, st *apisync.State) error {
	p, err := pageOf(r)
	if err != nil {
		return err
	}
	codes, total, err := st.ConfigCodes(p)
	if err != nil {
		return err
	}
	list, err := a.opt.Sync.ShownConfigs(r.Context(), st, codes...)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, page[*apisync.Config]{list, total})
}

func (a *API) config(w http.ResponseWriter, r *http.Request, st *apisync.State) error {
	list, err := a.opt.Sync.ShownConfigs(r.Context(), st, r.PathValue("code"))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, list[0].Version, list[0])
}

// savedConfig is a config with what is worth a warning.
type savedConfig struct {
	*apisync.Config
	Warnings []httpkit.Detail `json:"warnings"`
}

// saved answers with a config that was saved.
func saved(w http.ResponseWriter, r *http.Request, c *apisync.SavedConfig) error {
	shown := c.Shown()
	shown.Health, shown.HealthDetails = apisync.HealthOK, []string{}
	return answer(w, http.StatusOK, shown.Version, savedConfig{shown, translated(r, c.Warnings)})
}

func translated(r *http.Request, list []fault.Detail) []httpkit.Detail {
	out := make([]httpkit.Detail, len(list))
	for i, d := range list {
		out[i] = httpkit.Detail{FieldID: d.Field, Path: d.Path, Code: d.Code, Message: d.Message.In(httpkit.Language(r.Context()))}
	}
	return out
}

func (a *API) createConfig(w http.ResponseWriter, r *http.Request, who catalog.Actor) error {
	change, err := again(r, replaced)
	if err != nil {
		return err
	}
	c, err := a.opt.Sync.SaveConfig(r.Context(), who, "", nil, "config.created", change)
	if err != nil {
		return err
	}
	return saved(w, r, c)
}

func (a *API) saveConfig(by edit) func(http.ResponseWriter, *http.Request, catalog.Actor) error {
	return func(w http.ResponseWriter, r *http.Request, who catalog.Actor) error {
		m, err := match(r)
		if err != nil {
			return err
		}
		change, err := again(r, by)
		if err != nil {
			return err
		}
		c, err := a.opt.Sync.SaveConfig(r.Context(), who, r.PathValue("code"), m, "config.changed", change)
		if err != nil {
			return err
		}
		return saved(w, r, c)
	}
}

func (a *API) deleteConfig(w http.ResponseWriter, r *http.Request, who catalog.Actor) error {
	m, err := match(r)
	if err != nil {
		return err
	}
	if err := a.opt.Sync.DeleteConfig(r.Context(), who, r.PathValue("code"), m); err != nil {
		return err
	}
	return httpkit.JSON(w, struct{}{})
}

// duplicate makes an inactive copy, without credentials: those are somebody's. The body
// may give it a code, a name and an endpoint.
func (a *API) duplicate(w http.ResponseWriter, r *http.Request, who catalog.Actor) error {
	doc, err := body(r)
	if err != nil {
		return err
	}
	st, err := a.opt.Sync.Current(r.Context())
	if err != nil {
		return err
	}
	copied, err := st.Duplicate(r.PathValue("code"))
	if err != nil {
		return err
	}
	c, err := a.opt.Sync.SaveConfig(r.Context(), who, "", nil, "config.created", func(apisync.Doc) (apisync.Doc, error) {
		return apisync.Copy(apisync.Merge(copied, doc))
	})
	if err != nil {
		return err
	}
	return saved(w, r, c)
}

func (a *API) activate(active bool) func(http.ResponseWriter, *http.Request, catalog.Actor) error {
	return func(w http.ResponseWriter, r *http.Request, who catalog.Actor) error {
		m, err := match(r)
		if err != nil {
			return err
		}
		event := "config.deactivated"
		if active {
			event = "config.activated"
		}
		c, err := a.opt.Sync.SaveConfig(r.Context(), who, r.PathValue("code"), m, event, merged(apisync.Doc{"active": active}))
		if err != nil {
			return err
		}
		return saved(w, r, c)
	}
}

// validation is what would be wrong with a config that were active.
type validation struct {
	OK       bool             `json:"ok"`
	Errors   []httpkit.Detail `json:"errors"`
	Warnings []httpkit.Detail `json:"warnings"`
}

// validate checks a stored config, or what the body would make of it, as if it were
// active; nothing is saved.
func (a *API) validate(w http.ResponseWriter, r *http.Request, who catalog.Actor) error {
	doc, err := body(r)
	if err != nil {
		return err
	}
	errors, warnings, err := a.opt.Sync.Validate(r.Context(), who, r.PathValue("code"), func(before apisync.Doc) (apisync.Doc, error) {
		out := apisync.Merge(before, doc)
		out["active"] = true
		return apisync.Copy(out)
	})
	if err != nil {
		return err
	}
	return httpkit.JSON(w, validation{len(errors) == 0, translated(r, errors), translated(r, warnings)})
}

// maxGrace is how long the secret before a rotation may stay valid.
const maxGrace = 7 * 24 * 3600

func (a *API) rotate(w http.ResponseWriter, r *http.Request, who catalog.Actor) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return fault.New(fault.NotFound, "there is no such resource")
	}
	doc, err := body(r)
	if err != nil {
		return err
	}
	grace := 0
	for key, v := range doc {
		if key != "grace_seconds" {
			return fault.Invalid([]fault.Detail{fault.At(key, fault.UnknownField, "there is no such attribute")})
		}
		if grace, err = strconv.Atoi(fmt.Sprint(v)); err != nil || grace < 0 || grace > maxGrace {
			return fault.Invalid([]fault.Detail{fault.At(key, fault.Max, "expected a number from %d to %d", 0, maxGrace)})
		}
	}
	c, err := a.opt.Sync.Rotate(r.Context(), who, r.PathValue("code"), id, time.Duration(grace)*time.Second)
	if err != nil {
		return err
	}
	return child(w, c.Shown(), "credentials", id)
}
