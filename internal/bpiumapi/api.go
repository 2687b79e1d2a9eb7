package bpiumapi

import (
	"net/http"
	"net/netip"
	"runtime"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/catalog"
	"kartoteka/internal/hook"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/report"
	"kartoteka/internal/stream"
)

// Options are the services and settings of the API. Catalog, Report, Accounts, Kit
// and BodyLimit are required.
type Options struct {
	Catalog  *catalog.Service
	Report   *report.Service
	Hooks    *hook.Service
	Streams  *stream.Service
	Accounts *account.Service
	Kit      *httpkit.Kit
	Cookies  httpkit.Cookies
	// Company is the one that every host serves; 0 means 1.
	Company account.CompanyID
	// BodyLimit is the largest request body in bytes.
	BodyLimit int64
	// URLLogin allows GET /auth/login?login=&password=.
	URLLogin bool
	License  License
	// Language is the company's: en, uk or ru; "" means en.
	Language string
	// Zone is the company's time zone; nil means UTC.
	Zone *time.Location
	// Host is the public host name; "" means that of each request.
	Host string
	// Reset is told, at once, that somebody wants a new password for a login, known
	// or not; nil when no letters are sent.
	Reset func(login string, ip netip.Addr)
	// Bucket is the first part of the paths of files' contents; "" means storage.
	Bucket string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// License is what the operator says about the licence.
type License struct {
	Serial  string   // "" for none
	Users   int      // seats, 0 for unlimited
	Modules []string // names, "*" for all
	Until   time.Time
}

// API is the three families of routes. It is safe for concurrent use.
type API struct {
	opt   Options
	auth  httpkit.Authenticator
	turns chan struct{} // of pictures that are drawn
}

// New makes the API.
func New(opt Options) *API {
	if opt.Company == 0 {
		opt.Company = 1
	}
	if opt.Language == "" {
		opt.Language = "en"
	}
	if opt.Zone == nil {
		opt.Zone = time.UTC
	}
	if opt.Bucket == "" {
		opt.Bucket = "storage"
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	a := &API{opt: opt, turns: make(chan struct{}, runtime.GOMAXPROCS(0))}
	a.auth = httpkit.Authenticator{
		Kit:      opt.Kit,
		Accounts: opt.Accounts,
		Cookies:  opt.Cookies,
		Company:  func(*http.Request) (account.CompanyID, error) { return a.opt.Company, nil },
	}
	return a
}

// Handler serves everything below /api/v1/.
func (a *API) Handler() http.Handler {
	kit := a.opt.Kit
	router := kit.Router("/api/v1", append(a.routes(), laterRoutes()...))
	return kit.API(httpkit.FlatError, kit.LimitIP(a.auth.Wrap(a.licensed(router))))
}

// Auth serves everything below /auth/.
func (a *API) Auth() http.Handler {
	kit := a.opt.Kit
	router := kit.Router("/auth", append(a.authRoutes(), laterAuthRoutes()...))
	return kit.API(httpkit.FlatError, kit.LimitIP(router))
}

// Storage serves the contents of files, below /{bucket}.
func (a *API) Storage() http.Handler {
	kit := a.opt.Kit
	return kit.API(storageError, kit.Router("/"+a.opt.Bucket, a.storageRoutes()))
}
