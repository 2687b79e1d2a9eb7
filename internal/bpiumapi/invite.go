package bpiumapi

import (
	"net/http"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
)

// createInvite invites somebody to found a company.
func (a *API) createInvite(w http.ResponseWriter, r *http.Request) error {
	who, err := a.serverAdmin(w, r)
	if err != nil {
		return err
	}
	get, err := a.members(r)
	if err != nil {
		return err
	}
	// Company and phone are for the form of a server with several companies.
	for _, name := range []string{"name", "email", "company", "phone"} {
		if text := get(name); text != "" || name == "email" {
			if err := checkText(name, text); err != nil {
				return err
			}
		}
	}
	founder := catalog.Founder{Name: get("name"), Email: get("email")}
	if err := a.opt.Catalog.InviteFounder(r.Context(), who, founder); err != nil {
		return err
	}
	return result(w)
}

// serverAdmin is who makes the request, an administrator of the server.
func (a *API) serverAdmin(w http.ResponseWriter, r *http.Request) (catalog.Actor, error) {
	who, err := a.auth.Actor(w, r)
	if err != nil {
		return catalog.Actor{}, err
	}
	actor := actorFor(who)
	return actor, a.opt.Catalog.AdministersServer(r.Context(), actor)
}

// updateCompanies has nothing to do: data is upgraded when the server starts.
func (a *API) updateCompanies(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.serverAdmin(w, r); err != nil {
		return err
	}
	return result(w)
}

func oneCompany(http.ResponseWriter, *http.Request) error {
	return fault.New(fault.NotImplemented, "this server has one company; no other can be founded")
}

func noActivation(http.ResponseWriter, *http.Request) error {
	return fault.New(fault.NotImplemented, "there is no licence to activate")
}
