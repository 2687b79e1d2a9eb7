package bpiumapi

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"

	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
)

//go:embed page/form.html
var formHTML string

//go:embed page/form.css
var formCSS string

var formTemplate = template.Must(template.New("form").Parse(formHTML))

// form is a page with a form, or only what is left to say.
type form struct {
	title   fault.Message
	problem string // what went wrong, in the reader's language
	notice  string
	action  string
	inputs  []input
	button  fault.Message // the zero Message for no form
	link    *formLink
	// secret says that the page's address is a secret: it is told to no other page,
	// this server's included.
	secret bool
}

// input is one of a form; without a Label it is hidden.
type input struct {
	Label, Name, Type, Complete, Value string
	Focus                              bool
}

type formLink struct{ Path, Text string }

// formView is what the page shows.
type formView struct {
	Language, Title, Company, Problem, Notice, Action, Button string
	Inputs                                                    []input
	Link                                                      *formLink
	Style                                                     template.CSS
}

// show answers with a page.
func (a *API) show(w http.ResponseWriter, r *http.Request, status int, f form) error {
	lang := httpkit.Language(r.Context())
	company, err := a.opt.Catalog.Company(r.Context())
	if err != nil {
		return err
	}
	var page bytes.Buffer
	err = formTemplate.Execute(&page, formView{
		Language: lang,
		Title:    f.title.In(lang),
		Company:  a.title(r, company),
		Problem:  f.problem,
		Notice:   f.notice,
		Action:   f.action,
		Button:   f.button.In(lang),
		Inputs:   f.inputs,
		Link:     f.link,
		Style:    template.CSS(formCSS),
	})
	if err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	httpkit.PageHeaders(w.Header(), formCSS, a.opt.Cookies.CrossSite)
	if f.secret {
		w.Header().Set("Referrer-Policy", "no-referrer") // see checkForm
		markForm(w, r)
	}
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // a client that left is nobody's error
	return nil
}

// formCookie is set with a secret page and comes back with its form only: browsers
// do not send it with what other sites make them post.
const formCookie = "kartoteka.form"

func markForm(w http.ResponseWriter, r *http.Request) {
	attributes := "=1; Path=/auth; Max-Age=3600; HttpOnly; SameSite=Strict"
	if httpkit.Secure(r.Context()) {
		attributes += "; Secure"
	}
	w.Header().Add("Set-Cookie", formCookie+attributes)
}

// checkForm is CheckOrigin for forms of secret pages, which browsers send with
// "Origin: null". Such a form is ours when the page's cookie comes with it.
func (a *API) checkForm(r *http.Request) error {
	if r.Header.Get("Origin") == "null" && len(r.CookiesNamed(formCookie)) > 0 {
		return nil
	}
	return a.opt.Kit.CheckOrigin(r)
}
