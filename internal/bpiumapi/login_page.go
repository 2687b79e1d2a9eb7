package bpiumapi

import (
	"net/http"

	"kartoteka/internal/account"
	"kartoteka/internal/bpium"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
)

// loginErrors are the failures that the page explains, by what the address
// calls them.
var loginErrors = map[fault.Code]string{
	fault.BadCredentials: "1",
	fault.RateLimited:    "wait",
	fault.AccountLocked:  "locked",
	fault.NoCompany:      "no-companies",
	fault.LicenseSeats:   "seats",
}

func loginProblem(reason string) (text fault.Message, some bool) {
	switch reason {
	case "":
		return text, false
	case "wait":
		return fault.Msg("Too many attempts. Wait a little and try again."), true
	case "locked":
		return fault.Msg("This account is locked. Ask your administrator to unlock it."), true
	case "no-companies":
		return fault.Msg("This account does not belong to this company."), true
	case "seats":
		return fault.Msg("The licence has no seat for this account. Ask your administrator."), true
	}
	return fault.Msg("The login or the password is wrong."), true
}

// loginPage shows the page or, when the query has a login and a password, signs
// in with them.
func (a *API) loginPage(w http.ResponseWriter, r *http.Request) error {
	p, err := bpium.ParseParams(r.URL.RawQuery)
	if err != nil {
		return err
	}
	in := attempt{way: account.WayURL}
	var reason string
	for name, into := range map[string]*string{
		"login": &in.login, "password": &in.password, "redirect": &in.redirect, "error": &reason,
	} {
		if *into, err = p.Text(name); err != nil {
			return err
		}
	}
	if a.opt.URLLogin && in.login != "" && in.password != "" {
		return a.signIn(w, r, in)
	}
	return a.showLogin(w, r, reason, localPath(in.redirect))
}

func (a *API) showLogin(w http.ResponseWriter, r *http.Request, reason, path string) error {
	lang := httpkit.Language(r.Context())
	page := form{
		title:  fault.Msg("Sign in"),
		action: "/auth/login",
		button: fault.Msg("Sign in"),
		inputs: []input{
			loginInput(lang),
			{Label: fault.Msg("Password").In(lang), Name: "password", Type: "password", Complete: "current-password"},
			{Name: "redirect", Value: path},
		},
	}
	if text, some := loginProblem(reason); some {
		page.problem = text.In(lang)
	}
	if a.opt.Reset != nil {
		page.link = &formLink{"/auth/resetPassword", fault.Msg("Forgot the password?").In(lang)}
	}
	return a.show(w, r, http.StatusOK, page)
}

func loginInput(lang string) input {
	return input{Label: fault.Msg("E-mail or login").In(lang), Name: "email", Type: "text", Complete: "username", Focus: true}
}
