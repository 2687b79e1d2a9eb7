package syncapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
)

// carryOut sends a request of the log through the pipeline again. Nobody knocks, so there
// is no credential and no limit; nothing is looked up of what was answered before.
func (a *API) carryOut(r *http.Request, re Replay) (*Replayed, error) {
	ctx := r.Context()
	request, err := re.request(ctx)
	if err != nil {
		return nil, fault.Wrap(err, fault.ReplayUnavailable, "the raw request of this entry is not kept")
	}
	x := &exchange{
		api: a, w: &unsent{header: http.Header{}}, r: request, began: a.opt.Now(), ip: httpkit.ClientIP(ctx),
		endpoint: re.Raw.Endpoint, record: re.Raw.PathID, body: re.Raw.Body, replay: &re,
	}
	x.name()
	answer, err := x.anew(ctx)
	for n := 0; err != nil && n < tries && x.changed(ctx, err); n++ {
		x.again()
		x.record = re.Raw.PathID
		answer, err = x.anew(ctx)
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		answer = x.refusal(err)
	}
	a.opt.Log.InfoContext(ctx, "sync.replayed", "module", "Sync", "entry", re.Of.ID.String(), "employee", int64(re.By), "status", answer.status)
	return &Replayed{LogID: x.note(answer), Status: answer.status, Body: string(answer.body)}, nil
}

// request makes the request as its sender has sent it, with an id of its own.
func (re *Replay) request(ctx context.Context) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, re.Raw.Method, "/", strings.NewReader(string(re.Raw.Body)))
	if err != nil {
		return nil, err
	}
	r.URL.Path = Root + "/v1/" + re.Raw.Endpoint
	if re.Raw.PathID != "" {
		r.URL.Path += "/" + re.Raw.PathID
	}
	r.URL.RawQuery = re.Raw.Query
	r.RequestURI = r.URL.RequestURI()
	for name, values := range re.Raw.Headers {
		r.Header[name] = slices.Clone(values)
	}
	r.Header.Del("Content-Encoding") // the body was kept unpacked
	r.Header.Set("X-Request-ID", uuid.Must(uuid.NewV7()).String())
	return r, nil
}

// anew is answer without the ways in: the request acts as the entry's config, or as the
// account that it came by.
func (x *exchange) anew(ctx context.Context) (*sent, error) {
	var err error
	if x.state, err = x.api.opt.Sync.Current(ctx); err != nil {
		return nil, err
	}
	if x.config = x.state.Endpoint(x.endpoint); x.config == nil || x.config.Code != x.replay.Of.Config {
		x.config = nil
		return nil, apisync.Refuse(http.StatusNotFound, "ENDPOINT_NOT_FOUND", "there is no active endpoint of this name")
	}
	x.actor = catalog.Actor{Employee: x.config.RunAs, Origin: origin}
	if x.replay.Of.Credential == "" && x.replay.Of.User != 0 && slices.Contains(x.config.AuthTypes, apisync.AuthPlatform) {
		x.actor.Employee = x.replay.Of.User
	}
	x.admitted = true
	if err := x.checkMethod(); err != nil {
		return nil, err
	}
	if err := x.checkHeaders(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(x.config.RequestTimeout*float64(time.Second)))
	defer cancel()
	return x.work(ctx)
}

// unsent takes the headers of an answer that goes into the log.
type unsent struct{ header http.Header }

func (u *unsent) Header() http.Header            { return u.header }
func (u *unsent) Write(data []byte) (int, error) { return len(data), nil }
func (u *unsent) WriteHeader(int)                {}
