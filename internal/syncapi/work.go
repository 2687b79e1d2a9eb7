package syncapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kartoteka/internal/apisync"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/query/tree"
)

// work carries out what is asked and renders what became of it.
func (x *exchange) work(ctx context.Context) (*sent, error) {
	call, err := x.call()
	if err != nil {
		return nil, err
	}
	if !call.DryRun {
		x.kept = call.Once
	}
	call.Phases = &x.phases
	if until := x.config.DebugUntil; until != nil && x.began.Before(*until) && x.config.LogBodies != "none" {
		x.lines = &apisync.LineTrace{}
		call.Lines = x.lines
	}
	reply, err := x.api.opt.Sync.Do(ctx, call)
	if err != nil {
		return nil, err
	}
	if reply.Replayed != nil {
		return x.replayed(reply.Replayed), nil
	}
	defer func(began time.Time) { x.phases.Render = milliseconds(began) }(time.Now())
	if match := x.r.Header.Get("If-None-Match"); match != "" && call.Method == http.MethodGet && !reply.List && matches(match, reply.Items[0].ETag) {
		x.w.Header().Set("ETag", reply.Items[0].ETag)
		return &sent{status: http.StatusNotModified, reply: reply}, nil
	}
	a := &sent{status: reply.Status, reply: reply, body: x.render(reply)}
	x.headers(reply)
	if err := x.script(ctx, call, a); err != nil {
		return nil, err
	}
	if x.kept != nil && reply.Status < http.StatusBadRequest {
		x.api.opt.Sync.Keep(ctx, x.kept, x.keeps(a))
	}
	return a, nil
}

// call reads what is asked.
func (x *exchange) call() (*apisync.Call, error) {
	c := &apisync.Call{Config: x.config, Actor: x.actor, Method: x.method(), ID: x.record, IfMatch: x.r.Header.Get("If-Match"), Base: address(x.r.Context())}
	var err error
	if x.query, err = apisync.SplitQuery(x.r.URL.RawQuery); err != nil {
		return nil, err
	}
	c.Query = x.query
	if x.dry, err = x.flag("dry_run", "X-Dry-Run"); err != nil {
		return nil, err
	}
	if x.dry && !x.config.AllowDryRun {
		return nil, apisync.Refuse(http.StatusBadRequest, "INVALID_PARAMETER", "this endpoint has no dry runs").With("parameter", "dry_run")
	}
	x.dry = x.dry || x.replay != nil && x.replay.DryRun
	c.DryRun = x.dry
	if c.Atomic, err = x.flag("atomic", ""); err != nil {
		return nil, err
	}
	c.Atomic = c.Atomic || x.config.BatchMode == "atomic"
	if c.Method == http.MethodGet {
		return c, nil
	}
	if c.Body, c.HasBody, err = x.parse(); err != nil {
		return nil, err
	}
	if x.replay == nil {
		c.Once, err = x.once()
	}
	return c, err
}

// address is the scheme and host that the client has asked.
func address(ctx context.Context) string {
	scheme := "http://"
	if httpkit.Secure(ctx) {
		scheme = "https://"
	}
	return scheme + httpkit.Host(ctx)
}

// matches tells whether a list of ETags has one.
func matches(list, etag string) bool {
	if strings.TrimSpace(list) == "*" {
		return true
	}
	for tag := range strings.SplitSeq(list, ",") {
		if strings.TrimPrefix(strings.TrimSpace(tag), "W/") == etag && etag != "" {
			return true
		}
	}
	return false
}

// headers tell of a reply what clients may want without reading it.
func (x *exchange) headers(r *apisync.Reply) {
	h := x.w.Header()
	if r.List {
		x.pageHeaders(h, r.Place)
		return
	}
	if r.Batch || len(r.Items) != 1 || r.Items[0].Err != nil {
		return
	}
	item := &r.Items[0]
	if item.ETag != "" {
		h.Set("ETag", item.ETag)
	}
	if item.Action == apisync.Created && !x.dry && item.Path != "" {
		h.Set("Location", Root+"/v1/"+x.endpoint+"/"+url.PathEscape(item.Path))
	}
}

