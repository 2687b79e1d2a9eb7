package bpiumapi

import (
	"net/http"
	"strconv"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
)

func (a *API) records(w http.ResponseWriter, r *http.Request, o opened) error {
	ask, err := bpium.DecodeQuery(o.params, o.scope, o.at)
	if err != nil {
		return err
	}
	rows, err := a.opt.Catalog.Records(r.Context(), o.actor, o.scope.Catalog.Num, ask.Query, ask.Selection)
	if err != nil {
		return err
	}
	if rows.Total >= 0 {
		w.Header()["X-Total-Count"] = []string{strconv.FormatInt(rows.Total, 10)}
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeRecords(dst, rows, o.encoding(ask)) })
}

func (a *API) record(w http.ResponseWriter, r *http.Request, o opened) error {
	ask, err := bpium.DecodeOne(o.params, o.scope)
	if err != nil {
		return err
	}
	key := bpium.RecordKey(r.PathValue("record"))
	rows, err := a.opt.Catalog.Record(r.Context(), o.actor, o.scope.Catalog.Num, key, ask.Selection)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeRecord(dst, rows, o.encoding(ask)) })
}

// encoding is how the asked records are written.
func (o opened) encoding(ask bpium.RecordsAsk) bpium.EncodeOptions {
	return bpium.EncodeOptions{
		SkipPrevID: ask.SkipPrevID,
		Selection:  ask.Selection,
		Files:      o.files,
	}
}

func (a *API) createRecord(w http.ResponseWriter, r *http.Request, o opened) error {
	in, err := written(o)
	if err != nil {
		return err
	}
	op := catalog.Create{Catalog: o.scope.Catalog.Num, Values: in.Values}
	if in.Code != nil {
		op.Code = *in.Code
	}
	return a.write(w, r, o, op)
}

func (a *API) updateRecord(w http.ResponseWriter, r *http.Request, o opened) error {
	in, err := written(o)
	if err != nil {
		return err
	}
	return a.write(w, r, o, catalog.Update{
		Catalog: o.scope.Catalog.Num,
		Record:  bpium.RecordKey(r.PathValue("record")),
		Code:    in.Code,
		Values:  in.Values,
	})
}

func (a *API) deleteRecord(w http.ResponseWriter, r *http.Request, o opened) error {
	op := catalog.Delete{Catalog: o.scope.Catalog.Num, Record: bpium.RecordKey(r.PathValue("record"))}
	if _, err := a.opt.Catalog.Apply(r.Context(), o.actor, []catalog.Op{op}, nil); err != nil {
		return err
	}
	return httpkit.Empty(w)
}

// written reads the body of a new or changed record.
func written(o opened) (bpium.RecordBody, error) {
	body, err := o.body()
	if err != nil {
		return bpium.RecordBody{}, err
	}
	if v, ok := body.Get("ifUpdated"); ok && !v.IsNull() {
		// To write all the same would overwrite what the caller wants to keep.
		return bpium.RecordBody{}, fault.New(fault.NotImplemented, "the condition ifUpdated is not built yet")
	}
	return bpium.DecodeRecord(body, o.scope, o.at)
}

// write carries out one operation and answers with what it changed.
func (a *API) write(w http.ResponseWriter, r *http.Request, o opened, op catalog.Op) error {
	skip, err := o.params.Bool("skipPrevId")
	if err != nil {
		return err
	}
	outcomes, err := a.opt.Catalog.Apply(r.Context(), o.actor, []catalog.Op{op}, nil)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte {
		return bpium.EncodeOutcome(dst, o.scope.Catalog, outcomes[0], bpium.EncodeOptions{SkipPrevID: skip, Files: o.files})
	})
}
