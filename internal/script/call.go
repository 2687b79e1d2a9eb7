package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	searchedRecords = 10_000
	answerMax       = 8 << 20 // bytes of what a call answers
	httpCalls       = 5
	httpTime        = 10 * time.Second
	httpAnswer      = 3 << 20 // 2 MiB in base64, and headers
)

// calls are those of one item.
type calls struct {
	host Host
	req  *Request
	item int // index in the whole request

	made, http int
	httpLeft   time.Duration
}

func newCalls(host Host, req *Request, item int) *calls {
	return &calls{host: host, req: req, item: item, httpLeft: httpTime}
}

// answer carries a call out and gives the frame for the script. It fails with
// *Error when a limit is reached and with the host's error.
func (c *calls) answer(ctx context.Context, method string, args json.RawMessage) ([]byte, error) {
	if c.made++; c.made > c.req.Limits.Calls {
		return nil, limited(c.req, "more than %d calls", c.req.Limits.Calls)
	}
	most := answerMax
	var err error
	switch method {
	case "search":
		args, err = clamped(args)
	case "http":
		most, err = httpAnswer, c.beforeHTTP()
	}
	if err != nil {
		return raisedFrame(err)
	}
	if method == "http" {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.httpLeft)
		defer cancel()
		defer func(began time.Time) { c.httpLeft -= time.Since(began) }(time.Now())
	}
	result, err := c.host.Call(ctx, Call{Item: c.item, Method: method, Args: args})
	if err != nil {
		return raisedFrame(err)
	}
	if result == nil {
		result = json.RawMessage("null")
	}
	if err := c.fits(method, result, most); err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		OK json.RawMessage `json:"ok"`
	}{result})
}

func (c *calls) beforeHTTP() error {
	if !c.req.AllowHTTP {
		return Raise("RuntimeError", "network access is disabled for this script")
	}
	if c.http++; c.http > httpCalls {
		return Raise("ConnectionError", fmt.Sprintf("more than %d calls of other servers", httpCalls))
	}
	if c.httpLeft <= 0 {
		return Raise("Timeout", fmt.Sprintf("calls of other servers took more than %v", httpTime))
	}
	return nil
}

func (c *calls) fits(method string, result json.RawMessage, most int) error {
	if len(result) > most {
		return limited(c.req, "%s answered more than %d bytes", method, most)
	}
	if method != "search" {
		return nil
	}
	var ids []json.RawMessage
	if err := json.Unmarshal(result, &ids); err != nil {
		return fmt.Errorf("the answer of search is no list: %w", err)
	}
	if len(ids) > searchedRecords {
		return limited(c.req, "search found more than %d records", searchedRecords)
	}
	return nil
}

// clamped sets the limit of a search, which a script may have forged.
func clamped(args json.RawMessage) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(args, &all); err != nil || all == nil {
		return nil, Raise("TypeError", "the arguments are no object")
	}
	var limit *int
	if err := json.Unmarshal(all["limit"], &limit); err == nil && limit != nil && *limit >= 0 && *limit <= searchedRecords {
		return args, nil
	}
	all["limit"] = fmt.Appendf(nil, "%d", searchedRecords)
	return json.Marshal(all)
}

// raisedFrame is the answer that raises an error in the script; an error that is
// none of the script's business is returned.
func raisedFrame(err error) ([]byte, error) {
	var raised *Raised
	if !errors.As(err, &raised) {
		return nil, err
	}
	return json.Marshal(map[string]any{"error": map[string]string{"type": raised.Type, "message": raised.Message}})
}

func limited(req *Request, why string, args ...any) *Error {
	return &Error{Kind: KindLimit, Type: LimitError, Message: fmt.Sprintf(why, args...), Script: req.Name}
}
