package syncapi

import (
	"net/http"
	"slices"

	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/query"
)

// PostmanRoot begins the paths of the page that hands out the Postman collection.
const PostmanRoot = "/postman"

// CollectionPath is where the collection itself is.
const CollectionPath = PostmanRoot + "/collection.json"

// Postman serves the collection to credentials of endpoints, with what they open, and to
// who is signed in: all of it to those who may look at the configuration, else what an
// account opens. page is shown to everybody.
func (a *API) Postman(page httpkit.Handler) http.Handler {
	kit := a.opt.Kit
	return kit.API(httpkit.FlatError, kit.LimitIP(kit.Router("", []httpkit.Route{
		{Pattern: "GET " + PostmanRoot, Handler: page},
		{Pattern: "GET " + PostmanRoot + "/{$}", Handler: page},
		{Pattern: "GET " + CollectionPath, Handler: a.collection},
	})))
}

func (a *API) collection(w http.ResponseWriter, r *http.Request) error {
	x := &exchange{api: a, w: w, r: r, began: a.opt.Now(), ip: httpkit.ClientIP(r.Context())}
	list, err := x.collected()
	if err != nil {
		if httpkit.PrefersHTML(r) && unauthorized(err) {
			w.Header().Set("WWW-Authenticate", `Basic realm="Kartoteka", charset="UTF-8"`)
		}
		return err
	}
	w.Header().Set("Content-Disposition", `attachment; filename="kartoteka.postman_collection.json"`)
	return drawn(w, r, x.state, a.opt.Sync.Postman, list)
}

func unauthorized(err error) bool {
	return fault.Is(err, fault.AuthRequired) || fault.Is(err, fault.BadCredentials) || fault.Is(err, fault.SessionExpired)
}

// collected are the endpoints that the collection is about. Credentials come first, then
// accounts, as at endpoints.
func (x *exchange) collected() (list []apisync.Described, err error) {
	ctx := x.r.Context()
	if x.state, err = x.api.opt.Sync.Current(ctx); err != nil {
		return nil, err
	}
	if x.knocks() != nil {
		return nil, fault.New(fault.RateLimited, "too many requests, try again later")
	}
	if list, _, err = x.keysIn(ctx); err != nil || len(list) > 0 {
		return list, err
	}
	who, err := x.api.auth.Actor(x.w, x.r)
	if err != nil {
		if fault.Is(err, fault.BadCredentials) {
			x.failedKnock()
		}
		return nil, err
	}
	return x.openTo(catalog.Actor{Employee: query.Record(who.Employee), Origin: "api", Scope: who.Scope})
}

// openTo are the endpoints that are shown to an account.
func (x *exchange) openTo(who catalog.Actor) ([]apisync.Described, error) {
	all := x.state.Endpoints()
	err := x.api.opt.Sync.Need(x.r.Context(), who, apisync.Operator)
	if !fault.Is(err, fault.Forbidden) {
		return all, err
	}
	if who.Scope == nil {
		all = slices.DeleteFunc(all, func(e apisync.Described) bool { return !slices.Contains(e.Config.AuthTypes, apisync.AuthPlatform) })
		if len(all) > 0 {
			return all, nil
		}
	}
	return nil, err
}
