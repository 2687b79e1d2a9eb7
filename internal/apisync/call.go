package apisync

import (
	"context"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query/tree"
)

// Call is one authenticated request to an endpoint.
type Call struct {
	Config *Compiled
	Actor  catalog.Actor
	Method string // GET, POST, PUT or DELETE
	ID     string // of the path; "" for none
	Query  []Pair
	Body   tree.Value
	// HasBody tells that there was one: an empty one is not null.
	HasBody bool
	Atomic  bool
	DryRun  bool
	IfMatch string // an ETag, "" for none
	// Base is the scheme and host that addresses of files begin with.
	Base string
	// each is called with every item of a body that is about to be mapped, and the records
	// before; nil for nothing.
	each func(ctx context.Context, w *work, it *item, before *catalog.Rows) error
	// look is called instead of all else with the call as it stands under one structure;
	// nil for a call that is carried out.
	look func(ctx context.Context, w *work) error
	// Phases takes what the parts of the work take; nil for nothing.
	Phases *Phases
	// Lines takes what lines read and make; nil for nothing.
	Lines *LineTrace
	// Once is the request's key among those that are carried out once; nil for none.
	Once *Once
}

// Once names a request that is carried out once (§2.13).
type Once struct {
	Key  [32]byte
	Hash [32]byte // of the raw body
	// Strict tells that the key with another body is a mistake; else that is another
	// request.
	Strict bool
}

// What became of a record.
const (
	Created   = "created"
	Updated   = "updated"
	Unchanged = "unchanged"
	Deleted   = "deleted"
	Archived  = "archived"
	Existing  = "existing"
)

// Reply is what became of a call.
type Reply struct {
	Status int
	// List tells that Items are a list that was asked for; Batch that they are those
	// of a body's list. Else there is one.
	List, Batch bool
	Items       []Item
	Place       *Place // of a List
	Plan        []Plan // of a dry run
	Warnings    []string
	// Notes are what scripts added to the log, Output what they printed.
	Notes  []LogNote
	Output []byte
	// Replayed is a kept answer, given instead of all else; nil for none.
	Replayed *Answer
}

// Item is what became of one record, or of one item of a body.
type Item struct {
	Action string
	// ID is the record's, a number or a text; null when there is none.
	ID   tree.Value
	Data tree.Value // the record in external form; null when it is not wanted
	ETag string
	// External is the identifier that the item came with, "" for none.
	External string
	// Path is what the record's path ends in: its id, or its identifier where paths have
	// that.
	Path string
	Err  *Error // nil when all went well
}

// Place is where a list stands.
type Place struct {
	Total  int64 // -1 when it was not counted
	Limit  int
	Offset int
	More   bool
}

// Plan is an operation that a dry run would have carried out.
type Plan struct {
	Op     string
	Model  string
	Record tree.Value
	Values tree.Value // by external key
}
