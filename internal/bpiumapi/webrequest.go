package bpiumapi

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kartoteka/internal/bpium"
	"kartoteka/internal/fault"
	"kartoteka/internal/hook"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/query"
)

// webRequestPath begins the addresses that start scenarios.
const webRequestPath = "/api/webrequest/"

// webRequestTime is how long a request may last beyond its scenario.
const webRequestTime = 6 * time.Minute

// WebRequests serves the addresses of $webRequests, in any method. Nobody needs to be
// signed in; what pages of other sites may read is the scenario's matter.
func (a *API) WebRequests() http.Handler {
	kit := a.opt.Kit
	return kit.Open(httpkit.FlatError, kit.LimitIP(kit.Handle(a.webRequest)))
}

func (a *API) webRequest(w http.ResponseWriter, r *http.Request) error {
	path, _ := strings.CutPrefix(r.URL.Path, webRequestPath)
	request, err := a.opt.Catalog.WebRequest(r.Context(), strings.TrimSuffix(path, "/"))
	if err != nil {
		return err
	}
	if request == nil {
		return fault.New(fault.NotFound, "there is nothing at this address")
	}
	employee, accepted, err := a.visitor(w, r)
	if err != nil {
		return err
	}
	body, err := httpkit.ReadBody(r, int64(a.opt.Hooks.InputLimit()))
	if err != nil {
		return err
	}
	_ = httpkit.Extend(w, webRequestTime) // a connection of a test has no deadlines
	call := &hook.WebCall{Request: request, Async: r.URL.Query().Get("async") == "true", Employee: employee}
	if call.Variables, err = a.webVariables(r, body, accepted); err != nil {
		return err
	}
	answer, err := a.opt.Hooks.Web(r.Context(), call)
	if err != nil {
		return err
	}
	if answer == nil {
		return httpkit.Empty(w)
	}
	return writeWeb(w, answer)
}

// visitor is who happens to be signed in, 0 for nobody; accepted tells that what the
// header Authorization has is for us.
func (a *API) visitor(w http.ResponseWriter, r *http.Request) (employee query.Record, accepted bool, err error) {
	actor, err := a.auth.Actor(w, r)
	switch {
	case err == nil:
		return query.Record(actor.Employee), true, nil
	case fault.Is(err, fault.RateLimited) || fault.Is(err, fault.Internal):
		return 0, false, err
	}
	return 0, fault.Is(err, fault.Forbidden) || fault.Is(err, fault.NoCompany), nil
}

// webVariables are what a scenario is told of a request. Our own session is not.
func (a *API) webVariables(r *http.Request, body []byte, accepted bool) (map[string]any, error) {
	ours := a.opt.Cookies.Read(r)
	cookies, kept := map[string]string{}, []string{}
	for _, c := range r.Cookies() {
		if !slices.Contains(ours, c.Value) {
			cookies[c.Name] = c.Value
			kept = append(kept, c.Name+"="+c.Value)
		}
	}
	headers := map[string]string{"host": r.Host}
	for name, values := range r.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	delete(headers, "cookie")
	if len(kept) > 0 {
		headers["cookie"] = strings.Join(kept, "; ")
	}
	if accepted {
		delete(headers, "authorization")
	}
	query, err := bpium.FormValue(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	content, err := bpium.DecodeWebBody(r.Header.Get("Content-Type"), body)
	if err != nil {
		return nil, err
	}
	scheme := "http"
	if httpkit.Secure(r.Context()) {
		scheme = "https"
	}
	u := url.URL{Scheme: scheme, Host: httpkit.Host(r.Context()), Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	return map[string]any{
		"url": u.String(), "method": r.Method, "headers": headers, "cookies": cookies, "query": query, "body": content,
	}, nil
}

// framing are headers that are the server's own matter.
var framing = []string{"Connection", "Content-Length", "Transfer-Encoding", "Upgrade", "Trailer", "Keep-Alive", "Te", "Date"}

// writeWeb answers what a scenario wants. Pages among it have no part in our site.
func writeWeb(w http.ResponseWriter, answer *hook.WebAnswer) error {
	h := w.Header()
	for name, values := range webHeaders(answer.Headers) {
		h[name] = values
	}
	h.Add("Content-Security-Policy", "sandbox allow-forms allow-scripts")
	h.Set("X-Content-Type-Options", "nosniff")
	body, kind, err := webBody(answer)
	if err != nil {
		return err
	}
	if h.Get("Content-Type") == "" && len(body) > 0 {
		h.Set("Content-Type", kind)
	}
	status := answer.Status
	if status == 0 {
		status = http.StatusOK
	}
	if status != http.StatusNoContent && status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	} else {
		body = nil
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left is nobody's error
	return nil
}

// webHeaders are the headers that a scenario sets, a text or a list of texts each. What
// is none is left out.
func webHeaders(data json.RawMessage) map[string][]string {
	var given map[string]any
	if json.Unmarshal(data, &given) != nil {
		return nil
	}
	headers := map[string][]string{}
	for name, v := range given {
		name = textproto.CanonicalMIMEHeaderKey(name)
		if name == "" || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" || slices.Contains(framing, name) {
			continue
		}
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, one := range list {
			text, ok := one.(string)
			if n, number := one.(float64); number {
				text, ok = strconv.FormatFloat(n, 'f', -1, 64), true
			}
			if ok && !strings.ContainsAny(text, "\r\n\x00") {
				headers[name] = append(headers[name], text)
			}
		}
	}
	return headers
}

// webBody is the body of an answer with its type: a text as it is, bytes, or JSON.
func webBody(answer *hook.WebAnswer) (body []byte, kind string, err error) {
	var text string
	switch {
	case answer.Body == nil || string(answer.Body) == "null":
		return nil, "", nil
	case json.Unmarshal(answer.Body, &text) != nil:
		return answer.Body, "application/json; charset=utf-8", nil
	case answer.Bytes:
		body, err = base64.StdEncoding.DecodeString(text)
		return body, "application/octet-stream", err
	}
	return []byte(text), "text/plain; charset=utf-8", nil
}
