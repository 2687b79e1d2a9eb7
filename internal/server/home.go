package server

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"

	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
)

//go:embed page/home.html
var homeHTML string

//go:embed page/home.css
var homeCSS string

var homeTemplate = template.Must(template.New("home").Parse(homeHTML))

// homeView is what the page shows.
type homeView struct {
	Language, SignedIn, Programs, Button string
	Style                                template.CSS
}

// home is where the login leads a browser to. One without a session is sent to
// the login; programs find nothing here.
func (a *App) home(kit *httpkit.Kit) httpkit.Handler {
	auth := &httpkit.Authenticator{Kit: kit, Accounts: a.Accounts, Cookies: a.cookies()}
	return func(w http.ResponseWriter, r *http.Request) error {
		if !httpkit.PrefersHTML(r) {
			return fault.New(fault.NotFound, "there is no such resource")
		}
		p, err := auth.Session(r)
		switch {
		case fault.Is(err, fault.AuthRequired) || fault.Is(err, fault.SessionExpired):
			w.Header().Set("Location", "/auth/login")
			w.WriteHeader(http.StatusFound)
			return nil
		case err != nil:
			return err
		}
		return a.showHome(w, httpkit.Language(r.Context()), p.Login)
	}
}

func (a *App) showHome(w http.ResponseWriter, lang, login string) error {
	view := homeView{
		Language: lang,
		SignedIn: fault.Msg("You are signed in as %s.", login).In(lang),
		Programs: fault.Msg("Programs find your data at %s.", "/api/v1").In(lang),
		Button:   fault.Msg("Sign out").In(lang),
		Style:    template.CSS(homeCSS),
	}
	var page bytes.Buffer
	if err := homeTemplate.Execute(&page, view); err != nil {
		return fmt.Errorf("render the first page: %w", err)
	}
	httpkit.PageHeaders(w.Header(), homeCSS, false)
	_, _ = w.Write(page.Bytes()) // a client that left is nobody's error
	return nil
}
