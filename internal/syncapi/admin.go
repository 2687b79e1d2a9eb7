package syncapi

import (
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// Options are the services and settings of the API, all required but those of the log.
type Options struct {
	Sync     *apisync.Service
	Accounts *account.Service
	Kit      *httpkit.Kit
	Cookies  httpkit.Cookies
	// Company is the one that every host serves.
	Company account.CompanyID
	// BodyLimit is the largest body of a request to an endpoint, in bytes.
	BodyLimit int64
	// Journal is the log of exchanges; nil where there is none.
	Journal *apisync.Journal
	// Metrics count what happens at endpoints; nil for nothing.
	Metrics *apisync.Metrics
	Now     func() time.Time
	Log     *slog.Logger
}

// API is the module's routes. It is safe for concurrent use.
type API struct {
	opt   Options
	auth  httpkit.Authenticator
	count counters
}

// New makes the API.
func New(opt Options) *API {
	a := &API{opt: opt, count: newCounters(opt.Now)}
	a.auth = httpkit.Authenticator{
		Kit: opt.Kit, Accounts: opt.Accounts, Cookies: opt.Cookies,
		Company: func(*http.Request) (account.CompanyID, error) { return a.opt.Company, nil },
	}
	return a
}

// Admin serves everything below /api/v1/sync.
func (a *API) Admin() http.Handler {
	kit := a.opt.Kit
	return kit.API(httpkit.FlatError, kit.LimitIP(a.auth.Wrap(kit.Router("/api/v1/sync", a.adminRoutes()))))
}

// Patterns lists the routes below /api/v1/sync.
func (a *API) Patterns() (served []string) {
	for _, r := range a.adminRoutes() {
		served = append(served, r.Pattern)
	}
	return served
}

func (a *API) adminRoutes() []httpkit.Route {
	return slices.Concat([]httpkit.Route{
		{Pattern: "GET /status", Handler: a.viewed(a.status)},
		{Pattern: "GET /methods", Handler: a.viewed(a.methods)},
		{Pattern: "GET /settings", Handler: a.viewed(a.settings)},
		{Pattern: "PUT /settings", Handler: a.managed(a.saveSettings(replaced))},
		{Pattern: "PATCH /settings", Handler: a.managed(a.saveSettings(merged))},

		{Pattern: "GET /connections", Handler: a.viewed(a.connections)},
		{Pattern: "GET /connections/{code}", Handler: a.viewed(a.connection)},
		{Pattern: "POST /connections/{code}/test", Handler: a.viewed(a.testConnection)},
		{Pattern: "GET /connections/{code}/models", Handler: a.viewed(a.models)},
		{Pattern: "GET /connections/{code}/models/{model}/fields", Handler: a.viewed(a.fields)},

		{Pattern: "GET /configs", Handler: a.viewed(a.configs)},
		{Pattern: "POST /configs", Handler: a.managed(a.createConfig)},
		{Pattern: "GET /configs/{code}", Handler: a.viewed(a.config)},
		{Pattern: "PUT /configs/{code}", Handler: a.managed(a.saveConfig(replaced))},
		{Pattern: "PATCH /configs/{code}", Handler: a.managed(a.saveConfig(merged))},
		{Pattern: "DELETE /configs/{code}", Handler: a.managed(a.deleteConfig)},
		{Pattern: "POST /configs/{code}/duplicate", Handler: a.managed(a.duplicate)},
		{Pattern: "POST /configs/{code}/activate", Handler: a.managed(a.activate(true))},
		{Pattern: "POST /configs/{code}/deactivate", Handler: a.managed(a.activate(false))},
		{Pattern: "POST /configs/{code}/validate", Handler: a.managed(a.validate)},
		{Pattern: "POST /configs/{code}/test", Handler: a.viewed(a.testConfig)},
		{Pattern: "POST /configs/{code}/preview", Handler: a.managed(a.preview)},
		{Pattern: "POST /configs/{code}/suggest", Handler: a.viewed(a.suggest)},
		{Pattern: "POST /suggest", Handler: a.viewed(a.suggest)},
		{Pattern: "POST /configs/{code}/credentials/{id}/rotate", Handler: a.managed(a.rotate)},

		{Pattern: "GET /configs/{code}/openapi.json", Handler: a.documentedOne(a.opt.Sync.OpenAPI)},
		{Pattern: "GET /configs/{code}/postman.json", Handler: a.documentedOne(a.opt.Sync.Postman)},
		{Pattern: "GET /openapi.json", Handler: a.documented(a.opt.Sync.OpenAPI)},
		{Pattern: "GET /postman.json", Handler: a.documented(a.opt.Sync.Postman)},

		{Pattern: "GET /scripts", Handler: a.viewed(a.scripts)},
		{Pattern: "POST /scripts", Handler: a.managed(a.createScript)},
		{Pattern: "POST /scripts/check", Handler: a.managed(a.checkScript)},
		{Pattern: "POST /scripts/test", Handler: a.viewed(a.testScript)},
		{Pattern: "GET /scripts/" + apisync.ManualCode, Handler: a.viewed(a.manual)},
		{Pattern: "GET /scripts/{code}", Handler: a.viewed(a.script)},
		{Pattern: "PUT /scripts/{code}", Handler: a.managed(a.saveScript(replaced))},
		{Pattern: "PATCH /scripts/{code}", Handler: a.managed(a.saveScript(merged))},
		{Pattern: "DELETE /scripts/{code}", Handler: a.managed(a.deleteScript)},

		{Pattern: "GET /export", Handler: a.managed(a.export)},
		{Pattern: "POST /import", Handler: a.managed(a.importFile)},
	}, a.childRoutes(), a.logRoutes())
}

func actorOf(r *http.Request) catalog.Actor {
	who, _ := account.ActorOf(r.Context())
	return catalog.Actor{Employee: query.Record(who.Employee), Origin: "api", Scope: who.Scope}
}

// viewed is a handler for who may look at the configuration.
func (a *API) viewed(h func(w http.ResponseWriter, r *http.Request, st *apisync.State) error) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		st, err := a.opt.Sync.View(r.Context(), actorOf(r))
		if err != nil {
			return err
		}
		return h(w, r, st)
	}
}

