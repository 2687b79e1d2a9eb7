package bpiumapi

import (
	"net/http"

	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
)

// routes are those of /api/v1 that this version serves.
func (a *API) routes() []httpkit.Route {
	return []httpkit.Route{
		{Pattern: "GET /profile/me", Handler: a.profile},
		{Pattern: "GET /company", Handler: a.company},
		{Pattern: "GET /companies", Handler: a.companies},
		{Pattern: "GET /license", Handler: a.license},
		{Pattern: "GET /users", Handler: a.users},

		{Pattern: "GET /sections", Handler: a.sections},
		{Pattern: "POST /sections", Handler: a.createSection},
		{Pattern: "GET /sections/{section}", Handler: a.section},
		{Pattern: "PATCH /sections/{section}", Handler: a.updateSection},
		{Pattern: "DELETE /sections/{section}", Handler: a.deleteSection},

		{Pattern: "GET /catalogs", Handler: a.catalogs},
		{Pattern: "POST /catalogs", Handler: a.createCatalog},
		{Pattern: "GET /catalogs/{catalog}", Handler: a.catalog},
		{Pattern: "PATCH /catalogs/{catalog}", Handler: a.updateCatalog},
		{Pattern: "DELETE /catalogs/{catalog}", Handler: a.deleteCatalog},
		{Pattern: "POST /catalogs/{catalog}/clear", Handler: a.clearCatalog},

		{Pattern: "GET /catalogs/{catalog}/records", Handler: a.about(a.records)},
		{Pattern: "POST /catalogs/{catalog}/records", Handler: a.about(a.createRecord)},
		{Pattern: "GET /catalogs/{catalog}/records/{record}", Handler: a.about(a.record)},
		{Pattern: "PATCH /catalogs/{catalog}/records/{record}", Handler: a.about(a.updateRecord)},
		{Pattern: "DELETE /catalogs/{catalog}/records/{record}", Handler: a.about(a.deleteRecord)},

		{Pattern: "GET /histories", Handler: a.histories},
		{Pattern: "POST /histories", Handler: a.comment},
		{Pattern: "GET /histories/{entry}", Handler: noEntry},
	}
}

// authRoutes are those of /auth that this version serves.
func (a *API) authRoutes() []httpkit.Route {
	return []httpkit.Route{
		{Pattern: "GET /login", Handler: a.loginPage},
		{Pattern: "POST /login", Handler: a.login},
		{Pattern: "GET /logout", Handler: a.logout},
		{Pattern: "POST /logout", Handler: a.logout},
		{Pattern: "GET /company", Handler: a.authCompany},
		{Pattern: "GET /cache/reset", Handler: a.resetCache},
	}
}

// later are the patterns of /api/v1 that are part of the contract and not of
// this version: clients get 501 for them instead of a puzzling 404.
var later = []string{
	"GET /catalogs/{catalog}/views", "POST /catalogs/{catalog}/views",
	"GET /catalogs/{catalog}/views/{view}", "PATCH /catalogs/{catalog}/views/{view}", "DELETE /catalogs/{catalog}/views/{view}",
	"GET /catalogs/{catalog}/fields/{field}/availableRecords", "GET /catalogs/{catalog}/fields/{field}/availableFilterRecords",
	"GET /catalogs/{catalog}/fields/{field}/availableFilterRecord", "GET /catalogs/{catalog}/fields/{field}/dependencies",
	"GET /catalogs/{catalog}/values", "GET /catalogs/{catalog}/values/{axis}", "GET /catalogs/{catalog}/totals",
	"GET /catalogs/{catalog}/export", "POST /catalogs/{catalog}/import",
	"GET /catalogs/{catalog}/records/{record}/relations",
	"GET /catalogs/{catalog}/records/{record}/messages", "POST /catalogs/{catalog}/records/{record}/messages",
	"PATCH /catalogs/{catalog}/records/{record}/messages/{message}", "DELETE /catalogs/{catalog}/records/{record}/messages/{message}",
	"GET /catalogs/{catalog}/records/{record}/chatOptions/{same}", "PATCH /catalogs/{catalog}/records/{record}/chatOptions/{same}",
	"POST /catalogs/{catalog}/records/{record}/changes", "POST /catalogs/{catalog}/changes", "POST /changes",

	"POST /files", "GET /files/upload", "GET /files/{file}", "PATCH /files/{file}",
	"GET /contacts",
	"GET /rights", "POST /rights", "GET /rights/explain",
	"GET /boards", "POST /boards", "GET /boards/{board}", "PATCH /boards/{board}", "DELETE /boards/{board}",
	"GET /boards/{board}/widgets", "POST /boards/{board}/widgets", "GET /boards/{board}/widgets/{widget}",
	"PATCH /boards/{board}/widgets/{widget}", "DELETE /boards/{board}/widgets/{widget}",
	"GET /boards/{board}/widgets/{widget}/values", "GET /boards/{board}/widgets/{widget}/totals",

	"GET /tokens", "POST /tokens", "DELETE /tokens/{token}",
	"GET /trash", "POST /trash/{kind}/{id}/undelete",
	"GET /stream",
	"GET /webhooks/{webhook}/deliveries", "GET /webhooks/{webhook}/deliveries/{delivery}",
	"POST /webhooks/{webhook}/deliveries/{delivery}/resend", "POST /webhooks/{webhook}/resend", "POST /webhooks/{webhook}/test",
}

// laterAuth is later for /auth.
var laterAuth = []string{
	"GET /register", "POST /register", "GET /setPass", "POST /setPass", "POST /resetPassword",
	"POST /createInvite", "POST /company/create", "GET /updateCompanies/{group}", "GET /activate",
	"GET /oauth/{provider}", "GET /callback", "GET /providers",
}

func laterRoutes() []httpkit.Route     { return unbuilt(later) }
func laterAuthRoutes() []httpkit.Route { return unbuilt(laterAuth) }

func unbuilt(patterns []string) []httpkit.Route {
	routes := make([]httpkit.Route, len(patterns))
	for i, p := range patterns {
		routes[i] = httpkit.Route{Pattern: p, Handler: notYet}
	}
	return routes
}

func notYet(http.ResponseWriter, *http.Request) error {
	return fault.New(fault.NotImplemented, "this part of the API is not built yet")
}
