package apisync

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/script"
	"kartoteka/internal/scriptenv"
)

// scripting runs the scripts of one request, each once for all items of a batch. What
// they write is kept with the item and carried out by the request:
//
//	pre          request_data of each item is changed or replaced
//	identifiers  of items whose identifier is a script's
//	lines        values of lines and defaults; Exchange.Map finds them (at)
//	after        lines and post_script that see the record as it will be stored
//
// It is used by one goroutine. A failure of a script is the item's (scriptItem.err).
type scripting struct {
	x      *Exchange
	config *Compiled
	host   *scriptenv.Host

	current *scriptItem   // whose lines are being mapped; nil for none
	running []*scriptItem // those that the engine runs, in its order
	shown   map[shownKey][]scriptValue
	names   map[*catalog.Catalog]string // models that have an alias
	people  *script.Ref                 // the acting employee, once asked for
	calls   int                         // that scripts have made of the host

	// Notes are what scripts added to bj.api.log.
	Notes []LogNote
	// Output is what they printed and logged, at most scriptOutput bytes.
	Output []byte
}

// LogNote is an entry that a script adds to the log.
type LogNote struct {
	Name    string
	Status  string
	Details json.RawMessage // an object
}

// Bounds of what is kept of a request's scripts.
const (
	scriptOutput = 64 << 10
	maxNotes     = 100
)

// scriptItem is one object of a body to its scripts.
type scriptItem struct {
	data   tree.Value // request_data
	create bool
	record query.Record // 0 while there is none
	code   string       // of the record
	// kept are the writes of its scripts; nil where they may not write.
	kept  *scriptenv.Kept
	begun scriptenv.Kept // what pre_script has written of it
	// refused tells that pre_script has failed.
	refused bool
	lead    int    // how many of the kept operations stand before its own
	err     *Error // nil while all goes well

	value  tree.Value // of the line that runs
	there  bool       // the line's key is
	values map[*Line]scriptValue
	// initial are defaults, by expression.
	initial map[string]tree.Value
}

// scriptValue is what a script gave; set is false when it gave nothing.
type scriptValue struct {
	value tree.Value
	set   bool
	err   error
}

// newScriptItem begins an item whose scripts may write.
func newScriptItem(data tree.Value) *scriptItem {
	return &scriptItem{data: data, kept: &scriptenv.Kept{}, values: map[*Line]scriptValue{}, initial: map[string]tree.Value{}}
}

// scripting gives an exchange its scripts.
func (x *Exchange) scripting() *scripting {
	p := &scripting{x: x, config: x.plan.Compiled, shown: map[shownKey][]scriptValue{}}
	p.host = &scriptenv.Host{
		Catalog: x.s.options.Catalog, Actor: x.actor, Initiator: x.actor.Employee,
		Now:  func() int64 { return x.s.options.Now().UnixMilli() },
		Kept: func(item int) *scriptenv.Kept { return p.running[item].kept },
		Key:  p.key, Name: p.name, Ref: p.ref,
		Models: map[string]scriptenv.Model{logModel: p.logs, configModel: p.configs, lineModel: p.configLines},
	}
	x.script, x.eval = p.lineValue, p.formula
	return p
}

// scriptRun is a script that is run for some items.
type scriptRun struct {
	name    string // for messages
	code    *Script
	mode    script.Mode
	line    *CompiledLine // nil for none
	model   *catalog.Catalog
	outputs []string
	inputs  map[string]json.RawMessage // for all items
	items   []*scriptItem
	// only runs without records.
	only bool
}

// run runs a script for all of its items. What fails is the item's err, unless nothing
// can run at all.
func (p *scripting) run(ctx context.Context, r *scriptRun) ([]script.Result, error) {
	if len(r.items) == 0 {
		return nil, nil
	}
	if p.x.s.options.Scripts == nil {
		return nil, unscripted(fault.New(fault.ScriptsUnavailable, "scripts cannot run here: %s", fault.Msg("they need Linux on amd64 or arm64")))
	}
	req, err := p.request(ctx, r)
	if err != nil {
		return nil, err
	}
	p.running = r.items
	began := time.Now()
	if p.x.phases != nil {
		defer func() { p.x.phases.Script += elapsed(began) }()
	}
	results, err := p.x.s.options.Scripts.Run(ctx, &scriptHost{p, req.AllowHTTP, r.only}, req)
	if err != nil {
		return nil, unscripted(err)
	}
	p.x.s.options.Metrics.Script(time.Since(began), failedSome(results))
	for i := range results {
		p.said(results[i].Log)
		if e := results[i].Err; e != nil {
			r.items[i].err = p.refusal(ctx, e, r.line)
		}
	}
	return results, nil
}

func failedSome(results []script.Result) bool {
	return slices.ContainsFunc(results, func(r script.Result) bool { return r.Err != nil })
}