// managed is a handler for administrators: others get 403 before anything is read.
func (a *API) managed(h func(w http.ResponseWriter, r *http.Request, who catalog.Actor) error) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		who := actorOf(r)
		if err := a.opt.Sync.Need(r.Context(), who, apisync.Administrator); err != nil {
			return err
		}
		return h(w, r, who)
	}
}

// edit makes the change of a resource that a request with that body asks for.
type edit func(body apisync.Doc) apisync.Edit

func replaced(body apisync.Doc) apisync.Edit {
	return func(before apisync.Doc) (apisync.Doc, error) {
		if before["code"] != nil && body["code"] == nil {
			body["code"] = before["code"]
		}
		return body, nil
	}
}

func merged(body apisync.Doc) apisync.Edit {
	return func(before apisync.Doc) (apisync.Doc, error) { return apisync.Merge(before, body), nil }
}

// bodyMost bounds a resource, in bytes.
const bodyMost = 4 << 20

// body reads the request's, an object. Each call reads it anew into what an Edit may
// change.
func body(r *http.Request) (apisync.Doc, error) {
	data, err := httpkit.ReadBody(r, bodyMost)
	if err != nil {
		return nil, err
	}
	if len(strings.TrimSpace(string(data))) == 0 {
		return apisync.Doc{}, nil
	}
	v, err := tree.ParseJSON(data, tree.Limits{Values: 250_000})
	if err != nil {
		return nil, err
	}
	if v.Duplicates() {
		return nil, fault.New(fault.InvalidJSON, "a key is there twice")
	}
	return apisync.ReadDoc(data)
}

// match reads If-Match: nil for any version.
func match(r *http.Request) (apisync.Match, error) {
	tag := strings.TrimSpace(r.Header.Get("If-Match"))
	if tag == "" || tag == "*" {
		return nil, nil
	}
	n, err := strconv.ParseInt(strings.Trim(strings.TrimPrefix(tag, "W/"), `"`), 10, 64)
	if err != nil {
		return nil, fault.New(fault.InvalidParameter, "the header %s cannot be read: %s", "If-Match", fault.Msg("expected a whole number"))
	}
	return &n, nil
}

// pageOf reads limit, offset, q and order.
func pageOf(r *http.Request) (apisync.Page, error) {
	q := r.URL.Query()
	p := apisync.Page{Q: q.Get("q"), Order: q.Get("order"), Limit: 50}
	for _, one := range []struct {
		name        string
		into        *int
		least, most int
	}{{"limit", &p.Limit, 1, 500}, {"offset", &p.Offset, 0, 1 << 30}} {
		if !q.Has(one.name) {
			continue
		}
		n, err := strconv.Atoi(q.Get(one.name))
		if err != nil || n < one.least || n > one.most {
			return p, fault.New(fault.InvalidParameter, "%s: %s", one.name, fault.Msg("expected a number from %d to %d", one.least, one.most))
		}
		*one.into = n
	}
	return p, nil
}

// page is a part of a list.
type page[T any] struct {
	Items []T `json:"items"`
	Total int `json:"total"`
}

// answer sends a resource with its version as ETag.
func answer(w http.ResponseWriter, status int, version int64, v any) error {
	data, err := httpkit.Marshal(v)
	if err != nil {
		return err
	}
	if version > 0 {
		w.Header().Set("ETag", `"`+strconv.FormatInt(version, 10)+`"`)
	}
	httpkit.WriteJSON(w, status, data)
	return nil
}

func (a *API) status(w http.ResponseWriter, r *http.Request, st *apisync.State) error {
	status, err := a.opt.Sync.Status(r.Context(), st)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, status)
}

func (a *API) methods(w http.ResponseWriter, _ *http.Request, _ *apisync.State) error {
	return httpkit.JSON(w, []string{"GET", "POST", "PUT", "DELETE", "PATCH"})
}

func (a *API) settings(w http.ResponseWriter, _ *http.Request, st *apisync.State) error {
	s := st.ShownSettings()
	return answer(w, http.StatusOK, s.Version, s)
}

func (a *API) saveSettings(by edit) func(http.ResponseWriter, *http.Request, catalog.Actor) error {
	return func(w http.ResponseWriter, r *http.Request, who catalog.Actor) error {
		m, err := match(r)
		if err != nil {
			return err
		}
		change, err := again(r, by)
		if err != nil {
			return err
		}
		s, _, err := a.opt.Sync.SaveSettings(r.Context(), who, m, change)
		if err != nil {
			return err
		}
		return answer(w, http.StatusOK, s.Version, s)
	}
}

// again gives the edit that a request's body asks for, which may run more than once.
func again(r *http.Request, by edit) (apisync.Edit, error) {
	doc, err := body(r)
	if err != nil {
		return nil, err
	}
	return func(before apisync.Doc) (apisync.Doc, error) {
		copied, err := apisync.Copy(doc)
		if err != nil {
			return nil, err
		}
		return by(copied)(before)
	}, nil
}
