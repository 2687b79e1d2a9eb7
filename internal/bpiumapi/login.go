package bpiumapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"kartoteka/internal/account"
	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// maxLogin bounds the body of a login, in bytes.
const maxLogin = 64 << 10

// attempt is what somebody sends to sign in.
type attempt struct {
	login, password string
	redirect        string
	way             string
}

func (a *API) login(w http.ResponseWriter, r *http.Request) error {
	if err := a.opt.Kit.CheckOrigin(r); err != nil {
		return err
	}
	in, err := a.readAttempt(r)
	if err != nil {
		return err
	}
	return a.signIn(w, r, in)
}

// signIn opens a session and answers: a browser is sent on, a program gets the
// profile.
func (a *API) signIn(w http.ResponseWriter, r *http.Request, in attempt) error {
	p, err := a.session(r, in)
	if err != nil {
		return refuseLogin(w, r, in, err)
	}
	return a.enter(w, r, p, in)
}

// enter hands the session over and answers.
func (a *API) enter(w http.ResponseWriter, r *http.Request, p *account.Principal, in attempt) error {
	if in.way == account.WayURL || httpkit.PrefersHTML(r) {
		a.opt.Cookies.Write(w, r, p.Cookie)
		return redirect(w, localPath(in.redirect))
	}
	profile, err := a.profileOf(r, p)
	if err != nil {
		return err
	}
	a.opt.Cookies.Write(w, r, p.Cookie)
	return httpkit.JSON(w, struct {
		Result bool            `json:"result"`
		User   json.RawMessage `json:"user"`
	}{true, profile})
}

// session signs in to this company.
func (a *API) session(r *http.Request, in attempt) (*account.Principal, error) {
	p, err := a.opt.Accounts.SignIn(r.Context(), account.Credentials{
		Login:    in.login,
		Password: in.password,
		IP:       httpkit.ClientIP(r.Context()),
		Way:      in.way,
	})
	if err != nil {
		return nil, err
	}
	return p, a.admit(r, p)
}

// admit ends a session just opened of an account that does not belong to this
// company or has no seat in its licence.
func (a *API) admit(r *http.Request, p *account.Principal) error {
	employee, ok := p.Employee(a.opt.Company)
	err := error(fault.New(fault.NoCompany, "the account does not belong to this company"))
	if ok {
		err = a.seated(r.Context(), catalog.Actor{Employee: query.Record(employee)})
	}
	if err == nil {
		return nil
	}
	return errors.Join(err, a.opt.Accounts.EndSession(r.Context(), p.Cookie))
}

func (a *API) profileOf(r *http.Request, p *account.Principal) (json.RawMessage, error) {
	employee, _ := p.Employee(a.opt.Company)
	rows, err := a.opt.Catalog.Employee(r.Context(), catalog.Actor{Employee: query.Record(employee), Origin: "api"})
	if err != nil {
		return nil, err
	}
	return bpium.EncodeProfile(nil, rows, a.profileExtras(r)), nil
}

// readAttempt reads a form or, whatever its Content-Type, a JSON object.
func (a *API) readAttempt(r *http.Request) (attempt, error) {
	in := attempt{way: account.WayForm}
	get, err := a.members(r)
	if err != nil {
		return in, err
	}
	in.login, in.password, in.redirect = get("email"), get("password"), get("redirect")
	if in.login == "" {
		in.login = get("login")
	}
	return in, checkAttempt(in)
}

