package bpiumapi

import (
	"net"
	"net/http"
	"strconv"
	"strings"

	"kartoteka/internal/bpium"
	"kartoteka/internal/httpkit"
)

func (a *API) profile(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	rows, err := a.opt.Catalog.Employee(r.Context(), c.actor)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeProfile(dst, rows, a.profileExtras(r)) })
}

func (a *API) profileExtras(r *http.Request) bpium.Profile {
	return bpium.Profile{CompanyID: a.companyID(), Language: httpkit.Language(r.Context())}
}

func (a *API) users(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	ask, err := bpium.DecodeEmployees(c.params)
	if err != nil {
		return err
	}
	rows, err := a.opt.Catalog.Employees(r.Context(), c.actor, ask)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeEmployees(dst, rows) })
}

// companyInfo is a company as GET /company shows it.
type companyInfo struct {
	ID         string          `json:"id"`
	Domain     string          `json:"domain"`
	Title      string          `json:"title"`
	URL        string          `json:"url"`
	Logo       *string         `json:"logo"`
	Favicon    *string         `json:"favicon"`
	Background *string         `json:"background"`
	Status     string          `json:"status"`
	Settings   companySettings `json:"settings"`
}

type companySettings struct {
	Language string `json:"language"`
	Offset   int    `json:"timezoneOffset"` // minutes east of UTC, now
}

func (a *API) company(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.call(r); err != nil {
		return err
	}
	_, seconds := a.opt.Now().In(a.opt.Zone).Zone()
	return httpkit.JSON(w, companyInfo{
		ID:       a.companyID(),
		Domain:   a.domain(r),
		Title:    a.domain(r),
		URL:      a.url(r),
		Status:   "ready",
		Settings: companySettings{a.opt.Language, seconds / 60},
	})
}

// companyLink is a company as GET /companies lists it.
type companyLink struct {
	ID      string  `json:"id"`
	Domain  string  `json:"domain"`
	Title   string  `json:"title"`
	URL     string  `json:"url"`
	Logo    *string `json:"logo"`
	Current bool    `json:"current"`
}

func (a *API) companies(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.call(r); err != nil {
		return err
	}
	return httpkit.JSON(w, []companyLink{{
		ID:      a.companyID(),
		Domain:  a.domain(r),
		Title:   a.domain(r),
		URL:     a.url(r),
		Current: true,
	}})
}

// authCompany is what a login page may know of the company.
func (a *API) authCompany(w http.ResponseWriter, r *http.Request) error {
	return httpkit.JSON(w, struct {
		Domain     string     `json:"domain"`
		Title      string     `json:"title"`
		Extensions []struct{} `json:"extensions"`
	}{a.domain(r), a.domain(r), []struct{}{}})
}

func (a *API) companyID() string { return strconv.FormatInt(int64(a.opt.Company), 10) }

// host is the public host name, with a port if it is not the usual one.
func (a *API) host(r *http.Request) string {
	if a.opt.Host != "" {
		return a.opt.Host
	}
	return httpkit.Host(r.Context())
}

// domain is host without a port.
func (a *API) domain(r *http.Request) string {
	host := a.host(r)
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.Trim(host, "[]")
}

func (a *API) url(r *http.Request) string {
	if httpkit.Secure(r.Context()) {
		return "https://" + a.host(r)
	}
	return "http://" + a.host(r)
}
