package bpiumapi

import (
	"net/http"
	"sync"

	"kartoteka/internal/account"
	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// actorOf is who the request runs as.
func actorOf(r *http.Request) catalog.Actor {
	who, _ := account.ActorOf(r.Context())
	return actorFor(who)
}

// actorFor is an authenticated actor as the catalogs see it.
func actorFor(who account.Actor) catalog.Actor {
	return catalog.Actor{Employee: query.Record(who.Employee), Origin: "api", Scope: who.Scope}
}

// call is a request with its query string read.
type call struct {
	actor  catalog.Actor
	params bpium.Params
}

// call reads the query string. Handlers do so after they have found out that
// the object of the path exists and may be seen.
func (a *API) call(r *http.Request) (call, error) {
	c := call{actor: actorOf(r)}
	var err error
	if c.params, err = bpium.ParseParams(r.URL.RawQuery); err != nil {
		return c, err
	}
	c.actor.Offset, err = bpium.TimezoneOffset(c.params)
	return c, err
}

// callWithBody reads the parameters of a call, then its body.
func (a *API) callWithBody(r *http.Request) (call, tree.Value, error) {
	c, err := a.call(r)
	if err != nil {
		return c, tree.Value{}, err
	}
	body, err := a.body(r)
	return c, body, err
}

// opened is a call about a catalog that the actor may see.
type opened struct {
	call
	scope *catalog.Scope
	at    catalog.Moment
	// body reads the request's, an object, once; set by about.
	body func() (tree.Value, error)
	// files makes the addresses of files.
	files *catalog.FileLinks
}

// about handles a request about the records of a catalog. h may run again with
// a newer structure, and writes no answer unless it succeeds.
func (a *API) about(h func(w http.ResponseWriter, r *http.Request, o opened) error) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		return a.request(r, catalogKey(r), func(o opened) error { return h(w, r, o) })
	}
}

// request carries out a request about a catalog; see about.
func (a *API) request(r *http.Request, key string, h func(o opened) error) error {
	body := sync.OnceValues(func() (tree.Value, error) { return httpkit.ReadObject(r, a.opt.BodyLimit) })
	return a.opt.Catalog.Request(r.Context(), actorOf(r), key, func(who catalog.Actor, scope *catalog.Scope) error {
		c, err := a.call(r)
		if err != nil {
			return err
		}
		c.actor.Under = who.Under
		return h(opened{c, scope, a.moment(c.actor), body, a.opt.Catalog.FileLinks(a.url(r))})
	})
}

func (a *API) open(r *http.Request) (opened, error) {
	scope, err := a.opt.Catalog.Catalog(r.Context(), actorOf(r), catalogKey(r))
	if err != nil {
		return opened{}, err
	}
	c, err := a.call(r)
	return opened{c, scope, a.moment(c.actor), nil, nil}, err
}

func (a *API) moment(who catalog.Actor) catalog.Moment {
	return catalog.Moment{Now: a.opt.Now().UnixMilli(), Offset: who.Offset, Employee: who.Employee}
}

// body reads the request's body, which is an object.
func (a *API) body(r *http.Request) (tree.Value, error) {
	return httpkit.ReadObject(r, a.opt.BodyLimit)
}

// maxKept is the largest buffer that is kept for the next answer.
const maxKept = 1 << 20

var answers = sync.Pool{New: func() any { b := make([]byte, 0, 16<<10); return &b }}

// answer sends what encode adds to a reused buffer.
func answer(w http.ResponseWriter, encode func(dst []byte) []byte) error {
	buf := answers.Get().(*[]byte)
	*buf = encode((*buf)[:0])
	httpkit.WriteJSON(w, http.StatusOK, *buf)
	if cap(*buf) <= maxKept {
		answers.Put(buf)
	}
	return nil
}
