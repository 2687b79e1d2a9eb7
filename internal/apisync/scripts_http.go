package apisync

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/outbound"
	"kartoteka/internal/script"
)

// scriptHost answers the calls of scripts.
type scriptHost struct {
	*scripting
	http bool // they may call other servers
	only bool // they have no records
}

// writing are the methods that change records.
var writing = []string{"create", "write", "unlink", "copy", "message_post"}

// Call implements script.Host.
func (h *scriptHost) Call(ctx context.Context, c script.Call) (json.RawMessage, error) {
	h.calls++
	switch {
	case c.Method == "http":
		return h.send(ctx, c.Args)
	case h.only:
		return nil, script.Raise("RuntimeError", "env is not available here")
	case c.Method == "fields" && h.ofPeople(c.Args):
		st := h.config.State.Structure
		return h.host.Fields(&catalog.Scope{Structure: st, Catalog: st.Catalog(catalog.Employees)})
	case slices.Contains(writing, c.Method) && h.running[c.Item].kept == nil && !logs(c.Args):
		return nil, script.Raise("RuntimeError", "this script cannot write: nothing is written while an answer is made")
	}
	return h.host.Call(ctx, c)
}

// ofPeople tells whether a call is about employees: everybody knows what fields he has,
// see findUser.
func (h *scriptHost) ofPeople(args json.RawMessage) bool {
	var a struct{ Model string }
	return json.Unmarshal(args, &a) == nil && a.Model == h.name(h.config.State.Structure.Catalog(catalog.Employees))
}

func logs(args json.RawMessage) bool {
	var a struct{ Model string }
	return json.Unmarshal(args, &a) == nil && a.Model == logModel
}

// httpAnswer bounds what a script gets of another server.
const httpAnswer = 2 << 20

// send calls another server as a script asks.
func (h *scriptHost) send(ctx context.Context, args json.RawMessage) (json.RawMessage, error) {
	if !h.http {
		return nil, script.Raise("RuntimeError", "network access is disabled for this script")
	}
	var a struct {
		Method, URL, Body string
		Headers           map[string]string
		Timeout           float64
	}
	if err := json.Unmarshal(args, &a); err != nil {
		return nil, script.Raise("ValueError", "the arguments cannot be read")
	}
	body, err := base64.StdEncoding.DecodeString(a.Body)
	if err != nil {
		return nil, script.Raise("ValueError", "the body cannot be read")
	}
	client := h.x.s.options.Client
	if client == nil {
		return nil, script.Raise("ConnectionError", "there is no network here")
	}
	r := outbound.Request{Method: a.Method, URL: a.URL, Header: http.Header{}, Body: body, MaxBody: httpAnswer}
	if a.Timeout > 0 && a.Timeout < 60 {
		r.Timeout = time.Duration(a.Timeout * float64(time.Second))
	}
	for name, v := range a.Headers {
		r.Header.Set(name, v)
	}
	res, err := client.Do(ctx, r)
	if err != nil {
		return nil, unsent(ctx, err)
	}
	headers := map[string]string{}
	for name := range res.Header {
		headers[name] = res.Header.Get(name)
	}
	return json.Marshal(map[string]any{
		"status": res.Status, "reason": http.StatusText(res.Status), "headers": headers, "url": res.URL.String(),
		"body": base64.StdEncoding.EncodeToString(res.Body),
	})
}

// unsent is a call that failed, as requests has it.
func unsent(ctx context.Context, err error) error {
	var e *outbound.Error
	switch {
	case !errors.As(err, &e):
		return err
	case e.Reason == outbound.Timeout || e.Reason == outbound.Cancelled && ctx.Err() != nil:
		return script.Raise("Timeout", e.Message.In(""))
	}
	return script.Raise("ConnectionError", e.Message.In(""))
}
