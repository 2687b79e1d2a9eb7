package bpiumapi

import (
	"net/http"

	"kartoteka/internal/account"
	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/httpkit"
)

// tokens lists the employee's own tokens, without their secrets.
func (a *API) tokens(w http.ResponseWriter, r *http.Request) error {
	who, _ := account.ActorOf(r.Context())
	list, err := a.opt.Accounts.Tokens(r.Context(), who)
	if err != nil {
		return err
	}
	st, err := a.tokenStructure(r)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeTokens(dst, st, list) })
}

// tokenStructure names the catalogs of tokens; the query string is checked.
func (a *API) tokenStructure(r *http.Request) (*catalog.Structure, error) {
	if _, err := a.call(r); err != nil {
		return nil, err
	}
	return a.opt.Catalog.Structure(r.Context())
}

func (a *API) token(w http.ResponseWriter, r *http.Request) error {
	who, _ := account.ActorOf(r.Context())
	t, err := a.opt.Accounts.Token(r.Context(), who, r.PathValue("token"))
	if err != nil {
		return err
	}
	st, err := a.tokenStructure(r)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeToken(dst, st, &t) })
}

// createToken makes a token; its answer is the only one that has the secret.
func (a *API) createToken(w http.ResponseWriter, r *http.Request) error {
	who, _ := account.ActorOf(r.Context())
	if err := a.opt.Accounts.ManagesTokens(who); err != nil {
		return err
	}
	c, body, err := a.callWithBody(r)
	if err != nil {
		return err
	}
	sees := func(key string) (*catalog.Scope, error) { return a.opt.Catalog.Catalog(r.Context(), c.actor, key) }
	in, err := bpium.DecodeToken(body, sees, c.actor.Offset)
	if err != nil {
		return err
	}
	t, secret, err := a.opt.Accounts.CreateToken(r.Context(), who, in)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, map[string]string{"id": t.ID, "token": secret})
}

func (a *API) deleteToken(w http.ResponseWriter, r *http.Request) error {
	who, _ := account.ActorOf(r.Context())
	if err := a.opt.Accounts.DeleteToken(r.Context(), who, r.PathValue("token")); err != nil {
		return err
	}
	return httpkit.Empty(w)
}
