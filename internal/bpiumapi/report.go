package bpiumapi

import (
	"net/http"

	"kartoteka/internal/bpium"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/report"
)

func (a *API) reportRoutes() []httpkit.Route {
	return []httpkit.Route{
		{Pattern: "GET /catalogs/{catalog}/values", Handler: a.about(a.values)},
		{Pattern: "GET /catalogs/{catalog}/values/{axis}", Handler: a.about(a.value)},
		{Pattern: "GET /catalogs/{catalog}/totals", Handler: a.about(a.totals)},
	}
}

func (a *API) values(w http.ResponseWriter, r *http.Request, o opened) error {
	ask, err := bpium.DecodeReport(o.params, o.scope, o.at)
	if err != nil {
		return err
	}
	return a.answerValues(w, r, o, ask)
}

func (a *API) answerValues(w http.ResponseWriter, r *http.Request, o opened, ask report.Ask) error {
	v, err := a.opt.Report.Values(r.Context(), o.actor, ask)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte {
		return bpium.EncodeExplained(dst, v.Engines, func(dst []byte) []byte { return bpium.EncodeValues(dst, v) })
	})
}

// value answers with one group of the axis, if it is within the limit.
func (a *API) value(w http.ResponseWriter, r *http.Request, o opened) error {
	ask, err := bpium.DecodeReport(o.params, o.scope, o.at)
	if err != nil {
		return err
	}
	v, err := a.opt.Report.Values(r.Context(), o.actor, ask)
	if err != nil {
		return err
	}
	group, found := bpium.EncodeGroup(nil, v, r.PathValue("axis"))
	if !found {
		return fault.New(fault.NotFound, "There is no such group")
	}
	httpkit.WriteJSON(w, http.StatusOK, group)
	return nil
}

func (a *API) totals(w http.ResponseWriter, r *http.Request, o opened) error {
	ask, err := bpium.DecodeReport(o.params, o.scope, o.at)
	if err != nil {
		return err
	}
	return a.answerTotals(w, r, o, ask)
}

func (a *API) answerTotals(w http.ResponseWriter, r *http.Request, o opened, ask report.Ask) error {
	t, err := a.opt.Report.Totals(r.Context(), o.actor, ask)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte {
		return bpium.EncodeExplained(dst, t.Engines, func(dst []byte) []byte { return bpium.EncodeTotal(dst, t) })
	})
}
