package bpiumapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"

	"kartoteka/internal/account"
	"kartoteka/internal/bpium"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
)

//go:embed page/login.html
var loginHTML string

//go:embed page/login.css
var loginCSS string

var loginTemplate = template.Must(template.New("login").Parse(loginHTML))

// loginErrors are the failures that the page explains, by what the address
// calls them.
var loginErrors = map[fault.Code]string{
	fault.BadCredentials: "1",
	fault.RateLimited:    "wait",
	fault.AccountLocked:  "locked",
	fault.NoCompany:      "no-companies",
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
	}
	return fault.Msg("The login or the password is wrong."), true
}

// loginView is what the page shows.
type loginView struct {
	Language, Title, Company, Problem string
	Login, Password, Button           string
	Redirect                          string
	Style                             template.CSS
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
	company, err := a.opt.Catalog.Company(r.Context())
	if err != nil {
		return err
	}
	view := loginView{
		Language: lang,
		Title:    fault.Msg("Sign in").In(lang),
		Company:  a.title(r, company),
		Login:    fault.Msg("E-mail or login").In(lang),
		Password: fault.Msg("Password").In(lang),
		Button:   fault.Msg("Sign in").In(lang),
		Redirect: path,
		Style:    template.CSS(loginCSS),
	}
	if text, some := loginProblem(reason); some {
		view.Problem = text.In(lang)
	}
	var page bytes.Buffer
	if err := loginTemplate.Execute(&page, view); err != nil {
		return fmt.Errorf("render login page: %w", err)
	}
	a.pageHeaders(w.Header())
	_, _ = w.Write(page.Bytes()) // a client that left is nobody's error
	return nil
}

// pageHeaders allow the page its own style and nothing else. The referrer
// policy is not stricter because with no-referrer browsers send "Origin: null",
// which looks like another site.
func (a *API) pageHeaders(h http.Header) {
	hash := sha256.Sum256([]byte(loginCSS))
	policy := "default-src 'none'; base-uri 'none'; form-action 'self'; style-src 'sha256-" +
		base64.StdEncoding.EncodeToString(hash[:]) + "'"
	if !a.opt.Cookies.CrossSite {
		policy += "; frame-ancestors 'self'"
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "same-origin")
}
