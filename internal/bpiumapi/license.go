package bpiumapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/query"
)

// settingsSection is the section whose administrators rule the company.
const settingsSection = "$settings"

// free are the resources that are answered without a valid licence.
var free = map[string]bool{"profile": true, "company": true, "companies": true, "license": true}

// licensed refuses, once the licence has ended, everything but free resources
// to everybody but the company's administrators, who must be able to renew it.
func (a *API) licensed(next http.Handler) http.Handler {
	return a.opt.Kit.Handle(func(w http.ResponseWriter, r *http.Request) error {
		resource, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/v1/"), "/")
		if !free[resource] {
			if err := a.covered(r.Context(), actorOf(r)); err != nil {
				return err
			}
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// covered fails with LicenseInvalid or LicenseSeats for an actor whom the licence
// does not let work.
func (a *API) covered(ctx context.Context, who catalog.Actor) error {
	if !a.opt.License.validAt(a.opt.Now()) {
		admin, err := a.administers(ctx, who)
		if err != nil {
			return err
		}
		if !admin {
			return fault.New(fault.LicenseInvalid, "the licence is not valid")
		}
	}
	return a.seated(ctx, who)
}

// seated fails with LicenseSeats for an employee above the licence's number of
// seats: they go to those who have a login in the order in which they were added.
// Administrators, who must be able to free some, need none.
func (a *API) seated(ctx context.Context, who catalog.Actor) error {
	most := a.opt.License.Users
	if most <= 0 {
		return nil
	}
	q, err := a.withLogin(ctx)
	if err != nil {
		return err
	}
	q.Limit, q.Offset = 1, most-1
	rows, err := a.opt.Catalog.Records(ctx, catalog.Actor{System: true}, catalog.Employees, q, &catalog.Selection{Fields: []*catalog.Field{}})
	if err != nil {
		return err
	}
	if rows.Page.Len() == 0 || who.Employee <= rows.Page.Record(0) {
		return nil
	}
	admin, err := a.administers(ctx, who)
	if err != nil || admin {
		return err
	}
	return fault.New(fault.LicenseSeats, "the licence has %d seats, and all are taken; ask your administrator", most)
}

// withLogin selects the employees who can sign in: each occupies a seat.
func (a *API) withLogin(ctx context.Context) (query.Query, error) {
	st, err := a.opt.Catalog.Structure(ctx)
	if err != nil {
		return query.Query{}, err
	}
	email := st.Catalog(catalog.Employees).FieldByKey("$email")
	return query.Query{Where: query.Cond{Field: email.Num, Test: query.NotEmpty{}}}, nil
}

// administers tells whether the actor is an administrator of the company.
func (a *API) administers(ctx context.Context, who catalog.Actor) (bool, error) {
	info, err := a.opt.Catalog.Section(ctx, who, settingsSection)
	switch {
	case fault.Is(err, fault.Forbidden), fault.Is(err, fault.NotFound):
		return false, nil
	case err != nil:
		return false, err
	}
	return info.Privilege >= catalog.AdminPrivilege, nil
}

// validAt tells whether the licence holds; its last day counts whole.
func (l License) validAt(now time.Time) bool {
	return l.Until.IsZero() || now.Before(l.Until.AddDate(0, 0, 1))
}

// licenseInfo is the answer of GET /license.
type licenseInfo struct {
	Serial  string   `json:"serialNumber"`
	Valid   bool     `json:"valid"`
	Until   *string  `json:"validUntil"`
	Limit   int      `json:"usersLimit"`
	Users   int64    `json:"usersCount"`
	Modules []string `json:"modules"`
}

func (a *API) license(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	admin, err := a.administers(r.Context(), c.actor)
	if err != nil {
		return err
	}
	users, err := a.seats(r.Context())
	if err != nil {
		return err
	}
	l := a.opt.License
	info := licenseInfo{Serial: l.Serial, Valid: l.validAt(a.opt.Now()), Limit: l.Users, Users: users, Modules: l.Modules}
	if !admin {
		info.Serial = masked(l.Serial)
	}
	if !l.Until.IsZero() {
		until := l.Until.UTC().Format("2006-01-02T15:04:05.000Z")
		info.Until = &until
	}
	if info.Modules == nil {
		info.Modules = []string{}
	}
	return httpkit.JSON(w, info)
}

// masked leaves the last four characters of a serial number.
func masked(serial string) string {
	if serial == "" {
		return ""
	}
	runes := []rune(serial)
	if len(runes) <= 8 {
		return "****"
	}
	return "****-" + string(runes[len(runes)-4:])
}

// seats counts the employees who occupy one.
func (a *API) seats(ctx context.Context) (int64, error) {
	q, err := a.withLogin(ctx)
	if err != nil {
		return 0, err
	}
	q.WithTotal = true
	rows, err := a.opt.Catalog.Records(ctx, catalog.Actor{System: true}, catalog.Employees, q, &catalog.Selection{Fields: []*catalog.Field{}})
	if err != nil {
		return 0, err
	}
	return rows.Total, nil
}