// unscripted is the refusal of a request whose scripts cannot run at all; any other
// error stays.
func unscripted(err error) error {
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.ScriptsUnavailable {
		return err
	}
	return &Error{Status: http.StatusNotImplemented, Code: "SCRIPTS_UNAVAILABLE", Message: f.Message, cause: err}
}

func (p *scripting) said(text string) {
	if room := scriptOutput - len(p.Output); room > 0 {
		p.Output = append(p.Output, text[:min(room, len(text))]...)
	}
}

// refusal is how a script failed, to the caller. What only its author may know goes to
// the log.
func (p *scripting) refusal(ctx context.Context, e *script.Error, l *CompiledLine) *Error {
	refused := &Error{Status: http.StatusBadRequest, Code: "USER_ERROR", Message: fault.Msg("%s", e.Message), cause: e}
	switch e.Kind {
	case script.KindUser:
	case script.KindAccess:
		refused.Status, refused.Code = http.StatusForbidden, "FORBIDDEN"
	case script.KindMissing:
		refused.Status, refused.Code = http.StatusNotFound, "RECORD_NOT_FOUND"
	default:
		refused = Refuse(http.StatusInternalServerError, "SCRIPT_ERROR", "a script of this endpoint failed").
			With("script", e.Script).With("line", e.Line).With("type", e.Type)
		refused.cause = e
		// What it says may have values of records in it: that is for the module's log, which masks.
		p.x.s.options.Log.WarnContext(ctx, "sync.script", "module", "Sync", "config", p.config.Code, "script", e.Script, "line", e.Line,
			"type", e.Type)
	}
	if l != nil {
		refused.With("line_id", l.ID)
	}
	return refused
}

// unwritten is why what a script gave cannot be written, nil for what is nobody's
// mistake.
func (p *scripting) unwritten(ctx context.Context, err error, l *mapLine) *Error {
	var raised *script.Raised
	if errors.As(err, &raised) {
		return p.refusal(ctx, &script.Error{Kind: script.KindBug, Type: raised.Type, Message: raised.Message, Script: "line " + l.name()}, l.CompiledLine)
	}
	return AsError(FaultError(err, p.config))
}

// ScriptTrace is where a script failed, for the log; "" for errors of another kind.
func (e *Error) ScriptTrace() string {
	var failed *script.Error
	if !errors.As(e.cause, &failed) {
		return ""
	}
	return strings.TrimSuffix(failed.Error()+"\n"+failed.Traceback, "\n")
}

// request is what the engine gets.
func (p *scripting) request(ctx context.Context, r *scriptRun) (*script.Request, error) {
	source, http, err := p.source(r.code)
	if err != nil {
		return nil, err
	}
	c := p.config
	req := &script.Request{
		Key:  script.Key{Company: strconv.FormatInt(p.x.s.options.Company, 10), Version: "sync " + strconv.FormatInt(c.ID, 10) + "." + strconv.FormatInt(c.Version, 10)},
		Name: r.name, Source: source, Mode: r.mode, Limits: script.LineLimits, Outputs: r.outputs, AllowHTTP: http,
		Context: map[string]json.RawMessage{}, Libraries: p.libraries(), Items: make([]script.Item, len(r.items)),
	}
	for name, v := range c.Context {
		if req.Context[name], err = json.Marshal(v); err != nil {
			return nil, err
		}
	}
	uses := used(source)
	if req.Shared, err = p.shared(ctx, r, uses); err != nil {
		return nil, err
	}
	req.User = p.people
	model := p.name(r.model)
	for i, it := range r.items {
		req.Items[i] = it.variables(model, uses)
	}
	return req, nil
}

// source is the text of a script, and whether it may call other servers.
func (p *scripting) source(s *Script) (text string, http bool, err error) {
	if s.Ref == "" {
		return s.Source, false, nil
	}
	n := p.config.State.Scripts[s.Ref]
	if n == nil {
		return "", false, Refuse(500, "CONFIG_ERROR", "there is no script %s", s.Ref)
	}
	return n.Source, n.AllowHTTP, nil
}

// libraries are those of all models.
func (p *scripting) libraries() (list []script.Library) {
	st := p.config.State
	for code, n := range st.Scripts {
		if n.Kind != "library" {
			continue
		}
		if c := modelOf(st.Structure, st.Settings, n.BindModel); c != nil {
			list = append(list, script.Library{Model: p.name(c), Name: "library " + code, Source: n.Source})
		}
	}
	slices.SortFunc(list, func(a, b script.Library) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// used tells which names a source may use, so that the others need not be given: those
// that it contains. locals() has all of them, and so may have names that are written in
// other letters than they are compared in.
func used(source string) func(name string) bool {
	all := strings.Contains(source, "locals")
	for i := 0; i < len(source) && !all; i++ {
		all = source[i] >= 0x80
	}
	return func(name string) bool { return all || strings.Contains(source, name) }
}
