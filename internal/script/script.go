package script

import (
	"context"
	"encoding/json"
	"strconv"
	"time"
)

// SourceMax is the longest source in bytes.
const SourceMax = 64 << 10

// Mode is what a script is for.
type Mode string

const (
	// Evaluate scripts give the value of their last expression.
	Evaluate Mode = "evaluate"
	// Execute scripts work by what they do; the name result may give a value.
	Execute Mode = "execute"
)

// Key says who may share a process: runs of one company and one version of a
// configuration or script. Both are non-empty.
type Key struct {
	Company string
	Version string
}

// Limits bound each item of a request.
type Limits struct {
	// Wall is the longest time; CPU the most processor time, calls of Host not counted.
	Wall, CPU time.Duration
	// Memory is what a process may use beyond what it begins with, in bytes.
	Memory int64
	// Output is how many bytes of print and logging are kept.
	Output int
	// Calls is the most calls of Host.
	Calls int
}

// LineLimits are for scripts of lines, headers and the like, ActionLimits for
// actions and scenarios.
var (
	LineLimits   = Limits{Wall: 5 * time.Second, CPU: 2 * time.Second, Memory: 64 << 20, Output: 64 << 10, Calls: 200}
	ActionLimits = Limits{Wall: 300 * time.Second, CPU: 60 * time.Second, Memory: 256 << 20, Output: 256 << 10, Calls: 10_000}
)

// Ref names records that a script gets as such.
type Ref struct {
	Model string            `json:"model"`
	IDs   []json.RawMessage `json:"ids"` // numbers or texts
	// Values are known fields of some of them, each an object with "id". They are
	// what the script reads until it writes.
	Values []json.RawMessage `json:"values,omitempty"`
}

// Item is what one run gets: names with values, and names with records.
type Item struct {
	Inputs  map[string]json.RawMessage `json:"inputs,omitempty"`
	Records map[string]Ref             `json:"records,omitempty"`
}

// Library is a source whose functions are methods of a model's records. Those whose
// first parameter is called self or record get the records as that.
type Library struct {
	Model  string `json:"model"` // as records of it have it
	Name   string `json:"name"`  // for messages; the request's and those of its libraries differ
	Source string `json:"source"`
}

// Request is a script to be run once for each item.
type Request struct {
	Key    Key
	Name   string // for messages
	Source string
	Mode   Mode
	Limits Limits
	// Shared is what all items have.
	Shared Item
	Items  []Item
	// Outputs are names whose values are wanted after the last statement.
	Outputs   []string
	Libraries []Library
	// AllowHTTP lets the script import requests.
	AllowHTTP bool
	// Context is env.context, User env.user; without User the host is asked.
	Context map[string]json.RawMessage
	User    *Ref
}

// Result is what became of one item.
type Result struct {
	// HasValue tells that the script gave a value, which may be null.
	HasValue bool
	Value    json.RawMessage
	// Type is Python's name of the value's type, "records" and "None" besides.
	Type string
	// Outputs are the wanted names that exist, Types their types.
	Outputs map[string]json.RawMessage
	Types   map[string]string
	// Log is what was printed and logged.
	Log string
	// Err is why the script did not end; nil when it did.
	Err *Error
}

// Call is one call that a script makes.
type Call struct {
	// Item is the index of the item that is running.
	Item   int
	Method string
	Args   json.RawMessage // an object
}

// Host answers calls of scripts. An error made by Raise is raised in the script;
// any other one ends the run and is returned by Engine.Run.
type Host interface {
	Call(ctx context.Context, call Call) (json.RawMessage, error)
}

// Raised is an error that a script may catch.
type Raised struct {
	// Type is UserError, ValidationError, AccessError, MissingError, KeyError,
	// ValueError, TypeError, AttributeError, RuntimeError, ImportError, or
	// ConnectionError and Timeout of requests.
	Type, Message string
}

// Raise makes an error that the script may catch.
func Raise(kind, message string) error { return &Raised{kind, message} }

func (r *Raised) Error() string { return r.Type + ": " + r.Message }

// Kind is whose matter an error is.
type Kind string

const (
	// KindUser is what the script says to the caller: UserError, ValidationError, or
	// a ValueError that it raises itself.
	KindUser Kind = "user"
	// KindAccess and KindMissing are AccessError and MissingError.
	KindAccess  Kind = "access"
	KindMissing Kind = "missing"
	// KindSource is a source that cannot be compiled.
	KindSource Kind = "source"
	// KindBug is any other exception.
	KindBug Kind = "bug"
	// KindLimit is a limit; the process is gone.
	KindLimit Kind = "limit"
)

// LimitError is the Type of errors of KindLimit.
const LimitError = "LimitError"

// Error is how a script failed.
type Error struct {
	Kind Kind
	// Type is the exception's, Message its text: English, or the script's own.
	Type, Message string
	// Script is the request's name; Line the last one that was reached, 0 when that
	// is not known; Column is known for KindSource.
	Script       string
	Line, Column int
	// Traceback are the script's own lines, outermost first; for the log.
	Traceback string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Script + ": " + e.Type + ": " + e.Message
	}
	return e.Script + ", line " + strconv.Itoa(e.Line) + ": " + e.Type + ": " + e.Message
}

// Problem is a place in a source that is wrong; both numbers begin with 1.
type Problem struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

// Checked is what is known of a source that was not run.
type Checked struct {
	// Names are used without being defined in it or by Python, Imports are modules.
	Names   []string  `json:"names"`
	Imports []string  `json:"imports"`
	Errors  []Problem `json:"errors"`
}
