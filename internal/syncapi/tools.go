package syncapi

import (
	"encoding/json"
	"net/http"
	"time"

	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/query/tree"
)

// stepBody is one step of a test.
type stepBody struct {
	Name     string  `json:"name"`
	OK       bool    `json:"ok"`
	Duration float64 `json:"duration_ms"`
	Message  string  `json:"message"`
	Hint     string  `json:"hint"`
}

// tested is what a test found: nothing was written.
type tested struct {
	OK    bool       `json:"ok"`
	Steps []stepBody `json:"steps"`
}

func told(m fault.Message, lang string) string {
	if m.Format == "" {
		return ""
	}
	return m.In(lang)
}

func steps(w http.ResponseWriter, r *http.Request, list []apisync.Step) error {
	lang := httpkit.Language(r.Context())
	out := tested{OK: true, Steps: make([]stepBody, len(list))}
	for i, s := range list {
		ms := float64(s.Duration) / float64(time.Millisecond)
		out.Steps[i] = stepBody{s.Name, s.OK, ms, told(s.Message, lang), told(s.Hint, lang)}
		out.OK = out.OK && s.OK
	}
	return httpkit.JSON(w, out)
}

func (a *API) testConnection(w http.ResponseWriter, r *http.Request, _ *apisync.State) error {
	if err := known(r); err != nil {
		return err
	}
	list, err := a.opt.Sync.TestLocal(r.Context(), actorOf(r))
	if err != nil {
		return err
	}
	return steps(w, r, list)
}

func (a *API) testConfig(w http.ResponseWriter, r *http.Request, _ *apisync.State) error {
	list, err := a.opt.Sync.TestConfig(r.Context(), actorOf(r), r.PathValue("code"))
	if err != nil {
		return err
	}
	return steps(w, r, list)
}

// object reads the body, an object whose keys are among those that are known.
func object(r *http.Request, keys map[string]tree.Kind) (tree.Value, error) {
	data, err := httpkit.ReadBody(r, bodyMost)
	if err != nil {
		return tree.Value{}, err
	}
	v, err := tree.ParseJSON(data, tree.Limits{Values: bodyValues, Depth: bodyDepth})
	if err != nil {
		return v, err
	}
	if v.Kind != tree.Object {
		return v, fault.New(fault.InvalidJSON, "the body must be a JSON object")
	}
	if v.Duplicates() {
		return v, fault.New(fault.InvalidJSON, "a key is there twice")
	}
	for _, f := range v.Fields() {
		kind, ok := keys[f.Key]
		switch {
		case !ok:
			return v, at(f.Key, "there is no such attribute")
		case kind == tree.String && f.Value.Kind != tree.String:
			return v, at(f.Key, "expected a text")
		}
	}
	return v, nil
}

func at(path, format string, args ...any) error {
	return fault.Invalid([]fault.Detail{fault.At(path, fault.InvalidParameter, format, args...)})
}

// reasonBody is why a line is proposed, or why there is none for a key.
type reasonBody struct {
	apisync.Reason
	Message string `json:"message,omitempty"`
}

type suggested struct {
	*apisync.Suggestion
	Unmatched []reasonBody `json:"unmatched"`
}

// suggest proposes lines: {"sample": {...}} for a config, {"model": "25"} and perhaps a
// sample for none.
func (a *API) suggest(w http.ResponseWriter, r *http.Request, st *apisync.State) error {
	keys := map[string]tree.Kind{"sample": tree.Null, "model": tree.String}
	ask := apisync.SuggestAsk{Code: r.PathValue("code")}
	if ask.Code != "" {
		delete(keys, "model")
	}
	if ask.Code == "" || r.ContentLength != 0 {
		doc, err := object(r, keys)
		if err != nil {
			return err
		}
		model, _ := doc.Get("model")
		ask.Model = model.Str()
		ask.Sample, _ = doc.Get("sample")
	}
	s, err := st.Suggest(ask)
	if err != nil {
		return err
	}
	lang := httpkit.Language(r.Context())
	out := suggested{s, make([]reasonBody, len(s.Unmatched))}
	for i, reason := range s.Unmatched {
		out.Unmatched[i] = reasonBody{reason, reason.Message.In(lang)}
	}
	return httpkit.JSON(w, out)
}

