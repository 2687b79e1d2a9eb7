package syncapi

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"golang.org/x/net/http/httpguts"

	"kartoteka/internal/apisync"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
)

// ours are the headers that no response_script sets.
var ours = []string{"Content-Length", "Connection", "Transfer-Encoding", "Trailer", "Upgrade", "Set-Cookie", "Date", "Keep-Alive"}

// script lets the response_script change an answer. A call that may have written is not
// refused any more: its answer stays, with a warning where it has room for one, and the
// log has what failed.
func (x *exchange) script(ctx context.Context, call *apisync.Call, a *sent) error {
	if call.Config.ResponseScript == nil {
		return nil
	}
	e := &apisync.Envelope{Response: a.body, Headers: map[string]string{}}
	for name := range x.w.Header() {
		e.Headers[name] = x.w.Header().Get(name)
	}
	if err := x.api.opt.Sync.Respond(ctx, call, e, a.reply); err != nil {
		if call.Method == http.MethodGet || call.DryRun {
			return err
		}
		failed := x.api.known(ctx, err, x.id)
		a.reply.Warnings = append(a.reply.Warnings, "what was asked is done, but the response_script failed: "+failed.Message.In(""))
		a.body, a.err = x.render(a.reply), failed
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

// triedCases is what became of a test with cases.
type triedCases struct {
	OK    bool             `json:"ok"` // all of them
	Cases []*apisync.Tried `json:"cases"`
}

// testScript runs a script as its configuration would.
func (a *API) testScript(w http.ResponseWriter, r *http.Request, _ *apisync.State) error {
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
	tried, err := a.opt.Sync.TestScript(r.Context(), actorOf(r), &t)
	if err != nil {
		return err
	}
	if t.Cases == nil {
		return httpkit.JSON(w, tried[0])
	}
	failed := slices.ContainsFunc(tried, func(t *apisync.Tried) bool { return !t.OK })
	return httpkit.JSON(w, triedCases{!failed, append([]*apisync.Tried{}, tried...)})
}