// pageHeaders tell where a list stands, and where its other pages are (RFC 8288).
func (x *exchange) pageHeaders(h http.Header, p *apisync.Place) {
	h.Set("X-Limit", strconv.Itoa(p.Limit))
	h.Set("X-Offset", strconv.Itoa(p.Offset))
	if p.Total >= 0 {
		h.Set("X-Total-Count", strconv.FormatInt(p.Total, 10))
	}
	if p.Limit == 0 {
		return
	}
	links := []string{x.link("first", 0)}
	if p.Offset > 0 {
		links = append(links, x.link("prev", max(p.Offset-p.Limit, 0)))
	}
	if p.More {
		links = append(links, x.link("next", p.Offset+p.Limit))
	}
	if p.Total > 0 {
		links = append(links, x.link("last", int((p.Total-1)/int64(p.Limit))*p.Limit))
	}
	h.Set("Link", strings.Join(links, ", "))
}

// link is the address of another page of the same list.
func (x *exchange) link(rel string, offset int) string {
	var query []string
	for part := range strings.SplitSeq(x.r.URL.RawQuery, "&") {
		if name, _, _ := strings.Cut(part, "="); part != "" && name != "offset" {
			query = append(query, strings.NewReplacer("<", "%3C", ">", "%3E", `"`, "%22", " ", "%20").Replace(part))
		}
	}
	query = append(query, "offset="+strconv.Itoa(offset))
	return "<" + Root + "/v1/" + x.endpoint + "?" + strings.Join(query, "&") + `>; rel="` + rel + `"`
}

// render makes the body of a reply.
func (x *exchange) render(r *apisync.Reply) []byte {
	lang := httpkit.Language(x.r.Context())
	e := envelope{Success: true, Status: "success", Message: x.message(), Meta: x.meta(r)}
	switch {
	case r.List:
		e.Data = listed(r)
	case r.Batch:
		x.batch(&e, r, lang)
	default:
		item := &r.Items[0]
		if item.ID.Kind != tree.Null {
			e.ID = item.ID.AppendJSON(nil)
		}
		e.Data = item.Data.AppendJSON(nil)
	}
	if x.config.ResponseFormat != "bare" {
		return e.json()
	}
	if r.Status >= http.StatusBadRequest {
		return bareJSON(batchError(e.Error.Code, r), e.Message)
	}
	return e.Data
}

// batchError is the refusal of a batch of which nothing was written, with what tells of
// lines in that of the first item that is wrong by itself.
func batchError(code string, r *apisync.Reply) *apisync.Error {
	all := &apisync.Error{Status: r.Status, Code: code}
	for i := range r.Items {
		if e := r.Items[i].Err; e != nil && e.Code != code {
			all.Fields, all.Details = e.Fields, e.Details
			break
		}
	}
	return all
}

func (x *exchange) message() string {
	switch x.method() {
	case http.MethodGet:
		return "Operation successful"
	case http.MethodDelete:
		return "Record deleted successfully"
	}
	return "Record processed successfully"
}

func listed(r *apisync.Reply) json.RawMessage {
	out := []byte{'['}
	for i := range r.Items {
		if i > 0 {
			out = append(out, ',')
		}
		out = r.Items[i].Data.AppendJSON(out)
		if i == 0 { // the others are about as long
			out = slices.Grow(out, len(out)*len(r.Items)*9/8)
		}
	}
	return append(out, ']')
}

// itemBody is one item of a batch in its answer.
type itemBody struct {
	Index   int             `json:"index"`
	Success bool            `json:"success"`
	Action  string          `json:"action,omitempty"`
	ID      json.RawMessage `json:"id,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"`
	Error   *errorBody      `json:"error,omitempty"`
}

func (x *exchange) batch(e *envelope, r *apisync.Reply, lang string) {
	ids, items, failed := []byte{'['}, make([]itemBody, len(r.Items)), 0
	for i := range r.Items {
		item := &r.Items[i]
		if i > 0 {
			ids = append(ids, ',')
		}
		if item.Err != nil {
			failed++
			ids = append(ids, "null"...)
			items[i] = itemBody{Index: i, Error: &errorBody{item.Err.Code, item.Err.Message.In(lang), details(item.Err, lang)}}
			continue
		}
		id := item.ID.AppendJSON(nil)
		ids = append(ids, id...)
		items[i] = itemBody{Index: i, Success: true, Action: item.Action, ID: id, Data: item.Data.AppendJSON(nil)}
	}
	e.IDs, e.Data = append(ids, ']'), mustMarshal(items)
	if failed == 0 {
		return
	}
	code, message := "BATCH_PARTIAL", apisync.PartlyFailed(failed, len(items))
	e.Success, e.Status = false, "partial"
	if r.Status != http.StatusMultiStatus {
		code, message = "BATCH_FAILED", apisync.AllFailed(failed, len(items))
		e.Status, e.Code = "error", r.Status
	}
	e.Message = message.In(lang)
	e.Error = &errorBody{code, e.Message, map[string]any{}}
	e.RequestID = x.id
}