// members gives the body's texts by name, "" for an absent one. JSON is taken
// as JSON whatever Content-Type says, as everywhere.
func (a *API) members(r *http.Request) (func(name string) string, error) {
	raw, err := httpkit.ReadBody(r, min(a.opt.BodyLimit, maxLogin))
	if err != nil {
		return nil, err
	}
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "multipart/form-data" {
		return multipartMembers(raw, params["boundary"])
	}
	raw = bytes.TrimSpace(raw)
	if kind == "application/x-www-form-urlencoded" && !bytes.HasPrefix(raw, []byte("{")) || len(raw) == 0 {
		form, err := url.ParseQuery(string(raw))
		if err != nil {
			return nil, fault.Wrap(err, fault.InvalidParameter, "the form is not valid")
		}
		return form.Get, nil
	}
	body, err := tree.ParseJSON(raw, tree.Limits{})
	return func(name string) string { v, _ := body.Get(name); return v.Text() }, err
}

// multipartMembers reads the form that PHP's cURL makes of an array.
func multipartMembers(raw []byte, boundary string) (func(name string) string, error) {
	parts := multipart.NewReader(bytes.NewReader(raw), boundary)
	form := url.Values{}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return form.Get, nil
		}
		if err != nil {
			return nil, fault.Wrap(err, fault.InvalidParameter, "the form is not valid")
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, fault.Wrap(err, fault.InvalidParameter, "the form is not valid")
		}
		form.Add(part.FormName(), string(value))
	}
}

func checkAttempt(in attempt) error {
	if err := checkText("email", in.login); err != nil {
		return err
	}
	return checkText("password", in.password)
}

// checkText wants a value that can be stored.
func checkText(name, text string) error {
	if text == "" {
		return fault.New(fault.InvalidParameter, "%s: a value is required", name)
	}
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		return fault.New(fault.InvalidParameter, "%s: not valid UTF-8 without U+0000", name)
	}
	return nil
}

// refuseLogin sends a browser back to the page, which shows why.
func refuseLogin(w http.ResponseWriter, r *http.Request, in attempt, err error) error {
	reason, known := loginErrors[fault.CodeOf(err)]
	if !known || !httpkit.PrefersHTML(r) {
		return err
	}
	q := url.Values{"error": {reason}}
	if path := localPath(in.redirect); path != "/" {
		q.Set("redirect", path)
	}
	return redirect(w, "/auth/login?"+q.Encode())
}

// logout ends the request's session. Without one the answer is the same.
func (a *API) logout(w http.ResponseWriter, r *http.Request) error {
	if err := a.opt.Kit.CheckOrigin(r); err != nil {
		return err
	}
	for _, value := range a.opt.Cookies.Read(r) {
		if err := a.opt.Accounts.EndSession(r.Context(), value); err != nil {
			return err
		}
	}
	a.opt.Cookies.Clear(w, r)
	if httpkit.PrefersHTML(r) {
		return redirect(w, "/auth/login")
	}
	return result(w)
}

// resetCache forgets what is cached about accounts: for administrators, and for
// operators on this machine.
func (a *API) resetCache(w http.ResponseWriter, r *http.Request) error {
	if !httpkit.ClientIP(r.Context()).IsLoopback() {
		who, err := a.auth.Actor(w, r)
		if err != nil {
			return err
		}
		admin, err := a.administers(r.Context(), actorFor(who))
		if err != nil {
			return err
		}
		if !admin {
			return fault.New(fault.Forbidden, "only administrators may do this")
		}
	}
	a.opt.Accounts.Reset()
	return result(w)
}

// redirect answers 302; a POST becomes a GET.
func redirect(w http.ResponseWriter, path string) error {
	w.Header().Set("Location", escaped(path))
	w.WriteHeader(http.StatusFound)
	return nil
}

// escaped writes what is not ASCII as percent codes: headers are ASCII.
func escaped(path string) string {
	var b strings.Builder
	for i := range len(path) {
		if c := path[i]; c > ' ' && c < utf8.RuneSelf {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// localPath is the path to go to after the login: "/" for whatever could lead
// to another site. Browsers read "\" as "/" and leave control characters out.
func localPath(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return "/"
	}
	for _, c := range path {
		if c < ' ' || c == 0x7F || c == '\\' || c == utf8.RuneError {
			return "/"
		}
	}
	return path
}
