package hook

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/script"
	"kartoteka/internal/scriptenv"
)

// Scripts runs scripts; *script.Engine does.
type Scripts interface {
	Run(ctx context.Context, host script.Host, req *script.Request) ([]script.Result, error)
}

// ScenarioOptions say how scenarios are run.
type ScenarioOptions struct {
	Scripts Scripts
	// Company keeps the processes of companies apart.
	Company string
	// Timeout bounds a run that somebody waits for.
	Timeout time.Duration
	// Most bounds those runs; Outer, all that may wait for others: it is less than
	// there are script processes.
	Most, Outer int
	// Input, Result and Data are bytes: of a run's variables, of what is kept of its
	// result, and of its answer.
	Input, Result, Data int
}

// run is one run of a scenario.
type run struct {
	script    query.Record
	event     query.Link   // the record that started it
	initiator query.Record // 0 for automation
	depth     int          // of the write that set it off
	async     bool
	// asked tells that a write waits for it: what it writes itself asks nobody.
	asked  bool
	inputs json.RawMessage // an object
	// measured tells that the size of the inputs was looked at already.
	measured bool
}

// ending is what became of a run.
type ending struct {
	// status is 0 when the scenario set none; body and headers are nil then.
	status        int
	body, headers json.RawMessage
	bytes         bool // body is base64 of bytes
	// failure is why it did not end by itself; nil when it did.
	failure *script.Error
}

// tooLong is the Type of a failure that is the time's.
const tooLong = "Timeout"

// brief is a failure that is the server's, in the form of a script's.
func brief(kind script.Kind, text string) *script.Error {
	return &script.Error{Kind: kind, Type: script.LimitError, Message: text}
}

// run runs a scenario and keeps a note of it; nil when there is nothing to be run. It
// fails with RateLimited, and when ctx ends.
func (s *Service) run(ctx context.Context, r *run) (*ending, error) {
	if s.options.Scenarios.Scripts == nil {
		return nil, nil
	}
	source, err := s.options.Catalog.Scenario(ctx, r.script)
	if err != nil || source.Text == "" {
		return nil, err
	}
	leave, err := s.enter(ctx, r)
	if err != nil {
		return nil, err
	}
	defer leave()
	begun := time.Now()
	kept, err := s.note(ctx, r)
	if err != nil {
		return nil, err
	}
	end, text, err := s.execute(ctx, r, source)
	took := time.Since(begun)
	note := catalog.ProcessEnd{Status: catalog.ProcessDone, Finished: s.options.Now().UnixMilli(), Seconds: took.Round(time.Millisecond).Seconds()}
	switch {
	case err != nil:
		note.Status, note.Result = catalog.ProcessAborted, `{"$error":"the run was given up"}`
	case end.failure != nil:
		note.Status = catalog.ProcessError
		note.Result = s.cut(failureJSON(end.failure, text), s.options.Scenarios.Result)
	default:
		note.Result = s.cut(resultJSON(end, text), s.options.Scenarios.Result)
	}
	kept.end(ctx, note, func(n query.Record, failed error) {
		log := s.options.Log.With("module", "Events", "script", int64(r.script), "event", int64(r.event.Record), "process", int64(n), "ms", took.Milliseconds())
		if failed != nil {
			log.ErrorContext(ctx, "scenario.unnoted", "error", failed)
		}
		if note.Status == catalog.ProcessDone {
			log.InfoContext(ctx, "scenario.done")
		} else {
			log.WarnContext(ctx, "scenario.failed", "status", note.Status)
		}
	})
	return end, err
}

// enter waits for or refuses a place; leave gives it back.
func (s *Service) enter(ctx context.Context, r *run) (leave func(), err error) {
	if !r.async {
		select {
		case s.waited <- struct{}{}:
		default:
			return nil, fault.New(fault.RateLimited, "Too many scenarios are running; try again later")
		}
	}
	if !r.asked {
		select {
		case s.outer <- struct{}{}:
		case <-ctx.Done():
			if !r.async {
				<-s.waited
			}
			return nil, ctx.Err()
		}
	}
	return func() {
		if !r.asked {
			<-s.outer
		}
		if !r.async {
			<-s.waited
		}
	}, nil
}

