package syncapi

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"kartoteka/internal/apisync"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
)

// documentName is where the OpenAPI document of a credential is, beside the endpoints:
// their names do not begin so.
const documentName = "_openapi.json"

// document makes a document of endpoints, for encoding/json.
type document func(ctx context.Context, base string, endpoints []apisync.Described) (any, error)

// base is where endpoints are, for documents: as the settings say, or where the request
// went.
func base(st *apisync.State, r *http.Request) string {
	if own := st.Settings.PublicBaseURL; own != "" {
		return strings.TrimSuffix(own, "/")
	}
	return address(r.Context())
}

// documented answers a document of all active endpoints.
func (a *API) documented(draw document) httpkit.Handler {
	return a.viewed(func(w http.ResponseWriter, r *http.Request, st *apisync.State) error {
		return drawn(w, r, st, draw, st.Endpoints())
	})
}

// documentedOne answers a document of one endpoint, which need not be active.
func (a *API) documentedOne(draw document) httpkit.Handler {
	return a.viewed(func(w http.ResponseWriter, r *http.Request, st *apisync.State) error {
		c := st.Compiled(r.PathValue("code"))
		if c == nil || c.RequestType != apisync.Inbound {
			return fault.New(fault.NotFound, "there is no such resource")
		}
		return drawn(w, r, st, draw, []apisync.Described{apisync.Describe(c)})
	})
}

func drawn(w http.ResponseWriter, r *http.Request, st *apisync.State, draw document, endpoints []apisync.Described) error {
	v, err := draw(r.Context(), base(st, r), endpoints)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, v)
}

// document answers the OpenAPI document of the endpoints that a credential opens.
func (x *exchange) document(ctx context.Context) (*sent, error) {
	if x.record != "" {
		return nil, notFound()
	}
	if x.r.Method != http.MethodGet && x.r.Method != http.MethodHead {
		x.w.Header().Set("Allow", readOnly)
		return nil, apisync.Refuse(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "the method %s is not enabled here", x.r.Method)
	}
	list, err := x.reach(ctx)
	if err != nil {
		return nil, err
	}
	v, err := x.api.opt.Sync.OpenAPI(ctx, base(x.state, x.r), list)
	if err != nil {
		return nil, err
	}
	return &sent{status: http.StatusOK, body: mustMarshal(v)}, nil
}

// reach are the endpoints that the request's credential opens, and the methods that it
// may use there. Endpoints that are open to all are not among them: no credential opens
// those, and strangers are not told their names.
//
// It fails with AUTH_REQUIRED and AUTH_INVALID when there are none.
func (x *exchange) reach(ctx context.Context) ([]apisync.Described, error) {
	var err error
	if x.state, err = x.api.opt.Sync.Current(ctx); err != nil {
		return nil, err // what is revoked must not be shown
	}
	if err := x.knocks(); err != nil {
		return nil, err
	}
	list, accounts, err := x.keysIn(ctx)
	if err != nil || len(list) > 0 {
		return list, err
	}
	if len(accounts) > 0 {
		p, err := x.platform(ctx)
		switch e := apisync.AsError(err); {
		case p != nil:
			return accounts, nil
		case err != nil && (e == nil || e.Status != http.StatusUnauthorized):
			return nil, err
		}
	}
	x.challenge([]string{apisync.AuthBasic, apisync.AuthBearer})
	if !x.offers() {
		return nil, apisync.Refuse(http.StatusUnauthorized, "AUTH_REQUIRED", "a credential is needed")
	}
	x.failedKnock()
	return nil, invalid()
}

// offers tells whether the request has anything that may be a credential.
func (x *exchange) offers() bool {
	if x.r.Header.Get("Authorization") != "" {
		return true
	}
	for _, e := range x.state.Endpoints() {
		for i := range e.Config.Credentials {
			if k := &e.Config.Credentials[i]; k.Type == apisync.AuthHeader && x.r.Header.Get(headerOf(k)) != "" {
				return true
			}
		}
	}
	return false
}

// keysIn tries the credentials of all endpoints. accounts are the endpoints that may be
// open to accounts of this server: what is a credential of an endpoint is not to be tried
// as the password of one.
func (x *exchange) keysIn(ctx context.Context) (list, accounts []apisync.Described, err error) {
	defer func() { x.config = nil }()
	login, password, _, _ := x.login()
	hashed := login == ""
	for _, e := range x.state.Endpoints() {
		x.config = e.Config
		if !within(e.Config.AllowedIPs, x.ip) || !x.brings() {
			continue
		}
		if slices.Contains(e.Config.AuthTypes, apisync.AuthPlatform) {
			accounts = append(accounts, e)
		}
		named := x.hasLogin(login)
		hashed = hashed || named
		p, err := x.tryWays(ctx, slices.DeleteFunc(slices.Clone(e.Config.AuthTypes), func(t string) bool {
			return t == apisync.AuthPlatform || t == apisync.AuthNone || t == apisync.AuthBasic && !named
		}))
		switch {
		case err != nil && apisync.AsError(err) == nil:
			return nil, nil, err
		case p != nil && within(p.credential.AllowedIPs, x.ip):
			list = append(list, apisync.Described{Config: e.Config, Methods: usable(e.Config, p.credential)})
		}
	}
	if !hashed {
		x.matches(nil, password) // who is not known takes as long
	}
	return list, accounts, nil
}

// hasLogin tells whether a credential of the endpoint has that login.
func (x *exchange) hasLogin(login string) bool {
	for c := range x.credentials(apisync.AuthBasic) {
		if c.Login == login {
			return true
		}
	}
	return false
}

// usable are the methods of an endpoint that a credential opens.
func usable(c *apisync.Compiled, k *apisync.Credential) []string {
	return slices.DeleteFunc(slices.Clone(c.Methods), func(m string) bool { return !opens(k, m) })
}
