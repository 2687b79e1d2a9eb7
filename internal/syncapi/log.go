package syncapi

import (
	"net/http"

	"kartoteka/internal/apisync"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/query/tree"
)

// note leaves what was exchanged to the log, and gives the entry's id.
func (x *exchange) note(s *sent) (id apisync.LogID) {
	journal := x.api.opt.Journal
	if journal == nil {
		return id
	}
	e := &apisync.Exchanged{
		LogEntry: apisync.LogEntry{
			Time: x.began, Direction: "in", Endpoint: x.endpoint, Method: x.r.Method, URL: x.r.URL.RequestURI(), PathID: x.record,
			Status: s.status, Outcome: outcome(s, x.dry), RequestID: x.id, RemoteIP: x.ip.String(),
			Duration: float64(x.api.opt.Now().Sub(x.began).Microseconds()) / 1000, Phases: x.phases,
		},
		State: x.state, Config: x.config, Request: x.body, Response: s.body, RequestHeader: x.r.Header, ResponseHeader: x.w.Header().Clone(),
		Admitted: x.admitted,
	}
	if c := x.config; c != nil {
		e.LogEntry.Config, e.Model = c.Code, c.Model
		if c.Catalog != nil {
			e.Catalog = c.Catalog.Num
		}
	}
	if x.admitted {
		e.User = x.actor.Employee
	}
	if c := x.credential; c != nil {
		e.Credential = apisync.CredentialName(c)
	}
	var notes []apisync.LogNote
	if err := apisync.AsError(s.err); err != nil {
		e.ErrorCode, e.ErrorMessage, e.ScriptTrace = err.Code, err.Error(), err.ScriptTrace()
		e.ScriptOutput, notes = string(err.Output), err.Notes
		if len(err.Fields) > 0 {
			e.Line = err.Fields[0].Line
		}
		if err.External != "" {
			e.ExternalIDs = append(e.ExternalIDs, err.External)
		}
	}
	if x.replay != nil {
		e.ReplayOf = x.replay.Of.ID.String()
	}
	e.Details = x.lines.Details()
	noteRecords(e, s.reply)
	if s.reply != nil {
		e.ScriptOutput, notes = string(s.reply.Output), s.reply.Notes
	}
	id = journal.Add(e)
	x.noteScripts(e, notes)
	if x.r.Context().Err() == nil && s.status >= http.StatusInternalServerError {
		x.api.opt.Log.WarnContext(x.r.Context(), "sync.answered", "module", "Sync", "status", s.status, "endpoint", x.endpoint, "request", httpkit.RequestID(x.r.Context()))
	}
	return id
}

// noteRecords tells which records a reply is about, those of lists excepted.
func noteRecords(e *apisync.Exchanged, r *apisync.Reply) {
	if r == nil || r.List {
		return
	}
	for i := range r.Items {
		item := &r.Items[i]
		switch n, whole := item.ID.Int(); {
		case whole:
			e.Records = append(e.Records, n)
		case item.ID.Kind == tree.String:
			e.ExternalIDs = append(e.ExternalIDs, item.ID.Str())
		}
		if item.External != "" {
			e.ExternalIDs = append(e.ExternalIDs, item.External)
		}
		if item.Action != "" && e.Action == "" {
			e.Action = item.Action
		}
	}
}

func outcome(s *sent, dry bool) string {
	switch {
	case dry && s.err == nil:
		return apisync.OutcomeDryRun
	case s.replayed:
		return apisync.OutcomeReplayed
	case s.status == http.StatusMultiStatus:
		return apisync.OutcomePartial
	case s.status >= http.StatusBadRequest:
		return apisync.OutcomeError
	}
	return apisync.OutcomeSuccess
}

// noteScripts leaves to the log what scripts of the request added to it.
func (x *exchange) noteScripts(of *apisync.Exchanged, notes []apisync.LogNote) {
	for _, n := range notes {
		x.api.opt.Journal.Add(&apisync.Exchanged{
			LogEntry: apisync.LogEntry{
				Time: of.Time, Direction: "script", Config: of.LogEntry.Config, Model: of.Model, Endpoint: of.Endpoint, RequestID: of.RequestID,
				Outcome: "success", Name: n.Name, ScriptStatus: n.Status, Details: n.Details, User: of.User,
			},
			State: of.State, Config: of.Config, Admitted: of.Admitted,
		})
	}
}