// execute runs a source and gives what it printed.
func (s *Service) execute(ctx context.Context, r *run, source catalog.Scenario) (*ending, string, error) {
	o := &s.options.Scenarios
	if len(r.inputs) > o.Input && !r.measured {
		return &ending{failure: brief(script.KindLimit, "the input is larger than BPM_PROCESS_INPUT_LIMIT")}, "", nil
	}
	item := script.Item{}
	if err := json.Unmarshal(r.inputs, &item.Inputs); err != nil {
		return nil, "", err
	}
	item.Inputs["inputs"] = r.inputs
	req := &script.Request{
		Key:  script.Key{Company: o.Company, Version: "scenario " + strconv.FormatInt(int64(r.script), 10) + "." + strconv.FormatInt(source.Version, 10)},
		Name: source.Name, Source: source.Text, Mode: script.Execute, Limits: script.ActionLimits,
		Items: []script.Item{item}, Outputs: []string{"status", "body", "headers"},
	}
	limited := ctx
	if !r.async {
		req.Limits.Wall = min(req.Limits.Wall, o.Timeout)
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, o.Timeout)
		defer cancel()
	}
	records := &scriptenv.Host{
		Catalog: s.options.Catalog, Actor: catalog.ScenarioActor(r.depth, r.asked), Initiator: r.initiator,
		Now: func() int64 { return s.options.Now().UnixMilli() },
	}
	results, err := o.Scripts.Run(limited, records, req)
	switch {
	case ctx.Err() != nil:
		return nil, "", ctx.Err()
	case limited.Err() != nil:
		return &ending{failure: &script.Error{Kind: script.KindLimit, Type: tooLong, Message: "it took too long"}}, "", nil
	case fault.Is(err, fault.ScriptsUnavailable):
		return &ending{failure: brief(script.KindBug, err.Error())}, "", nil
	case err != nil:
		s.options.Log.ErrorContext(ctx, "scenario.broken", "module", "Events", "script", int64(r.script), "error", err)
		return &ending{failure: brief(script.KindBug, "internal error; the log says more")}, "", nil
	}
	return s.ended(&results[0]), results[0].Log, nil
}

// ended reads the outputs of a run.
func (s *Service) ended(r *script.Result) *ending {
	end := &ending{body: r.Outputs["body"], headers: r.Outputs["headers"], bytes: r.Types["body"] == "bytes", failure: r.Err}
	if end.failure != nil {
		return end
	}
	if len(end.body)+len(end.headers) > s.options.Scenarios.Data {
		return &ending{failure: brief(script.KindLimit, "the answer is larger than BPM_PROCESS_DATA_LIMIT")}
	}
	given := r.Outputs["status"]
	if given == nil || string(given) == "null" {
		return end
	}
	text := strings.Trim(string(given), `"`)
	status, err := strconv.Atoi(text)
	if err != nil || status < 200 || status > 599 {
		return &ending{failure: brief(script.KindBug, "status is no number from 200 to 599")}
	}
	end.status = status
	return end
}

// cut gives as many bytes of JSON as may be kept, whole characters.
func (s *Service) cut(data []byte, most int) string {
	if len(data) > most {
		data = data[:most]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(string(data), ""), "\x00", "")
}

func failureJSON(e *script.Error, log string) []byte {
	return marshalled(map[string]any{"$error": e.Error(), "$traceback": e.Traceback, "$log": log})
}

func resultJSON(e *ending, log string) []byte {
	result := map[string]any{}
	if e.status != 0 {
		result["status"] = e.status
	}
	for name, v := range map[string]json.RawMessage{"body": e.body, "headers": e.headers} {
		if v != nil {
			result[name] = v
		}
	}
	if log != "" {
		result["$log"] = log
	}
	return marshalled(result)
}

func marshalled(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		return []byte("{}") // texts and JSON that was read before
	}
	return data
}
