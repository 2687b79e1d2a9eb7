package bpiumapi

import (
	"net/http"
	"slices"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
)

// routes are those of /api/v1 that this version serves.
func (a *API) routes() []httpkit.Route {
	return slices.Concat(a.messageRoutes(), a.fileRoutes(), a.reportRoutes(), a.boardRoutes(), a.deliveryRoutes(), a.liveRoutes(), []httpkit.Route{
		{Pattern: "GET /profile/me", Handler: a.profile},
		{Pattern: "GET /company", Handler: a.company},
		{Pattern: "GET /companies", Handler: a.companies},
		{Pattern: "GET /license", Handler: a.license},
		{Pattern: "GET /users", Handler: a.users},

		{Pattern: "GET /sections", Handler: a.sections},
		{Pattern: "POST /sections", Handler: righted(a.createSection, a.mayCreateSection)},
		{Pattern: "GET /sections/{section}", Handler: a.section},
		{Pattern: "PATCH /sections/{section}", Handler: righted(a.updateSection, a.mayChangeSection)},
		{Pattern: "DELETE /sections/{section}", Handler: righted(a.deleteSection, a.mayChangeSection)},

		{Pattern: "GET /catalogs", Handler: a.catalogs},
		{Pattern: "POST /catalogs", Handler: a.createCatalog},
		{Pattern: "GET /catalogs/{catalog}", Handler: a.catalog},
		{Pattern: "PATCH /catalogs/{catalog}", Handler: righted(a.updateCatalog, a.mayChangeCatalog)},
		{Pattern: "DELETE /catalogs/{catalog}", Handler: righted(a.deleteCatalog, a.mayChangeCatalog)},
		{Pattern: "POST /catalogs/{catalog}/clear", Handler: righted(a.clearCatalog, a.mayChangeCatalog)},

		{Pattern: "GET /catalogs/{catalog}/records", Handler: a.about(a.records)},
		{Pattern: "POST /catalogs/{catalog}/records", Handler: righted(a.about(a.createRecord), a.mayCreateRecord)},
		{Pattern: "GET /catalogs/{catalog}/records/{record}", Handler: righted(a.about(a.record), a.mayUseRecord(catalog.ViewPrivilege))},
		{Pattern: "PATCH /catalogs/{catalog}/records/{record}", Handler: righted(a.about(a.updateRecord), a.mayUseRecord(catalog.ViewPrivilege))},
		{Pattern: "DELETE /catalogs/{catalog}/records/{record}", Handler: righted(a.about(a.deleteRecord), a.mayUseRecord(catalog.DeletePrivilege))},

		{Pattern: "GET /catalogs/{catalog}/views", Handler: a.views},
		{Pattern: "POST /catalogs/{catalog}/views", Handler: a.createView},
		{Pattern: "GET /catalogs/{catalog}/views/{view}", Handler: righted(a.view, a.mayUseView)},
		{Pattern: "PATCH /catalogs/{catalog}/views/{view}", Handler: righted(a.updateView, a.mayWriteView)},
		{Pattern: "DELETE /catalogs/{catalog}/views/{view}", Handler: righted(a.deleteView, a.mayWriteView)},

		{Pattern: "GET /catalogs/{catalog}/records/{record}/relations", Handler: righted(a.about(a.relations), a.mayUseRecord(catalog.ViewPrivilege))},
		{Pattern: "GET /catalogs/{catalog}/fields/{field}/availableRecords", Handler: righted(a.about(a.availableRecords), a.mayUseField)},
		{Pattern: "GET /catalogs/{catalog}/fields/{field}/availableFilterRecords", Handler: righted(a.about(a.availableFilterRecords), a.mayUseField)},
		{Pattern: "GET /catalogs/{catalog}/fields/{field}/availableFilterRecord", Handler: righted(a.about(a.availableFilterRecords), a.mayUseField)},
		{Pattern: "GET /contacts", Handler: a.contacts},

		{Pattern: "GET /rights", Handler: a.rights},
		{Pattern: "POST /rights", Handler: a.setRights},
		{Pattern: "GET /rights/explain", Handler: a.explainRights},

		{Pattern: "GET /stream", Handler: a.stream},

		{Pattern: "GET /histories", Handler: a.histories},
		{Pattern: "POST /histories", Handler: a.comment},
		{Pattern: "GET /histories/{entry}", Handler: noEntry},

		{Pattern: "GET /tokens", Handler: a.tokens},
		{Pattern: "POST /tokens", Handler: a.createToken},
		{Pattern: "GET /tokens/{token}", Handler: a.token},
		{Pattern: "DELETE /tokens/{token}", Handler: a.deleteToken},
	})
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

		{Pattern: "GET /setPass", Handler: a.linkPage(setPassForm)},
		{Pattern: "POST /setPass", Handler: a.choosePassword(setPassForm)},
		{Pattern: "GET /register", Handler: a.linkPage(registerForm)},
		{Pattern: "POST /register", Handler: a.choosePassword(registerForm)},
		{Pattern: "GET /resetPassword", Handler: a.resetPage},
		{Pattern: "POST /resetPassword", Handler: a.resetPassword},
		{Pattern: "POST /createInvite", Handler: a.createInvite},
		{Pattern: "POST /company/create", Handler: oneCompany},
		{Pattern: "GET /updateCompanies/{group}", Handler: a.updateCompanies},
		{Pattern: "GET /activate", Handler: noActivation},
	}
}

// later are the patterns of /api/v1 that are part of the contract and not of
// this version: clients get 501 for them instead of a puzzling 404.
var later = []string{
	"GET /catalogs/{catalog}/fields/{field}/dependencies",
	"GET /catalogs/{catalog}/export", "POST /catalogs/{catalog}/import",

	"GET /trash", "POST /trash/{kind}/{id}/undelete",
	"GET /messages/stream",
}

// laterAuth is later for /auth.
var laterAuth = []string{"GET /oauth/{provider}", "GET /callback", "GET /providers"}

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
