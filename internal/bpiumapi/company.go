package bpiumapi

import (
	"cmp"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
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
	c, err := a.opt.Catalog.Company(r.Context())
	if err != nil {
		return err
	}
	_, seconds := a.opt.Now().In(a.opt.Zone).Zone()
	return httpkit.JSON(w, companyInfo{
		ID:         a.companyID(),
		Domain:     a.domain(r),
		Title:      a.title(r, c),
		URL:        a.url(r),
		Logo:       a.imageURL(r, c, catalog.Emblem),
		Favicon:    a.imageURL(r, c, catalog.Favicon),
		Background: a.imageURL(r, c, catalog.Background),
		Status:     "ready",
		Settings:   companySettings{a.opt.Language, seconds / 60},
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
	c, err := a.opt.Catalog.Company(r.Context())
	if err != nil {
		return err
	}
	return httpkit.JSON(w, []companyLink{{
		ID:      a.companyID(),
		Domain:  a.domain(r),
		Title:   a.title(r, c),
		URL:     a.url(r),
		Logo:    a.imageURL(r, c, catalog.Emblem),
		Current: true,
	}})
}

// extension is a module of the interface as GET /auth/company lists it.
type extension struct {
	Code  string   `json:"code"`
	Title string   `json:"title"`
	Icon  string   `json:"icon"`
	JS    []string `json:"js"`
	CSS   []string `json:"css"`
}

// authCompany is what a login page may know of the company; to who is signed in
// also which extensions the interface is to load.
func (a *API) authCompany(w http.ResponseWriter, r *http.Request) error {
	c, err := a.opt.Catalog.Company(r.Context())
	if err != nil {
		return err
	}
	list, err := a.extensions(w, r)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, struct {
		Domain     string      `json:"domain"`
		Title      string      `json:"title"`
		Extensions []extension `json:"extensions"`
	}{a.domain(r), a.title(r, c), list})
}

func (a *API) extensions(w http.ResponseWriter, r *http.Request) ([]extension, error) {
	list := []extension{}
	switch _, err := a.auth.Actor(w, r); fault.CodeOf(err) {
	case "":
	case fault.AuthRequired, fault.SessionExpired, fault.NoCompany:
		return list, nil
	default:
		return nil, err
	}
	if !a.opt.License.validAt(a.opt.Now()) {
		return list, nil
	}
	stored, err := a.opt.Catalog.Extensions(r.Context(), a.opt.License.extends)
	if err != nil {
		return nil, err
	}
	for _, e := range stored {
		list = append(list, extension(e))
	}
	return list, nil
}

// extends tells whether the licence has an extension: all of them, or this one.
func (l License) extends(code string) bool {
	return slices.ContainsFunc(l.Modules, func(m string) bool { return m == "*" || m == "extensions" || m == code })
}

// title is what the company is called.
func (a *API) title(r *http.Request, c *catalog.Company) string { return cmp.Or(c.Name, a.domain(r)) }

// imageURL is the address of an image that the company shows, nil for none.
func (a *API) imageURL(r *http.Request, c *catalog.Company, image catalog.Branding) *string {
	if _, some := c.Images[image]; !some {
		return nil
	}
	address := a.url(r) + "/logo/" + string(image)
	return &address
}

// Branding serves the images that the company shows to everybody, below /logo.
func (a *API) Branding() http.Handler {
	kit := a.opt.Kit
	return kit.API(httpkit.FlatError, kit.LimitIP(kit.Router("/logo", []httpkit.Route{{Pattern: "GET /{image}", Handler: a.branding}})))
}

func (a *API) branding(w http.ResponseWriter, r *http.Request) error {
	f, err := a.opt.Catalog.BrandingFile(r.Context(), catalog.Branding(r.PathValue("image")))
	if err != nil {
		return err
	}
	return a.serveContent(w, r, f, f.URL, "public, max-age=300")
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
