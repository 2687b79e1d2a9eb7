package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"kartoteka/internal/bpiumapi"
	"kartoteka/internal/catalog"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/report"
	"kartoteka/internal/syncapi"
)

// Handler answers every HTTP request of the program.
func (a *App) Handler() http.Handler {
	s := a.Settings
	kit := httpkit.New(httpkit.Options{
		Log:             a.Log,
		Now:             a.now,
		DefaultLanguage: s.DefaultLanguage,
		Host:            s.Host,
		TrustedProxies:  s.TrustedProxies,
		CORSOrigins:     s.CORSOrigins,
		LimitIP:         httpkit.Rule{Max: s.LimitIPRequests, Window: s.LimitIPPeriod},
		LimitAccount:    httpkit.Rule{Max: s.LimitUserRequests, Window: s.LimitUserPeriod},
	})
	options := a.bpiumOptions(kit)
	if a.resets != nil {
		options.Reset = a.resets.ask
	}
	api := bpiumapi.New(options)
	module := a.syncAPI(kit)
	mux := byPrefix{
		{"/api/v1/sync", a.counted(module.Admin())},
		{syncapi.Root, a.counted(module.Public())},
		{syncapi.PostmanRoot, a.counted(module.Postman(a.postmanPage))},
		{"/api/v1", a.counted(api.Handler())},
		{"/api/webrequest", a.counted(api.WebRequests())},
		{"/auth", a.counted(api.Auth())},
		{"/" + s.S3Bucket, api.Storage()},
		{"/logo", api.Branding()},
		{"/healthz", http.HandlerFunc(a.health)},
		{"", kit.API(httpkit.FlatError, kit.LimitIP(kit.Router("", []httpkit.Route{{Pattern: "GET /{$}", Handler: a.home(kit)}})))},
	}
	return kit.Observe(mux)
}

func (a *App) bpiumOptions(kit *httpkit.Kit) bpiumapi.Options {
	s := a.Settings
	return bpiumapi.Options{
		Catalog:   a.Catalog,
		Report:    &report.Service{Catalog: a.Catalog},
		Hooks:     a.hooks,
		Streams:   a.streams,
		Accounts:  a.Accounts,
		Kit:       kit,
		Cookies:   a.cookies(),
		Company:   company,
		BodyLimit: s.APIBodyLimit,
		URLLogin:  s.AuthURLLogin,
		License: bpiumapi.License{
			Serial:  s.SerialNumber,
			Users:   s.LicenseUsers,
			Modules: s.LicenseModules,
			Until:   s.LicenseUntil,
		},
		Language: s.DefaultLanguage,
		Zone:     s.CompanyTimezone,
		Host:     s.Host,
		Bucket:   s.S3Bucket,
		Now:      a.now,
	}
}

func (a *App) cookies() httpkit.Cookies {
	return httpkit.Cookies{Name: a.Settings.SessionCookieName, CrossSite: a.Settings.CookieCrossSite}
}

// health tells whether requests can be served: the database answers.
func (a *App) health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err := a.alive(r.Context()); err != nil {
		a.Log.WarnContext(r.Context(), "health", "module", "Server", "error", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("the database does not answer\n"))
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}

// alive opens a transaction: versions alone may come from memory.
func (a *App) alive(ctx context.Context) error {
	v, err := a.company.Version(ctx)
	if err != nil {
		return err
	}
	err = a.company.View(ctx, v, func(catalog.Reader) error { return nil })
	if errors.Is(err, catalog.ErrStale) { // read, and of today
		return nil
	}
	return err
}

// byPrefix gives a request to the first handler whose prefix it has. Unlike
// http.ServeMux it never redirects: a redirected POST would become a GET.
type byPrefix []struct {
	prefix  string
	handler http.Handler
}

func (p byPrefix) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, e := range p {
		rest, ok := strings.CutPrefix(r.URL.Path, e.prefix)
		if ok && (e.prefix == "" || rest == "" || rest[0] == '/') {
			e.handler.ServeHTTP(w, r)
			return
		}
	}
}
