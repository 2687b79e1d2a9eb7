package apisync

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/domain"
	"kartoteka/internal/query/tree"
)

// Do carries out a call. It fails with *Error for what the caller, or whoever has made
// the configuration, can mend.
func (s *Service) Do(ctx context.Context, call *Call) (reply *Reply, err error) {
	if call.Once == nil || call.DryRun {
		return s.do(ctx, call)
	}
	if !s.begin(call.Once.Key) {
		return nil, Refuse(http.StatusConflict, "IDEMPOTENCY_IN_PROGRESS", "the same request is being carried out")
	}
	defer s.end(call.Once.Key)
	answer, err := s.keptAnswer(ctx, call)
	if err != nil {
		return nil, err
	}
	if answer != nil {
		return &Reply{Replayed: answer}, nil
	}
	reply, err = s.do(ctx, call)
	if errors.Is(err, errKept) || IsDuplicate(err) { // another node may have been faster
		switch answer, failed := s.keptAnswer(ctx, call); {
		case failed != nil:
			return nil, failed
		case answer != nil:
			return &Reply{Replayed: answer}, nil
		}
	}
	return reply, err
}

// ErrChanged: the configuration is not the one any more that the call was admitted by.
var ErrChanged = errors.New("the configuration has changed")

// do reads the call anew with each structure until one lasts.
func (s *Service) do(ctx context.Context, call *Call) (reply *Reply, err error) {
	defer func(began time.Time) {
		if p := call.Phases; p != nil {
			p.settle(elapsed(began))
		}
	}(time.Now())
	key := call.Config.Model
	if call.Config.Catalog != nil {
		key = call.Config.Catalog.Key
	}
	err = s.options.Catalog.Request(ctx, call.Actor, key, func(a catalog.Actor, sc *catalog.Scope) error {
		state, err := s.under(ctx, sc.Structure)
		if err != nil {
			return err
		}
		if state != call.Config.State {
			return ErrChanged
		}
		if sc.Access.Gone() {
			return Refuse(http.StatusInternalServerError, "CONFIG_ERROR", "the employee that this endpoint acts as is gone")
		}
		c := call.Config
		if err := c.works(); err != nil {
			return err
		}
		w := &work{service: s, call: call, config: c, actor: a, scope: sc}
		if err := w.begin(ctx); err != nil {
			return err
		}
		reply, err = w.do(ctx)
		if e := AsError(err); e != nil {
			e.Notes, e.Output = w.scripts.Notes, w.scripts.Output
		} else if reply != nil {
			reply.Notes, reply.Output = w.scripts.Notes, w.scripts.Output
		}
		return err
	})
	if err != nil {
		return nil, s.configFault(err, call.Config)
	}
	return reply, nil
}

// works fails with CONFIG_ERROR when the configuration does not fit the model any more.
func (c *Compiled) works() error {
	if c.Catalog != nil && len(c.Problems) == 0 {
		return nil
	}
	e := Refuse(http.StatusInternalServerError, "CONFIG_ERROR", "the configuration of this endpoint does not fit its model any more: %s", c.Problems[0].Text)
	if line := c.Problems[0].Line; line != 0 {
		e.With("line_id", line)
	}
	return e
}

// configFault tells faults that are due to the configuration from those of the caller: its
// employee is gone, or has no right to the catalog.
func (s *Service) configFault(err error, c *Compiled) error {
	if c.Catalog == nil && fault.Is(err, fault.NotFound) {
		return c.works()
	}
	return FaultError(err, c)
}

// work is a call as it is carried out under one structure.
type work struct {
	service *Service
	call    *Call
	config  *Compiled
	actor   catalog.Actor
	scope   *catalog.Scope
	x       *Exchange
	scripts *scripting
}

// begin makes what maps and what runs scripts, with the configuration's filter as it is
// now.
func (w *work) begin(ctx context.Context) error {
	if w.call.Lines != nil { // of an attempt before
		*w.call.Lines = LineTrace{}
	}
	for {
		w.x = w.service.Exchange(w.config, w.actor, w.scope)
		w.scripts = w.x.scripting()
		filter, err := w.scripts.domain(ctx, w.config.FilterDomain)
		if err != nil {
			return err
		}
		if filter == nil {
			break
		}
		w.config = w.config.filtered(filter)
	}
	w.x.Base, w.x.Dry, w.x.domain, w.x.phases = w.call.Base, w.call.DryRun, w.identifierDomain, w.call.Phases
	return nil
}

func (w *work) do(ctx context.Context) (*Reply, error) {
	if w.call.look != nil {
		return nil, w.call.look(ctx, w)
	}
	switch w.call.Method {
	case http.MethodGet:
		if w.call.ID != "" {
			return w.one(ctx)
		}
		return w.list(ctx)
	case http.MethodPost:
		return w.post(ctx)
	case http.MethodPut:
		return w.put(ctx)
	}
	return w.delete(ctx)
}

