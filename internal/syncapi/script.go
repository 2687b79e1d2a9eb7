package syncapi

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"golang.org/x/net/http/httpguts"

	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
)

// ours are the headers that no response_script sets.
var ours = []string{"Content-Length", "Connection", "Transfer-Encoding", "Trailer", "Upgrade", "Set-Cookie", "Date", "Keep-Alive"}

// script lets the response_script change an answer. After a write its failure is
// nobody's any more: the answer stays as it is.
func (x *exchange) script(ctx context.Context, call *apisync.Call, a *sent) error {
	if call.Config.ResponseScript == nil {
		return nil
	}
	e := &apisync.Envelope{Response: a.body, Headers: map[string]string{}}
	for name := range x.w.Header() {
		e.Headers[name] = x.w.Header().Get(name)
	}
	if err := x.api.opt.Sync.Respond(ctx, call, e); err != nil {
		if call.Method == http.MethodGet || call.DryRun {
			return err
		}
		return nil
	}
	a.body = e.Response
	for name, v := range e.Headers {
		if httpguts.ValidHeaderFieldName(name) && httpguts.ValidHeaderFieldValue(v) && !slices.Contains(ours, http.CanonicalHeaderKey(name)) {
			x.w.Header().Set(name, v)
		}
	}
	return nil
}

// testScript runs a script as its configuration would.
func (a *API) testScript(w http.ResponseWriter, r *http.Request, _ catalog.Actor) error {
	doc, err := body(r)
	if err != nil {
		return err
	}
	data, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	var t apisync.ScriptTest
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return fault.New(fault.InvalidParameter, "the test cannot be read: %s", err.Error())
	}
	tried, err := a.opt.Sync.TestScript(r.Context(), &t)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, tried)
}
