package bpiumapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"kartoteka/internal/account"
	"kartoteka/internal/bpium"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
)

// linkForm is a page that a link with a token leads to: whoever has the token
// chooses a password there.
type linkForm struct {
	path string
	// named asks for a name, and takes the tokens of invitations only.
	named bool
}

var (
	setPassForm  = linkForm{path: "/auth/setPass"}
	registerForm = linkForm{path: "/auth/register", named: true}
)

// linkPage shows the form of a link that works; programs learn whether it does.
func (a *API) linkPage(f linkForm) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		params, err := bpium.ParseParams(r.URL.RawQuery)
		if err != nil {
			return err
		}
		token, err := params.Text("token")
		if err != nil {
			return err
		}
		switch err := a.checkToken(r.Context(), f, token); {
		case httpkit.PrefersHTML(r):
			return a.showLinkForm(w, r, f, token, err)
		case err != nil:
			return err
		}
		return result(w)
	}
}

func result(w http.ResponseWriter) error { return httpkit.JSON(w, map[string]bool{"result": true}) }

// checkToken fails with account.ErrDeadLink when a token does not work here.
func (a *API) checkToken(ctx context.Context, f linkForm, token string) error {
	if account.IsReset(token) {
		if f.named {
			return account.ErrDeadLink()
		}
		return a.opt.Accounts.CheckReset(ctx, token)
	}
	_, err := a.opt.Catalog.Invitation(ctx, token)
	return err
}

// showLinkForm shows the form, after a failure with what is wrong. A link that
// does not work has none.
func (a *API) showLinkForm(w http.ResponseWriter, r *http.Request, f linkForm, token string, failure error) error {
	var refused *fault.Error
	if failure != nil && !errors.As(failure, &refused) {
		return failure
	}
	lang := httpkit.Language(r.Context())
	page, status := form{title: fault.Msg("Choose a password"), secret: true}, http.StatusOK
	if f.named {
		page.title = fault.Msg("Registration")
	}
	if refused != nil {
		page.problem, status = refused.Message.In(lang), httpkit.Status(refused.Code)
	}
	if refused == nil || refused.Code == fault.ValidationFailed {
		page.action, page.button = f.path, fault.Msg("Save and sign in")
		if f.named {
			page.inputs = append(page.inputs, input{Label: fault.Msg("Name").In(lang), Name: "name", Type: "text", Complete: "name", Focus: true})
		}
		page.inputs = append(page.inputs,
			input{Label: fault.Msg("New password, at least 6 characters").In(lang), Name: "password", Type: "password", Complete: "new-password", Focus: !f.named},
			input{Name: "token", Value: token})
	} else {
		page.link = &formLink{"/auth/login", fault.Msg("Sign in").In(lang)}
	}
	return a.show(w, r, status, page)
}

// choosePassword takes the form: the password is set, the token dies and whoever
// had it is signed in.
func (a *API) choosePassword(f linkForm) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := a.checkForm(r); err != nil {
			return err
		}
		get, err := a.members(r)
		if err != nil {
			return err
		}
		id, err := a.usedToken(r.Context(), f, get)
		switch {
		case err == nil:
		case httpkit.PrefersHTML(r):
			return a.showLinkForm(w, r, f, get("token"), err)
		default:
			return err
		}
		in := attempt{way: account.WayLink}
		p, err := a.opt.Accounts.Enter(r.Context(), id, httpkit.ClientIP(r.Context()))
		if err != nil {
			return err
		}
		if err := a.admit(r, p); err != nil {
			return refuseLogin(w, r, in, err)
		}
		return a.enter(w, r, p, in)
	}
}

// usedToken sets the password and gives the account. A token that does not work is
// the first thing to be told, whatever else is wrong.
func (a *API) usedToken(ctx context.Context, f linkForm, get func(string) string) (account.ID, error) {
	token, password, name := get("token"), get("password"), strings.TrimSpace(get("name"))
	if err := a.checkToken(ctx, f, token); err != nil {
		return 0, err
	}
	if !utf8.ValidString(name) || strings.IndexByte(name, 0) >= 0 || utf8.RuneCountInString(name) > maxName {
		return 0, fault.Invalid([]fault.Detail{fault.At("name", fault.Type, "a name has at most %d characters and is UTF-8 without U+0000", maxName)})
	}
	if err := a.opt.Accounts.CheckPassword(password); err != nil {
		return 0, err
	}
	if account.IsReset(token) {
		return a.opt.Accounts.ResetPassword(ctx, token, password)
	}
	i, err := a.opt.Catalog.Accept(ctx, token, password)
	if err != nil {
		return 0, err
	}
	who, err := a.opt.Accounts.OfEmployee(ctx, account.Link{Company: i.Company, Employee: int64(i.Employee)})
	if fault.Is(err, fault.NotFound) || err == nil && who.Password == "" {
		return 0, fault.New(fault.Unavailable, "the password is kept and will work in a moment; then sign in")
	}
	if err == nil && f.named && name != "" {
		err = a.opt.Accounts.Rename(ctx, who.ID, name)
	}
	return who.ID, err
}

// maxName is the longest name of a person, in characters.
const maxName = 256

// resetPage asks for whom a new password is wanted.
func (a *API) resetPage(w http.ResponseWriter, r *http.Request) error {
	return a.showReset(w, r, "")
}

func (a *API) showReset(w http.ResponseWriter, r *http.Request, notice string) error {
	lang := httpkit.Language(r.Context())
	page := form{title: fault.Msg("New password"), notice: notice, link: &formLink{"/auth/login", fault.Msg("Sign in").In(lang)}}
	if notice == "" {
		page.action, page.button, page.inputs = "/auth/resetPassword", fault.Msg("Send a letter"), []input{loginInput(lang)}
	}
	return a.show(w, r, http.StatusOK, page)
}

// resetPassword answers every login alike, and as fast: the rest happens
// afterwards.
func (a *API) resetPassword(w http.ResponseWriter, r *http.Request) error {
	if err := a.opt.Kit.CheckOrigin(r); err != nil {
		return err
	}
	get, err := a.members(r)
	if err != nil {
		return err
	}
	login := get("email")
	if login == "" {
		login = get("login")
	}
	if err := checkText("email", login); err != nil {
		return err
	}
	if a.opt.Reset != nil {
		a.opt.Reset(login, httpkit.ClientIP(r.Context()))
	}
	if httpkit.PrefersHTML(r) {
		notice := fault.Msg("If there is such an account, a letter is on its way. Its link works for 24 hours.")
		return a.showReset(w, r, notice.In(httpkit.Language(r.Context())))
	}
	return result(w)
}
