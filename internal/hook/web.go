package hook

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/job"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/script"
)

// WebCall is a request from outside that starts a scenario.
type WebCall struct {
	Request *catalog.WebRequest
	Async   bool
	// Employee is who happens to be signed in, 0 for nobody.
	Employee query.Record
	// Variables are what the request has besides event, script and user.
	Variables map[string]any
}

// WebAnswer is what a scenario answers.
type WebAnswer struct {
	Status  int
	Body    json.RawMessage // nil for none
	Headers json.RawMessage // nil for none
	Bytes   bool            // Body is base64 of bytes
}

// InputLimit is the largest body of a request in bytes.
func (s *Service) InputLimit() int { return s.options.Scenarios.Input }

// Web runs the scenario of a request and gives its answer, or nil when it is only
// queued. It fails with Rejected, with what the scenario says to people, ScenarioFailed,
// ScenarioTimeout, RateLimited, and when ctx ends.
func (s *Service) Web(ctx context.Context, c *WebCall) (*WebAnswer, error) {
	code, err := s.options.Catalog.EmployeeCode(ctx, c.Employee)
	if err != nil {
		return nil, err
	}
	inputs, err := json.Marshal(s.webInputs(c, code))
	if err != nil {
		return nil, err
	}
	if c.Async {
		return nil, s.queueWeb(ctx, c, inputs)
	}
	end, err := s.run(ctx, &run{
		script: c.Request.Script, event: webLink(c.Request.Record), initiator: c.Employee, inputs: inputs, measured: true,
	})
	switch {
	case err != nil:
		return nil, err
	case end == nil:
		return nil, fault.New(fault.NotFound, "there is nothing at this address")
	case end.failure == nil:
		return &WebAnswer{Status: end.status, Body: end.body, Headers: end.headers, Bytes: end.bytes}, nil
	case end.failure.Kind == script.KindUser:
		refused := fault.New(fault.Rejected, "The scenario refused the request")
		refused.Said = tree.AppendString(nil, text.Cut(end.failure.Message, messageMost))
		return nil, refused
	case end.failure.Type == tooLong:
		return nil, fault.New(fault.ScenarioTimeout, "The scenario took too long")
	}
	return nil, fault.New(fault.ScenarioFailed, "The scenario failed")
}

func webLink(n query.Record) query.Link {
	return query.Link{Catalog: catalog.WebRequests, Key: query.Key{Record: n}}
}

// webInputs adds to the variables of a request what started it.
func (s *Service) webInputs(c *WebCall, code string) map[string]any {
	var user any
	if c.Employee != 0 {
		user = recordID(c.Employee, code)
	}
	return withStart(c.Variables, "$webRequest", c.Async, c.Request.Record, c.Request.Script, user)
}

// withStart adds to the variables of a scenario what started it; user is the id of who
// did, nil for nobody.
func withStart(in map[string]any, kind string, async bool, event, script query.Record, user any) map[string]any {
	in["event"] = map[string]any{"id": recordID(event, ""), "type": kind, "async": async}
	in["script"] = map[string]any{"id": recordID(script, "")}
	in["user"] = map[string]any{"id": user}
	return in
}

func recordID(n query.Record, code string) string {
	if code != "" {
		return code
	}
	return strconv.FormatInt(int64(n), 10)
}

// webJob is what a queued request is made of.
type webJob struct {
	Employee query.Record    `json:"employee"`
	Inputs   json.RawMessage `json:"inputs"`
}

// queueWeb makes a job of a request, in a lane of its own.
func (s *Service) queueWeb(ctx context.Context, c *WebCall, inputs json.RawMessage) error {
	body, err := json.Marshal(webJob{c.Employee, inputs})
	if err != nil {
		return err
	}
	made := s.options.Now().UnixMilli()
	err = s.options.Catalog.StartLater(ctx, []job.Job{{
		Queue: runs, Target: int64(query.MakeRef(catalog.WebRequests, c.Request.Record)), Record: rand.Int64(), Kind: "$webRequest", Number: made, Made: made, Body: body,
	}})
	if err == nil {
		s.runs.Wake()
	}
	return err
}

// runWeb runs the scenario of a queued request.
func (s *Service) runWeb(ctx context.Context, r job.Result) job.Result {
	n := query.Ref(r.Target).Record()
	request, err := s.options.Catalog.WebRequestOf(ctx, n)
	if err != nil {
		return s.later(ctx, r, err)
	}
	var w webJob
	if err := json.Unmarshal(r.Body, &w); err != nil || request == nil {
		return passedOver(r, "the web request is switched off or removed")
	}
	return s.runJob(ctx, r, &run{script: request.Script, event: webLink(n), initiator: w.Employee, async: true, inputs: w.Inputs, measured: true})
}