// both joins conditions, nil ones left out.
func both(nodes ...query.Node) query.Node {
	var all query.And
	for _, n := range nodes {
		if n != nil {
			all = append(all, n)
		}
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return all
}

// list answers a list.
func (w *work) list(ctx context.Context) (*Reply, error) {
	q, err := w.service.ReadList(ctx, w.config, w.actor, w.scope, w.call.Query)
	if err != nil {
		return nil, err
	}
	w.x.Only = q.Keys
	ask := q.Query
	if ask.Limit = q.Limit + 1; q.Limit == 0 {
		ask.Limit = 0
	}
	rows, err := w.records(ctx, ask, w.x.Selection())
	if err != nil {
		return nil, err
	}
	n := min(rows.Page.Len(), q.Limit)
	reply := &Reply{Status: http.StatusOK, List: true, Items: make([]Item, 0, n), Place: &Place{
		Total: rows.Total, Limit: q.Limit, Offset: q.Offset, More: rows.Page.Len() > q.Limit && q.Limit > 0,
	}}
	for i := range n {
		item, err := w.show(ctx, rows, i)
		if err != nil {
			return nil, err
		}
		reply.Items = append(reply.Items, item)
	}
	if q.Deleted && q.UpdatedSince != nil && !reply.Place.More {
		return reply, w.tombstones(ctx, reply, *q.UpdatedSince)
	}
	return reply, nil
}

// tombstones adds the records that were removed since a time.
func (w *work) tombstones(ctx context.Context, reply *Reply, since int64) error {
	ask := catalog.RemovedAsk{Since: since, Limit: w.config.MaxLimit}
	removed, err := w.service.options.Catalog.RemovedSince(ctx, w.actor, w.scope.Catalog.Num, ask)
	if err != nil {
		return err
	}
	for _, r := range removed.Records {
		id := idValue(r.Record, r.Code)
		reply.Items = append(reply.Items, Item{ID: id, Action: Deleted, Data: tree.NewObject([]tree.Field{
			{Key: "id", Value: id}, {Key: "deleted", Value: tree.NewBool(true)}, {Key: "deleted_at", Value: tree.NewString(stamp(r.At))},
		})})
	}
	return nil
}

// show gives a record that was read.
func (w *work) show(ctx context.Context, rows *catalog.Rows, row int) (Item, error) {
	data, err := w.x.Show(ctx, rows, row)
	return Item{ID: recordID(rows, row), Data: data, ETag: etag(rows, row)}, err
}

// etag names a version of a record: when it was made, and its number, since two may be
// made in one millisecond.
func etag(rows *catalog.Rows, row int) string {
	return `"` + strconv.FormatInt(rows.Page.Updated(row), 10) + "-" + strconv.FormatInt(rows.Page.Version(row), 10) + `"`
}

// stamp is a time in milliseconds as the API writes it.
func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

func noRecord() *Error {
	return Refuse(http.StatusNotFound, "RECORD_NOT_FOUND", "there is no such record")
}

// one answers a single record.
func (w *work) one(ctx context.Context) (*Reply, error) {
	key, err := w.target(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := w.read(ctx, []query.Key{key}, true)
	if err != nil {
		return nil, err
	}
	if rows.Page.Len() == 0 {
		return nil, noRecord()
	}
	item, err := w.show(ctx, rows, 0)
	return &Reply{Status: http.StatusOK, Items: []Item{item}}, err
}

// read reads records as they are shown; inside tells that those outside of the
// configuration's filter are left out.
func (w *work) read(ctx context.Context, keys []query.Key, inside bool) (*catalog.Rows, error) {
	return w.readAs(ctx, keys, inside, w.x.Selection())
}

func (w *work) readAs(ctx context.Context, keys []query.Key, inside bool, sel *catalog.Selection) (*catalog.Rows, error) {
	q := query.Query{Where: query.Among(keys), Limit: len(keys)}
	if inside {
		filter, err := w.inside(ctx)
		if err != nil {
			return nil, err
		}
		q.Where = both(q.Where, filter)
	}
	return w.records(ctx, q, sel)
}

func (w *work) records(ctx context.Context, q query.Query, sel *catalog.Selection) (*catalog.Rows, error) {
	defer w.x.backend(time.Now())
	return w.service.options.Catalog.Records(ctx, w.actor, w.scope.Catalog.Num, q, sel)
}

// inside is the condition that records are in the configuration's filter; nil for none.
func (w *work) inside(ctx context.Context) (query.Node, error) {
	_, fixed, err := w.config.withParams(nil)
	if err != nil {
		return nil, err
	}
	filter, err := configDomain(w.config.FilterDomain)
	if err != nil {
		return nil, err
	}
	n, err := w.service.Where(ctx, w.config, w.actor, w.scope, domain.AllOf(filter, fixed), true)
	if err != nil || isAlways(n) {
		return nil, err
	}
	return n, nil
}

// identifierDomain is what is asked of records besides an identifier.
func (w *work) identifierDomain(ctx context.Context, c *Compiled) (query.Node, error) {
	d, err := configDomain(c.IdentifierDomain)
	if err != nil {
		return nil, err
	}
	sc := *w.scope
	sc.Catalog = c.Catalog
	return w.service.Where(ctx, c, w.actor, &sc, d, true)
}

// target is the record that the path names.
func (w *work) target(ctx context.Context) (query.Key, error) {
	if w.config.PathID != "identifier" {
		return bpium.RecordKey(w.call.ID), nil
	}
	id, err := w.x.IdentifierOf(ctx, tree.NewString(w.call.ID))
	if err != nil || id == nil {
		return query.Key{}, noRecord()
	}
	found, err := w.x.Find(ctx, []*Ident{id})
	switch {
	case err != nil:
		return query.Key{}, err
	case found[0].Several:
		return query.Key{}, ambiguous()
	case found[0].Record == 0:
		return query.Key{}, noRecord()
	}
	return query.Key{Record: found[0].Record}, nil
}

func ambiguous() *Error {
	return Refuse(http.StatusConflict, "IDENTIFIER_AMBIGUOUS", "several records have this identifier")
}
