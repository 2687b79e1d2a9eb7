package bpiumapi

import (
	"net/http"
	"strconv"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/query"
)

func (a *API) histories(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	id, err := bpium.HistoryCatalog(c.params)
	if err != nil {
		return err
	}
	scope, err := a.opt.Catalog.Catalog(r.Context(), c.actor, id)
	if err != nil {
		return err
	}
	ask, err := bpium.DecodeHistory(c.params, scope, a.moment(c.actor))
	if err != nil {
		return insteadOf(err, func() error {
			if ask.Record == nil {
				return nil
			}
			ask = catalog.HistoryAsk{Catalog: ask.Catalog, Record: ask.Record}
			_, err := a.opt.Catalog.History(r.Context(), c.actor, ask)
			return err
		})
	}
	page, err := a.opt.Catalog.History(r.Context(), c.actor, ask)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeHistory(dst, page, ask.Fields) })
}

// comment adds a comment to a record's history.
func (a *API) comment(w http.ResponseWriter, r *http.Request) error {
	c, body, err := a.callWithBody(r)
	if err != nil {
		return err
	}
	in, err := bpium.DecodeComment(body)
	if err != nil {
		return insteadOf(err, func() error {
			if in.Catalog == "" || in.Record == (query.Key{}) {
				return nil
			}
			return a.opt.Catalog.MayUseRecord(r.Context(), c.actor, in.Catalog, in.Record, catalog.ViewPrivilege)
		})
	}
	scope, err := a.opt.Catalog.Catalog(r.Context(), c.actor, in.Catalog)
	if err != nil {
		return err
	}
	op := catalog.Comment{Catalog: scope.Catalog.Num, Record: in.Record, Text: in.Text}
	outcomes, err := a.opt.Catalog.Apply(r.Context(), c.actor, []catalog.Op{op}, nil)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, map[string]string{"id": strconv.FormatInt(outcomes[0].History, 10)})
}

// noEntry answers for a single entry, of which there is no resource. That its
// path is known makes a change or removal 405: entries are immutable.
func noEntry(http.ResponseWriter, *http.Request) error {
	return fault.New(fault.NotFound, "Entries of a history are listed only, not read one by one")
}