// meta is what an answer tells besides the data.
func (x *exchange) meta(r *apisync.Reply) map[string]any {
	meta := map[string]any{}
	switch {
	case r.List:
		p := r.Place
		meta["total"], meta["count"], meta["limit"], meta["offset"], meta["has_more"] = nil, len(r.Items), p.Limit, p.Offset, p.More
		if p.Total >= 0 {
			meta["total"] = p.Total
		}
		meta["next_offset"] = nil
		if p.More {
			meta["next_offset"] = p.Offset + len(r.Items)
		}
	case r.Batch:
		counts := map[string]int{"total": len(r.Items), "succeeded": 0, "failed": 0, "created": 0, "updated": 0, "unchanged": 0, "deleted": 0}
		for i := range r.Items {
			if r.Items[i].Err != nil {
				counts["failed"]++
				continue
			}
			counts["succeeded"]++
			counts[r.Items[i].Action]++
		}
		for k, n := range counts {
			meta[k] = n
		}
	case r.Items[0].Action != "":
		meta["action"] = r.Items[0].Action
	}
	if x.dry {
		meta["dry_run"], meta["plan"] = true, plans(r.Plan)
	}
	if len(r.Warnings) > 0 {
		meta["warnings"] = r.Warnings
	}
	if len(meta) == 0 {
		return nil
	}
	return meta
}

type planBody struct {
	Op     string          `json:"op"`
	Model  string          `json:"model"`
	ID     json.RawMessage `json:"id"`
	Values json.RawMessage `json:"vals"`
}

func plans(list []apisync.Plan) []planBody {
	out := make([]planBody, len(list))
	for i, p := range list {
		out[i] = planBody{p.Op, p.Model, p.Record.AppendJSON(nil), p.Values.AppendJSON(nil)}
	}
	return out
}

// maxKept is the longest body that is kept for a request that comes again.
const maxKept = 64 << 10

// keepRefusal keeps a refusal that the same request is to get again (sync-api.md §2.13).
func (x *exchange) keepRefusal(a *sent) {
	if x.kept != nil && apisync.IsDuplicate(a.err) {
		x.api.opt.Sync.Keep(x.r.Context(), x.kept, x.keeps(a))
	}
}

// keeps is an answer as it is given to the same request again.
func (x *exchange) keeps(a *sent) *apisync.Answer {
	h := x.w.Header()
	headers := map[string]string{}
	for _, name := range []string{"ETag", "Location"} {
		if v := h.Get(name); v != "" {
			headers[name] = v
		}
	}
	k := &apisync.Answer{Status: a.status, Headers: mustMarshal(headers)}
	if len(a.body) <= maxKept {
		k.Body = a.body
		return k
	}
	ids := make([]json.RawMessage, len(a.reply.Items))
	for i := range a.reply.Items {
		ids[i] = a.reply.Items[i].ID.AppendJSON(nil)
	}
	k.Headers = mustMarshal(map[string]any{"ids": ids, "batch": a.reply.Batch})
	return k
}

// replayed is the answer that was given before.
func (x *exchange) replayed(k *apisync.Answer) *sent {
	h := x.w.Header()
	h.Set("Idempotency-Replayed", "true")
	if k.Body == nil {
		return &sent{status: k.Status, body: x.remembered(k), replayed: true}
	}
	var headers map[string]string
	if json.Unmarshal(k.Headers, &headers) == nil {
		for name, v := range headers {
			h.Set(name, v)
		}
	}
	return &sent{status: k.Status, body: k.Body, replayed: true}
}

// remembered makes the body of an answer of which only the ids were kept: it was too long,
// or the program ended before it was kept.
func (x *exchange) remembered(k *apisync.Answer) []byte {
	var ids struct {
		IDs   []json.RawMessage `json:"ids"`
		Batch bool              `json:"batch"`
	}
	_ = json.Unmarshal(k.Headers, &ids) // as it was written
	e := envelope{Success: true, Status: "success", Message: x.message()}
	items := make([]itemBody, len(ids.IDs))
	for i, id := range ids.IDs {
		data := mustMarshal(map[string]json.RawMessage{"id": id})
		items[i] = itemBody{Index: i, Success: string(id) != "null", ID: id, Data: data}
		e.ID, e.Data = id, data
	}
	if ids.Batch {
		e.ID, e.IDs, e.Data = nil, mustMarshal(ids.IDs), mustMarshal(items)
	}
	if x.config.ResponseFormat == "bare" {
		return e.Data
	}
	return e.json()
}