// linePreview is what one line makes of its value.
type linePreview struct {
	Line    int64           `json:"line_id"`
	Key     string          `json:"external_key"`
	Field   string          `json:"field"`
	Present bool            `json:"present"`
	Raw     json.RawMessage `json:"raw"`
	Value   json.RawMessage `json:"value"`
	Error   *errorBody      `json:"error"`
}

type previewed struct {
	Direction string          `json:"direction"`
	OK        bool            `json:"ok"`
	Action    string          `json:"action,omitempty"`
	ID        json.RawMessage `json:"id"`
	Lines     []linePreview   `json:"lines"`
	Data      json.RawMessage `json:"data,omitempty"`
	Error     *errorBody      `json:"error"`
}

// preview shows what a config makes of {"direction":"in","sample":{...}} or of
// {"direction":"out","record_id":1}.
func (a *API) preview(w http.ResponseWriter, r *http.Request, who catalog.Actor) error {
	doc, err := object(r, map[string]tree.Kind{"direction": tree.String, "sample": tree.Null, "record_id": tree.Null})
	if err != nil {
		return err
	}
	ask := apisync.PreviewAsk{Code: r.PathValue("code"), Base: address(r.Context())}
	direction, _ := doc.Get("direction")
	id, _ := doc.Get("record_id")
	sample, _ := doc.Get("sample")
	switch {
	case direction.Str() == "in" && sample.Kind == tree.Object && id.IsNull():
		ask.Sample = sample
	case direction.Str() == "out" && sample.IsNull() && (id.Kind == tree.String || id.Kind == tree.Number) && id.Text() != "":
		ask.Record = id.Text()
	default:
		return at("direction", `expected "in" with a sample, which is an object, or "out" with a record_id`)
	}
	p, err := a.opt.Sync.Preview(r.Context(), who, ask)
	if err != nil {
		return adminFault(err)
	}
	return httpkit.JSON(w, shownPreview(r, direction.Str(), p))
}

func shownPreview(r *http.Request, direction string, p *apisync.Preview) previewed {
	lang := httpkit.Language(r.Context())
	out := previewed{
		Direction: direction, OK: p.Err == nil, Action: p.Action, ID: p.ID.AppendJSON(nil), Error: errorOf(p.Err, lang),
		Lines: make([]linePreview, len(p.Lines)),
	}
	if direction == "out" {
		out.Data = p.Data.AppendJSON(nil)
	}
	for i, l := range p.Lines {
		out.OK = out.OK && l.Err == nil
		out.Lines[i] = linePreview{
			l.Line.ID, l.Line.ExternalKey, l.Line.Line.Field, l.Present, l.Raw.AppendJSON(nil), l.Value.AppendJSON(nil), errorOf(l.Err, lang),
		}
	}
	return out
}

// errorOf is a refusal as endpoints tell it, nil for none.
func errorOf(e *apisync.Error, lang string) *errorBody {
	if e == nil {
		return nil
	}
	return &errorBody{e.Code, e.Message.In(lang), details(e, lang)}
}

// adminFault tells a refusal of an endpoint as the admin API tells refusals.
func adminFault(err error) error {
	e := apisync.AsError(err)
	if e == nil {
		return err
	}
	code := fault.InvalidParameter
	switch e.Status {
	case http.StatusNotFound:
		code = fault.NotFound
	case http.StatusForbidden:
		code = fault.Forbidden
	case http.StatusInternalServerError, http.StatusConflict:
		code = fault.Conflict
	}
	return fault.New(code, "%s", e.Message)
}
